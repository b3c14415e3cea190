#include "proxy/fetch.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "policy/address_check.h"
#include "policy/fetch_url.h"
#include "proxy/ask.h"
#include "proxy/client_address.h"

enum { AT_ONCE = 4, REDIRECTS_MAX = 3, CONNECT_MS = 5000 };

/* One address of the chat. */
struct item {
    struct fetch *fetch;
    struct block *block;
    str field; /* the client's */
    struct fetch_url url;
    unsigned redirects;
    void *query;
    struct address addresses[DNS_ADDRESSES_MAX];
    struct endpoint endpoint;
    struct request_head head;
    struct ask *ask;
};

struct fetch {
    struct fetch_options options;
    struct arena *arena;
    struct timer timer;
    struct deferred later; /* the end, where nobody may be called back yet */
    struct item *items;
    unsigned count, next, running;
    bool over;
    struct chat_fault fault;
};

/* --- The end -------------------------------------------------------------------------------- */

static void end_item(struct item *i)
{
    if (i->query)
        i->fetch->options.names->cancel(i->query);
    i->query = NULL;
    ask_release(i->ask);
    i->ask = NULL;
}

void fetch_release(struct fetch *f)
{
    if (!f)
        return;
    f->over = true;
    timer_stop(&f->timer);
    deferred_cancel(&f->later);
    for (unsigned i = 0; i < f->next; i++)
        end_item(&f->items[i]);
}

static void done(void *arg)
{
    struct fetch *f = arg;
    fetch_release(f);
    f->options.on_done(f->options.arg, &f->fault);
}

static void set_fault(struct item *i, enum err err, const char *text)
{
    struct fetch *f = i->fetch;
    f->fault = (struct chat_fault){.err = err, .field = i->field};
    f->fault.text = arena_printf(f->arena, "the %s's address %s",
                                 i->block->kind == BLOCK_IMAGE ? "image" : "document", text);
    if (err == ERR_NO_MEMORY || str_is_null(f->fault.text))
        f->fault = (struct chat_fault){ERR_NO_MEMORY, i->field, STR("No memory for the request.")};
}

static void fail(struct item *i, const char *text)
{
    set_fault(i, ERR_FIELD_INVALID, text);
    done(i->fetch);
}

static void fail_for_memory(struct item *i)
{
    set_fault(i, ERR_NO_MEMORY, "");
    i->fetch->over = true;
    loop_defer(i->fetch->options.loop, &i->fetch->later);
}

/* --- What came ------------------------------------------------------------------------------ */

/* Lower case, without parameters; null: there is none. */
static str mime_of(struct fetch *f, str content_type)
{
    str rest = content_type, type = str_trim(str_split(&rest, ';'));
    char *lower = arena_alloc(f->arena, type.len + 1);
    if (!lower || !type.len)
        return STR_NULL;
    for (size_t i = 0; i < type.len; i++)
        lower[i] =
            type.ptr[i] >= 'A' && type.ptr[i] <= 'Z' ? (char)(type.ptr[i] | 0x20) : type.ptr[i];
    return str_make(lower, type.len);
}

/* What the bytes say counts more than what anybody says of them. */
static str judge(const struct item *i, str said, str seen)
{
    bool image = i->block->kind == BLOCK_IMAGE;
    if (seen.len)
        return str_starts(seen, STR("image/")) == image ? seen : STR_NULL;
    if (image)
        return str_starts(said, STR("image/")) ? said : STR_NULL;
    return str_eq(said, STR("text/html")) ? STR_NULL
           : i->block->media.mime.len     ? i->block->media.mime
                                          : said;
}

static void start_more(struct fetch *f);

static void on_bytes(struct item *i, const struct ask_answer *answer)
{
    struct fetch *f = i->fetch;
    size_t len = answer->body.len;
    char *text = arena_alloc(f->arena, (len + 2) / 3 * 4 + 1);
    if (len == 0) {
        fail(i, "leads to nothing");
        return;
    }
    if (!text) {
        fail(i, "leads to more than the request may hold (server.max_body)");
        return;
    }
    int encoded =
        EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)answer->body.ptr, (int)len);
    str base64 = str_make(text, (size_t)encoded);
    str mime = judge(i, mime_of(f, answer->content_type), media_sniff(base64));
    if (!mime.len) {
        fail(i, i->block->kind == BLOCK_IMAGE ? "leads to something that is no image"
                                              : "leads to something that is no document");
        return;
    }
    i->block->media.source = MEDIA_BASE64;
    i->block->media.mime = mime;
    i->block->media.data = base64;
    end_item(i);
    f->running--;
    if (f->running || f->next < f->count)
        start_more(f);
    else
        done(f);
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void start_item(struct item *i);

