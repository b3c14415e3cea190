/*
 * How a request comes in, step by step of the parser: its head becomes an exchange, or is refused;
 * its body goes to the exchange, or, once that is answered, nowhere.
 */
#include "http/h1_conn.h"

/* --- Heads */

uint64_t h1_arena_budget(const struct server_conf *conf)
{
    /* The body once as received and once as it is read or rewritten, the head, and small things. */
    return 2 * conf->max_body + conf->max_header + (1 << 20);
}

/* So much of a head that came in pieces is looked at for its target, should it be refused. */
enum { TARGET_READ_MAX = 256 };

/* What was read of a refused request's target, for the log: the word after the method. */
str h1_target_read(str head)
{
    str line = head;
    ptrdiff_t end = str_find_byte(line, '\n');
    line = str_first(line, end < 0 ? line.len : (size_t)end);
    ptrdiff_t at = str_find_byte(line, ' ');
    if (at < 0)
        return STR_NULL;
    str target = str_from(line, (size_t)at + 1);
    size_t len = 0;
    while (len < target.len && target.ptr[len] > ' ' && target.ptr[len] < 0x7f)
        len++;
    return len ? str_first(target, len) : STR_NULL;
}

/* The request never becomes an exchange: answer and close. */
void h1_refuse(struct h1_conn *c, enum err why, const char *reason, str target)
{
    const struct server_options *o = &c->base.server->options;
    str text = o->on_refused(o->arg, &c->arena, why, reason, target, &c->peer);
    c->ending = H1_END_CLOSE;
    c->dirty = true;
    h1_send_own(c, &c->arena, why, text);
    h1_go_deaf(c);
    h1_enter(c, H1_FLUSH);
}

static void exchange_begin(struct h1_conn *c, struct request_head *head)
{
    struct server *s = c->base.server;
    struct h1_exchange *x = arena_zalloc(&c->arena, sizeof(*x));
    str subject = c->tls ? tls_peer_subject(c->stream) : STR_NULL;
    if (!x || (!str_is_null(subject) && str_is_null(subject = arena_str(&c->arena, subject)))) {
        h1_refuse(c, ERR_NO_MEMORY, "no memory for the request", head->target);
        return;
    }
    x->ex = (struct exchange){
        .ops = &h1_exchange_ops,
        .loop = c->loop,
        .arena = &x->arena,
        .head = head,
        .peer = &x->peer,
        .tls = c->tls,
        .protocol = head->version == HTTP_VERSION_1_0 ? "http/1.0" : "http/1.1",
        .client_subject = subject,
        .started_us = c->head_us,
        .bytes_in = c->head_bytes,
        .last_progress_us = loop_now_us(c->loop),
    };
    x->conn = c;
    x->arena = c->arena;
    x->peer = c->peer;
    x->want_continue = head->expect_continue && head->version == HTTP_VERSION_1_1;
    arena_init(&c->arena, h1_arena_budget(&s->options.conf));
    c->x = x;
}

static void on_head(struct h1_conn *c, struct request_head *head)
{
    exchange_begin(c, head);
    struct h1_exchange *x = c->x;
    if (!x)
        return;
    if (request_has_body(head)) {
        h1_enter(c, H1_BODY);
    } else {
        struct http1_out out;
        CHECK(http1_step(&c->parser, &(str){0}, &c->arena, &out) == HTTP1_END);
        x->body_complete = true;
        h1_enter(c, H1_ANSWER);
    }
    const struct server_options *o = &c->base.server->options;
    o->on_exchange(o->arg, &x->ex);
}

/* --- Bodies */

void h1_body_timer(struct h1_conn *c)
{
    struct h1_exchange *x = c->x;
    uint64_t now = loop_now_us(c->loop);
    if (x->flow) {
        pace_run(&x->pace, now);
        uint64_t wait_ms = pace_check(&x->pace, now, h1_conf(c)->body_timeout_ms);
        timer_start(c->loop, &c->timer, wait_ms);
    } else {
        pace_pause(&x->pace, now);
        timer_stop(&c->timer);
    }
}

