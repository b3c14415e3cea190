#include "proxy/answer.h"

#include <stdio.h>

#include "proxy/cors.h"
#include "wire/json_write.h"

bool answer_add(struct request *r, struct response_head *head, str name, str value)
{
    return head_add(&head->headers, r->arena, name, value);
}

bool answer_add_known(struct request *r, struct response_head *head, enum header_name id, str value)
{
    return head_add_known(&head->headers, r->arena, id, value);
}

/* Appends microseconds as milliseconds with three places. */
static void add_ms(struct buf *out, uint64_t us)
{
    char places[4] = {'.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                      (char)('0' + us % 10)};
    buf_add_u64(out, us / 1000);
    buf_add(out, places, sizeof(places));
}

/* The server-timing field (W3C Server Timing): durations in milliseconds. */
static str timing_text(struct request *r)
{
    enum { ROOM = 160 }; /* four numbers of at most 24 characters, and their names */
    uint64_t now = loop_now_us(r->worker->loop);
    struct buf text = {.ptr = arena_alloc(r->arena, ROOM), .cap = ROOM, .limit = ROOM};
    if (!text.ptr)
        return STR_NULL;
    buf_add_lit(&text, "gateway;dur=");
    add_ms(&text, r->own_us);
    buf_add_lit(&text, ", queue;dur=");
    add_ms(&text, r->rec.queue_us);
    buf_add_lit(&text, ", upstream;dur=");
    add_ms(&text, r->rec.upstream_us);
    buf_add_lit(&text, ", total;dur=");
    add_ms(&text, now > r->ex->started_us ? now - r->ex->started_us : 0);
    return buf_str(&text);
}

static bool add_target_fields(struct request *r, struct response_head *head)
{
    if (!r->rec.provider.len)
        return true;
    static const str digits[] = {STR_INIT("0"), STR_INIT("1"), STR_INIT("2"), STR_INIT("3"),
                                 STR_INIT("4")};
    str made =
        r->made < ARRAY_LEN(digits) ? digits[r->made] : arena_printf(r->arena, "%u", r->made);
    return answer_add_known(r, head, HEADER_X_GATEWAY_PROVIDER, r->rec.provider) &&
           (!r->rec.target_model.len ||
            answer_add_known(r, head, HEADER_X_GATEWAY_MODEL, r->rec.target_model)) &&
           answer_add_known(r, head, HEADER_X_GATEWAY_ATTEMPTS, made) &&
           (!r->reported.len || answer_add(r, head, STR("x-gateway-unsupported"), r->reported));
}

struct response_head *answer_head(struct request *r, int status)
{
    struct response_head *head = arena_zalloc(r->arena, sizeof(*head));
    if (!head || !head_reserve(&head->headers, r->arena, 16))
        return NULL;
    head->status = status;
    head->content_length = -1;
    head->keep_alive = true;
    bool ok = !r->rec.id.len || answer_add_known(r, head, HEADER_X_REQUEST_ID, r->rec.id);
    if (ok && r->rec.id.len && r->dialect->native == NATIVE_ANTHROPIC) /* what its clients read */
        ok = answer_add(r, head, STR("request-id"), r->rec.id);
    ok = ok && add_target_fields(r, head) && cors_add_fields(r, head);
    if (ok && !r->rec.is_local) {
        str timing = timing_text(r);
        ok = !str_is_null(timing) && answer_add_known(r, head, HEADER_SERVER_TIMING, timing);
    }
    return ok ? head : NULL;
}

void answer_error_body(struct buf *out, enum err err, str message, str param)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member(&w, STR("message"), message);
    json_write_member(&w, STR("type"), str_from_c(err_facts(err)->type));
    json_write_key(&w, STR("param"));
    if (str_is_null(param))
        json_write_null(&w);
    else
        json_write_string(&w, param);
    json_write_member(&w, STR("code"), str_from_c(err_code(err)));
    json_write_object_end(&w);
    json_write_object_end(&w);
    buf_add_byte(out, '\n');
}

void answer_write_error(const struct request *r, struct buf *out, const struct client_error *e)
{
    if (r->dialect->write_error)
        r->dialect->write_error(out, e);
    else
        answer_error_body(out, e->err, e->message, e->param);
}

int answer_status(const struct request *r, enum err err, int status)
{
    return r->dialect->client_status ? r->dialect->client_status(err, status) : status;
}

bool answer_worth_retrying(enum err err)
{
    const struct err_facts *f = err_facts(err);
    return f->retry && f->fault != ERR_FAULT_CREDENTIAL && err != ERR_UPSTREAM_NOT_FOUND;
}

static const char *attempt_words(const struct attempt_record *a, char out[32])
{
    if (a->status && (a->status < 200 || a->status > 299)) {
        snprintf(out, 32, "%d", a->status);
        return out;
    }
    return err_code(a->err);
}

str answer_attempts_text(struct request *r)
{
    str text = STR("");
    for (unsigned i = 0; i < r->rec.attempt_count; i++) {
        const struct attempt_record *a = &r->rec.attempts[i];
        char words[32];
        text = arena_printf(r->arena, "%.*s%s%.*s: %s in %.1f s", STR_ARG(text), i ? "; " : "",
                            STR_ARG(a->provider), attempt_words(a, words),
                            (double)a->duration_us / 1e6);
    }
    return text;
}