static void on_redirect(struct item *i, str location)
{
    struct fetch_url next;
    if (++i->redirects > REDIRECTS_MAX) {
        fail(i, "is redirected too often");
        return;
    }
    const char *wrong = fetch_url_redirect(&i->url, location, i->fetch->arena, &next);
    if (wrong) {
        fail(i, "is redirected to one that is not https, or has no plain host");
        return;
    }
    i->url = next;
    end_item(i);
    start_item(i);
}

static const char *failure_text(enum err err)
{
    switch (err) {
    case ERR_UPSTREAM_TOO_LARGE:
        return "leads to more bytes than fetch.max_size";
    case ERR_UPSTREAM_TLS:
        return "has no trusted certificate";
    case ERR_TOTAL_TIMEOUT:
    case ERR_CONNECT_TIMEOUT:
        return "did not answer in time (fetch.timeout)";
    default:
        return "could not be fetched";
    }
}

static void on_answer(void *arg, const struct ask_answer *answer)
{
    struct item *i = arg;
    if (answer->err) {
        fail(i, failure_text(answer->err));
    } else if (is_redirect(answer->status)) {
        on_redirect(i, answer->location);
    } else if (answer->status != 200) {
        char text[32];
        snprintf(text, sizeof(text), "answered %d", answer->status);
        fail(i, text);
    } else {
        on_bytes(i, answer);
    }
}

/* --- Asking --------------------------------------------------------------------------------- */

static bool may_be_asked(const struct fetch *f, const struct address *a)
{
    const struct fetch_conf *conf = f->options.conf;
    char text[64];
    const char *refused = "no IP";
    if (a->any.sa_family == AF_INET)
        refused =
            address_refused_v4((const uint8_t *)&((const struct sockaddr_in *)&a->any)->sin_addr);
    else if (a->any.sa_family == AF_INET6)
        refused = address_refused_v6((const uint8_t *)&a->storage_in6.sin6_addr);
    return !refused ||
           network_contains(conf->networks, conf->network_count, address_ip_text(a, text));
}

static bool fill_head(struct item *i)
{
    struct fetch *f = i->fetch;
    struct request_head *h = &i->head;
    *h = (struct request_head){
        .method = METHOD_GET,
        .method_text = STR("GET"),
        .version = HTTP_VERSION_1_1,
        .authority = i->url.authority,
        .target = i->url.target,
        .keep_alive = true,
        .content_length = -1,
    };
    str accept = i->block->kind == BLOCK_IMAGE ? STR("image/*") : STR("*/*");
    return head_add_known(&h->headers, f->arena, HEADER_ACCEPT, accept) &&
           head_add_known(&h->headers, f->arena, HEADER_ACCEPT_ENCODING, STR("identity")) &&
           head_add_known(&h->headers, f->arena, HEADER_USER_AGENT, f->options.user_agent);
}

/* Connections are not kept: another request asks another host. */
static bool fill_endpoint(struct item *i, unsigned addresses)
{
    i->endpoint = (struct endpoint){
        .key = arena_printf(i->fetch->arena, "fetch https://%.*s", STR_ARG(i->url.authority)),
        .host = i->url.host,
        .port = i->url.port,
        .pinned = i->addresses,
        .pinned_count = addresses,
        .authority = i->url.authority,
        .tls = true,
        .tls_context = i->fetch->options.tls_context,
        .pool = {.max_idle = 0,
                 .queue = 100,
                 .queue_timeout_ms = CONNECT_MS,
                 .idle_timeout_ms = 1000},
        .connect_timeout_ms = CONNECT_MS,
    };
    return !str_is_null(i->endpoint.key);
}

static void on_addresses(void *arg, const struct address *addresses, unsigned n, enum err err)
{
    struct item *i = arg;
    struct fetch *f = i->fetch;
    i->query = NULL;
    if (err || n == 0 || n > DNS_ADDRESSES_MAX) {
        fail(i, "has a host that does not resolve");
        return;
    }
    for (unsigned k = 0; k < n; k++)
        if (!may_be_asked(f, &addresses[k])) {
            fail(i, "is not in a public network");
            return;
        }
    memcpy(i->addresses, addresses, n * sizeof(*addresses));
    if (!fill_head(i) || !fill_endpoint(i, n)) {
        fail_for_memory(i);
        return;
    }
    i->ask = ask_start(&(struct ask_options){.loop = f->options.loop,
                                             .caller = f->options.caller,
                                             .endpoint = &i->endpoint,
                                             .head = &i->head,
                                             .body_max = f->options.conf->max_size,
                                             .timeout_ms = f->options.conf->timeout_ms,
                                             .on_done = on_answer,
                                             .arg = i},
                       f->arena);
    if (!i->ask)
        fail_for_memory(i);
}