/* The body will not be complete; an answer can still be sent. */
void h1_body_failed(struct h1_conn *c, enum err why)
{
    struct h1_exchange *x = c->x;
    x->broken = true;
    if (c->ending == H1_END_KEEP)
        c->ending = H1_END_CLOSE;
    c->dirty = true;
    pace_pause(&x->pace, loop_now_us(c->loop));
    timer_stop(&c->timer);
    h1_go_deaf(c);
    if (x->ex.handler)
        x->ex.handler->on_gone(x->ex.arg, why);
}

static void on_body(struct h1_conn *c, struct slice bytes)
{
    struct h1_exchange *x = c->x;
    x->pace.bytes += bytes.len;
    x->ex.handler->on_body(x->ex.arg, bytes);
}

static void on_body_complete(struct h1_conn *c)
{
    if (c->state == H1_REST) {
        h1_enter(c, H1_FLUSH);
        return;
    }
    struct h1_exchange *x = c->x;
    x->body_complete = true;
    pace_pause(&x->pace, loop_now_us(c->loop));
    h1_enter(c, H1_ANSWER);
}

/* The rest of the body is more than we care to read. */
void h1_give_up_rest(struct h1_conn *c)
{
    c->ending = H1_END_CLOSE;
    c->dirty = true;
    h1_go_deaf(c);
    h1_enter(c, H1_FLUSH);
}

/* --- Steps */

static void on_step_error(struct h1_conn *c, str head)
{
    switch (c->state) {
    case H1_IDLE:
    case H1_HEAD:
        h1_refuse(c, c->parser.err, c->parser.reason, h1_target_read(head));
        break;
    case H1_BODY:
        h1_body_failed(c, c->parser.err);
        break;
    case H1_REST:
        h1_give_up_rest(c);
        break;
    case H1_ANSWER:
    case H1_FLUSH:
    case H1_LINGER:
    case H1_CLOSED:
        BUG("a step in state %s", h1_state_name(c->state));
    }
}

static void count_taken(struct h1_conn *c, size_t n)
{
    if (c->state == H1_IDLE || c->state == H1_HEAD)
        c->head_bytes += n;
    else if (c->state == H1_BODY)
        c->x->ex.bytes_in += n;
    else if (c->state == H1_REST)
        c->rest_left -= n < c->rest_left ? n : c->rest_left;
}

static str copy_start(char out[TARGET_READ_MAX], str head)
{
    head = str_first(head, TARGET_READ_MAX);
    memcpy(out, head.ptr, head.len);
    return str_make(out, head.len);
}

/* Takes one step of the parser; *in loses what it used. */
void h1_step(struct h1_conn *c, struct slice *in)
{
    struct http1_out out;
    str bytes = str_make(in->ptr, in->len), head = bytes;
    char early[TARGET_READ_MAX];
    if (c->parser.head.len) /* in pieces: they are gone when the step fails */
        head = copy_start(early, buf_str(&c->parser.head));
    if (c->state == H1_IDLE)
        c->head_us = loop_now_us(c->loop);
    enum http1_step what = http1_step(&c->parser, &bytes, &c->arena, &out);
    count_taken(c, in->len - bytes.len);
    in->ptr = bytes.ptr;
    in->len = bytes.len;
    switch (what) {
    case HTTP1_NEED_MORE:
        if (c->state == H1_IDLE && !http1_is_idle(&c->parser)) {
            h1_enter(c, H1_HEAD);
            timer_start(c->loop, &c->timer, h1_conf(c)->header_timeout_ms);
        }
        break;
    case HTTP1_HEAD:
        on_head(c, out.request);
        break;
    case HTTP1_BODY:
        if (c->state == H1_BODY)
            on_body(c, (struct slice){in->chunk, out.body.ptr, out.body.len});
        else if (c->rest_left == 0)
            h1_give_up_rest(c);
        break;
    case HTTP1_END:
        on_body_complete(c);
        break;
    case HTTP1_PREFACE:
        h1_refuse(c, ERR_HTTP_VERSION, "HTTP/2 is not spoken on this listener", STR_NULL);
        break;
    case HTTP1_ERROR:
        on_step_error(c, head);
        break;
    }
}
