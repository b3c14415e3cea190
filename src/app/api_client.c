#include "app/api_client.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/client.h"
#include "wire/json.h"
#include "wire/url.h"

enum { ANSWER_MAX = 64 << 20, CONNECT_MS = 5000, LAST_TURNS = 8 };

struct api_client {
    struct loop *loop;
    struct resolver *resolver;
    struct client *client;
    struct tls_context *tls;
    struct endpoint endpoint;
    struct arena arena;   /* as long as the client */
    struct arena request; /* of the current one */
    str authorization, base_path;
    struct call *call;
    const struct api_request *asked;
    struct api_answer answer;
    bool done;
};

static bool set_endpoint(struct api_client *c, const char *text)
{
    struct url url;
    char why[256];
    const char *wrong = url_parse(arena_str(&c->arena, str_from_c(text)), &url);
    if (wrong) {
        fprintf(stderr, "llm-gateway: --url %s: %s\n", text, wrong);
        return false;
    }
    c->endpoint = (struct endpoint){
        .key = STR("api"),
        .host = url.host,
        .port = url.port,
        .authority = url.authority,
        .tls = url.scheme == URL_HTTPS,
        .unix_path = url.scheme == URL_UNIX ? url.host : STR_NULL,
        .pool = {.max_idle = 1, .queue = 1, .queue_timeout_ms = CONNECT_MS},
        .connect_timeout_ms = CONNECT_MS,
    };
    c->base_path =
        str_ends(url.path, STR("/v1")) ? str_first(url.path, url.path.len - 3) : url.path;
    if (c->endpoint.tls)
        c->tls = tls_client_context(&(struct tls_client_options){.verify = true,
                                                                 .min_version = TLS1_2_VERSION,
                                                                 .alpn = "http/1.1"},
                                    why, sizeof(why));
    if (c->endpoint.tls && !c->tls)
        fprintf(stderr, "llm-gateway: TLS: %s\n", why);
    c->endpoint.tls_context = c->tls;
    return !c->endpoint.tls || c->tls;
}

struct api_client *api_client_new(const char *url, const char *key)
{
    struct api_client *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    arena_init(&c->arena, 0);
    arena_init(&c->request, 0);
    buf_init(&c->answer.body, ANSWER_MAX);
    c->loop = loop_new();
    c->resolver = c->loop ? resolver_new(c->loop) : NULL;
    c->client = c->resolver ? client_new(c->loop, c->resolver, 1) : NULL;
    if (key && *key)
        c->authorization = arena_printf(&c->arena, "Bearer %s", key);
    if (!c->client)
        fputs("llm-gateway: out of memory\n", stderr);
    if (c->client && set_endpoint(c, url))
        return c;
    api_client_free(c);
    return NULL;
}

void api_client_free(struct api_client *c)
{
    if (!c)
        return;
    if (c->client)
        client_free(c->client);
    if (c->resolver)
        resolver_free(c->resolver);
    for (unsigned i = 0; c->loop && i < LAST_TURNS; i++)
        loop_turn(c->loop, false);
    if (c->loop)
        loop_free(c->loop);
    tls_context_unref(c->tls);
    buf_release(&c->answer.body);
    arena_release(&c->request);
    arena_release(&c->arena);
    free(c);
}

/* --- One request ---------------------------------------------------------------------------- */

static void on_connected(void *arg)
{
    (void)arg;
}

static void on_head(void *arg, const struct response_head *head)
{
    struct api_client *c = arg;
    c->answer.status = head->status;
    c->answer.provider =
        arena_str(&c->request, head_get(&head->headers, STR("x-gateway-provider")));
    c->answer.model = arena_str(&c->request, head_get(&head->headers, STR("x-gateway-model")));
}

static void on_body(void *arg, struct slice bytes)
{
    struct api_client *c = arg;
    if (c->answer.status == 200 && c->asked->on_piece)
        c->asked->on_piece(c->asked->arg, str_make(bytes.ptr, bytes.len));
    else
        buf_add(&c->answer.body, bytes.ptr, bytes.len);
}

static void on_end(void *arg)
{
    struct api_client *c = arg;
    c->done = true;
}

static void on_error(void *arg, enum err err, const char *why)
{
    struct api_client *c = arg;
    (void)why;
    c->done = true;
    c->answer.trouble = err == ERR_UPSTREAM_CONNECT
                            ? "no gateway answers there: is it running? (--url, LLM_GATEWAY_URL)"
                            : err_facts(err)->help;
}

static void on_drain(void *arg)
{
    (void)arg;
}

static const struct call_handler from_gateway = {.on_connected = on_connected,
                                                 .on_head = on_head,
                                                 .on_body = on_body,
                                                 .on_end = on_end,
                                                 .on_error = on_error,
                                                 .on_drain = on_drain};

static void reset(struct api_client *c, const struct api_request *r)
{
    struct buf kept = c->answer.body;
    buf_clear(&kept);
    arena_release(&c->request);
    c->answer = (struct api_answer){.body = kept};
    c->asked = r;
    c->done = false;
}

static bool start(struct api_client *c, const struct api_request *r)
{
    struct request_head head = {
        .method_text = str_from_c(r->method),
        .method = method_from(str_from_c(r->method)),
        .version = HTTP_VERSION_1_1,
        .authority = c->endpoint.authority,
        .target = arena_printf(&c->request, "%.*s%s", STR_ARG(c->base_path), r->path),
        .content_length = (int64_t)r->body.len,
        .keep_alive = true,
    };
    struct slice body = SLICE_BORROWED(r->body);
    struct call_request request = {.head = &head,
                                   .content_length = (int64_t)r->body.len,
                                   .body = &body,
                                   .body_count = r->body.len ? 1 : 0};
    bool ok = !c->authorization.len ||
              head_add(&head.headers, &c->request, STR("authorization"), c->authorization);
    if (r->body.len)
        ok = ok &&
             head_add(&head.headers, &c->request, STR("content-type"), STR("application/json"));
    if (ok)
        c->call = call_start(client_caller(c->client), &c->endpoint, &request, &c->request,
                             &from_gateway, c);
    return c->call != NULL;
}

const struct api_answer *api_client_ask(struct api_client *c, const struct api_request *r)
{
    reset(c, r);
    if (!start(c, r)) {
        c->answer.trouble = "out of memory";
        return &c->answer;
    }
    while (!c->done)
        loop_turn(c->loop, true);
    call_release(c->call);
    c->call = NULL;
    loop_turn(c->loop, false);
    return &c->answer;
}

str api_error_text(const struct api_answer *a, struct arena *arena)
{
    struct json_doc doc;
    str body = buf_str(&a->body), text;
    if (!a->status)
        return str_from_c(a->trouble);
    if (json_parse(&doc, arena, body, NULL))
        return body;
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    uint32_t message = json_member(&doc, error, STR("message"));
    return json_is(&doc, message, JSON_STRING) && !json_string_decode(&doc, message, arena, &text)
               ? text
               : body;
}