static void start_item(struct item *i)
{
    const struct fetch_names *names = i->fetch->options.names;
    i->query = names->start(names->arg, i->url.host, i->url.port, on_addresses, i);
    if (!i->query)
        fail_for_memory(i);
}

static void start_more(struct fetch *f)
{
    while (!f->over && f->next < f->count && f->running < AT_ONCE) {
        f->running++;
        start_item(&f->items[f->next++]);
    }
}

static void on_timeout(void *arg)
{
    struct fetch *f = arg;
    set_fault(&f->items[0], ERR_FIELD_INVALID, failure_text(ERR_TOTAL_TIMEOUT));
    done(f);
}

/* --- What is to be asked -------------------------------------------------------------------- */

static bool is_wanted(const struct block *b)
{
    return (b->kind == BLOCK_IMAGE || b->kind == BLOCK_DOCUMENT) && b->media.source == MEDIA_URL &&
           str_istarts(b->media.data, STR("http"));
}

/* Counts, and with `to` collects. */
static unsigned walk_blocks(struct block *blocks, str field, struct item *to)
{
    unsigned n = 0;
    for (struct block *b = blocks; b; b = b->next) {
        if (is_wanted(b)) {
            if (to)
                to[n] = (struct item){.block = b, .field = field};
            n++;
        } else if (b->kind == BLOCK_RESULT) {
            n += walk_blocks(b->result.content, field, to ? to + n : NULL);
        }
    }
    return n;
}

static unsigned walk(const struct chat *c, struct item *to)
{
    unsigned n = 0;
    for (const struct turn *t = c->system; t; t = t->next)
        n += walk_blocks(t->blocks, t->path, to ? to + n : NULL);
    for (const struct turn *t = c->turns; t; t = t->next)
        n += walk_blocks(t->blocks, t->path, to ? to + n : NULL);
    return n;
}

bool fetch_wanted(const struct chat *c)
{
    return walk(c, NULL) > 0;
}

/* False: f->fault says what is wrong. */
static bool check_items(struct fetch *f)
{
    for (unsigned i = 0; i < f->count; i++) {
        struct item *item = &f->items[i];
        item->fetch = f;
        const char *wrong = fetch_url_parse(item->block->media.data, f->arena, &item->url);
        if (wrong) {
            set_fault(item, ERR_FIELD_INVALID, wrong);
            return false;
        }
    }
    if (f->count <= f->options.conf->max_count)
        return true;
    set_fault(&f->items[f->options.conf->max_count], ERR_FIELD_INVALID,
              "is one too many to be fetched (fetch.max_count)");
    return false;
}

struct fetch *fetch_start(const struct fetch_options *o, struct chat *c, struct chat_fault *fault)
{
    struct fetch *f = arena_zalloc(c->arena, sizeof(*f));
    *fault = (struct chat_fault){ERR_NO_MEMORY, STR_NULL, STR("No memory for the request.")};
    if (!f)
        return NULL;
    f->options = *o;
    f->arena = c->arena;
    f->count = walk(c, NULL);
    f->items = arena_alloc(c->arena, (f->count + 1) * sizeof(*f->items));
    if (!f->items)
        return NULL;
    walk(c, f->items);
    CHECK(f->count > 0);
    if (!check_items(f)) {
        *fault = f->fault;
        return NULL;
    }
    timer_init(&f->timer, on_timeout, f);
    deferred_init(&f->later, done, f);
    timer_start(o->loop, &f->timer, o->conf->timeout_ms);
    start_more(f);
    return f;
}

/* --- The real resolver ---------------------------------------------------------------------- */

static void *resolver_start(void *arg, str host, uint16_t port, dns_fn *callback, void *of_callback)
{
    return dns_resolve(arg, host, port, callback, of_callback);
}

static void resolver_cancel(void *query)
{
    dns_cancel(query);
}

struct fetch_names fetch_names_of(struct resolver *r)
{
    return (struct fetch_names){.start = resolver_start, .cancel = resolver_cancel, .arg = r};
}
