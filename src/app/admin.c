#include "app/admin.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/digest.h"
#include "proxy/answer.h"

enum { CONNECTIONS_MAX = 256 };

struct admin {
    struct admin_options options;
    struct server *server;
    struct snapshot *snapshot;
};

static void send_answer(struct exchange *ex, const struct local_answer *a)
{
    struct response_head head = {
        .status = a->status, .content_length = (int64_t)a->body.len, .keep_alive = true};
    struct slice body = SLICE_BORROWED(a->body);
    if (head_add(&head.headers, ex->arena, STR("content-type"), a->content_type) &&
        head_add(&head.headers, ex->arena, STR("cache-control"), STR("no-store")) &&
        (a->status != 401 ||
         head_add(&head.headers, ex->arena, STR("www-authenticate"), STR("Bearer"))))
        exchange_send(ex, &head, &body, 1, true);
    else
        exchange_abort(ex);
    exchange_release(ex);
}

static void refuse(struct exchange *ex, enum err err, const char *message)
{
    struct buf body;
    buf_init(&body, 0);
    answer_error_body(&body, err, str_from_c(message), STR_NULL);
    struct local_answer a = {.status = err_facts(err)->status,
                             .content_type = STR("application/json"),
                             .body = arena_str(ex->arena, buf_str(&body))};
    buf_release(&body);
    send_answer(ex, &a);
}

/* Compared as digests, so that time tells nothing about the token. */
static bool token_is_right(const struct admin *a, const struct exchange *ex)
{
    uint8_t given[SHA256_BYTES], right[SHA256_BYTES];
    str token = snapshot_conf(a->snapshot)->admin_token;
    str value = head_known(&ex->head->headers, HEADER_AUTHORIZATION);
    if (!token.len)
        return true;
    if (!str_istarts(value, STR("bearer ")))
        return false;
    value = str_trim(str_from(value, sizeof("bearer ") - 1));
    digest_sha256(value, given);
    digest_sha256(token, right);
    return CRYPTO_memcmp(given, right, sizeof(right)) == 0;
}

static const struct local_page *find_page(const struct local_page *pages, str path)
{
    for (; pages->path; pages++)
        if (str_eq(path, str_from_c(pages->path)))
            return pages;
    return NULL;
}

static void on_exchange(void *arg, struct exchange *ex)
{
    struct admin *a = arg;
    const struct local_page *page = find_page(a->options.open_pages, ex->head->path);
    if (!page) {
        page = find_page(a->options.token_pages, ex->head->path);
        if (page && !token_is_right(a, ex)) {
            refuse(ex, ERR_KEY_INVALID,
                   "This page needs the admin token as Authorization: Bearer.");
            return;
        }
    }
    if (!page) {
        refuse(ex, ERR_PATH_UNKNOWN,
               "Unknown path. This is the operator's listener: see /health "
               "and /metrics. The API is on the other one.");
        return;
    }
    if (ex->head->method != METHOD_GET && ex->head->method != METHOD_HEAD) {
        refuse(ex, ERR_METHOD_WRONG, "Use GET.");
        return;
    }
    struct local_answer answer = {.status = 200, .content_type = STR("application/json")};
    page->page(a->options.pages_arg, snapshot_conf(a->snapshot), ex->head, ex->arena, &answer);
    send_answer(ex, &answer);
}

static str on_refused(void *arg, struct arena *arena, enum err why, const char *reason, str target,
                      const struct address *peer)
{
    (void)arg, (void)target, (void)peer, (void)reason;
    struct buf body;
    buf_init(&body, 0);
    answer_error_body(&body, why, str_from_c(err_facts(why)->help), STR_NULL);
    str text = arena_str(arena, buf_str(&body));
    buf_release(&body);
    return text;
}

struct admin *admin_new(const struct admin_options *o, struct snapshot *s)
{
    struct admin *a = calloc(1, sizeof(*a));
    if (!a)
        return NULL;
    a->options = *o;
    a->server = server_new(o->loop, &(struct server_options){.conf = snapshot_conf(s)->server,
                                                             .connections_max = CONNECTIONS_MAX,
                                                             .on_exchange = on_exchange,
                                                             .on_refused = on_refused,
                                                             .arg = a});
    if (!a->server) {
        free(a);
        return NULL;
    }
    a->snapshot = snapshot_ref(s);
    return a;
}

bool admin_listen(struct admin *a, int fd)
{
    return server_listen(a->server, fd, NULL) != 0;
}

void admin_set_snapshot(struct admin *a, struct snapshot *s)
{
    snapshot_ref(s);
    snapshot_unref(a->snapshot);
    a->snapshot = s;
    server_configure(a->server, &snapshot_conf(s)->server, CONNECTIONS_MAX);
}

void admin_free(struct admin *a)
{
    if (!a)
        return;
    server_close_all(a->server);
    server_free(a->server);
    snapshot_unref(a->snapshot);
    free(a);
}
