/* Providers: the fate of each call is drawn when it is made. */
#include <stdlib.h>

#include "sim_world.h"

static void proceed(struct sim_world *w, void *who);

/* --- The plan */

static const enum err refusals[] = {ERR_UPSTREAM_CONNECT, ERR_UPSTREAM_TLS,  ERR_UPSTREAM_DNS,
                                    ERR_CONNECT_TIMEOUT,  ERR_QUEUE_TIMEOUT, ERR_QUEUE_FULL};
static const int statuses[] = {400, 401, 403, 404, 408, 413, 422,
                               429, 429, 500, 502, 503, 529, 302};

static bool may_stream(const struct sim_client *c)
{
    return c->shape == SIM_CHAT_STREAM || c->shape == SIM_RESPONSES_STREAM;
}

static size_t block_start(const struct sim_script *s, size_t at)
{
    while (at >= 2 && memcmp(s->body.ptr + at - 2, "\n\n", 2) != 0)
        at--;
    return at >= 2 ? at : 0;
}

static void plan_answer(struct sim_script *s)
{
    struct sim_world *w = s->world;
    s->fate = SIM_ANSWERS;
    s->status = sim_chance(w, 25) ? statuses[sim_below(w, ARRAY_LEN(statuses))] : 200;
    s->events = s->status == 200 && may_stream(s->client) && sim_chance(w, 92);
    s->json = !s->events && (s->client->shape != SIM_DOWNLOAD || sim_chance(w, 30));
    s->stop = sim_chance(w, 55) ? SIM_WHOLE : (enum sim_stop)sim_below(w, SIM_DRIPS + 1);
    if (!s->events && (s->stop == SIM_DRIPS || s->stop == SIM_SAYS_ERROR))
        s->stop = SIM_WHOLE;
    sim_answer_write(s);
    s->stop_at = s->body.len;
    if (s->stop != SIM_WHOLE && s->stop != SIM_DRIPS)
        s->stop_at = sim_below(w, s->body.len + 1);
    if (s->stop == SIM_SAYS_ERROR) /* between two events, and not after the last */
        s->stop_at = block_start(s, s->stop_at < s->body.len ? s->stop_at : 0);
}

static void plan(struct sim_script *s)
{
    struct sim_world *w = s->world;
    uint64_t dice = sim_below(w, 100);
    if (dice < 10) {
        s->fate = SIM_REFUSES;
        s->err = refusals[sim_below(w, ARRAY_LEN(refusals))];
    } else if (dice < 15) {
        s->fate = SIM_RESETS;
        s->err = sim_chance(w, 50) ? ERR_UPSTREAM_RESET : ERR_UPSTREAM_MALFORMED;
    } else if (dice < 18) {
        s->fate = SIM_SILENT;
    } else {
        plan_answer(s);
    }
}

/* --- Carrying it out */

static void fail(struct sim_script *s, enum err err)
{
    sim_say(s->world, "call %u fails: %s", s->number, err_code(err));
    s->over = true;
    fake_call_error(s->call, err);
}

static void send_head(struct sim_script *s)
{
    struct sim_world *w = s->world;
    struct buf head;
    buf_init(&head, 0);
    buf_printf(&head, "HTTP/1.1 %d Whatever\nx-request-id: up-%u\ncontent-type: %s\n", s->status,
               s->number,
               s->events ? "text/event-stream; charset=utf-8"
               : s->json ? "application/json"
                         : "application/octet-stream");
    s->length_given = !s->events && sim_chance(w, 70);
    if (s->length_given)
        buf_printf(&head, "content-length: %zu\n", s->body.len);
    if (s->status == 429 && sim_chance(w, 60))
        buf_printf(&head, "retry-after: %u\n", (unsigned)sim_below(w, 8));
    s->head_sent = true;
    sim_say(w, "call %u answers %d%s", s->number, s->status, s->events ? ", events" : "");
    fake_call_head(s->call, buf_str(&head));
    buf_release(&head);
}

static void say_error(struct sim_script *s)
{
    str text = s->client->shape == SIM_RESPONSES_STREAM
                   ? STR("event: error\ndata: {\"type\":\"error\",\"code\":\"server_error\","
                         "\"message\":\"upstream boom\"}\n\n")
                   : STR("data: {\"error\":{\"message\":\"upstream boom\","
                         "\"type\":\"server_error\"}}\n\n");
    sim_say(s->world, "call %u reports an error in its stream", s->number);
    s->over = true;
    fake_call_body(s->call, text);
}

/* All is sent that will be. */
static void stop(struct sim_script *s)
{
    struct sim_world *w = s->world;
    switch (s->stop) {
    case SIM_WHOLE:
        sim_say(w, "call %u ends", s->number);
        s->over = true;
        fake_call_end(s->call);
        break;
    case SIM_CUT:
        fail(s, ERR_UPSTREAM_TRUNCATED);
        break;
    case SIM_ENDS_EARLY:
        sim_say(w, "call %u ends after %zu of %zu bytes", s->number, s->sent, s->body.len);
        s->over = true;
        if (s->length_given && s->sent < s->body.len) /* its framing tells */
            fake_call_error(s->call, ERR_UPSTREAM_TRUNCATED);
        else
            fake_call_end(s->call);
        break;
    case SIM_SAYS_ERROR:
        say_error(s);
        break;
    case SIM_DRIPS:
        if (s->polls++ < 40 && fake_call_body(s->call, STR(": drip\n\n")))
            sim_at(w, 300000, proceed, s);
        break;
    case SIM_FALLS_SILENT:
        sim_say(w, "call %u falls silent after %zu bytes", s->number, s->sent);
        break;
    }
}

static void send_piece(struct sim_script *s)
{
    struct sim_world *w = s->world;
    size_t left = s->stop_at - s->sent;
    left = left < CHUNK_ROOM ? left : CHUNK_ROOM; /* one read */
    size_t n = sim_chance(w, 20) ? left : 1 + sim_below(w, left < 4000 ? left : 4000);
    str piece = str_make(s->body.ptr + s->sent, n);
    s->sent += n;
    s->whole = s->whole || (s->sent == s->body.len);
    sim_say(w, "call %u sends %zu bytes, %zu of %zu", s->number, n, s->sent, s->body.len);
    fake_call_body(s->call, piece);
}

static void proceed(struct sim_world *w, void *who)
{
    struct sim_script *s = who;
    if (s->over || s->call->released || s->call->state == FAKE_CALL_OVER)
        return;
    if (s->fate == SIM_REFUSES) {
        fail(s, s->err);
        return;
    }
    if (s->call->state == FAKE_CALL_WAITING) {
        sim_say(w, "call %u is connected", s->number);
        fake_call_connect(s->call);
        sim_at(w, sim_delay_us(w), proceed, s);
        return;
    }
    if (s->call->upload_queued) {
        fake_call_drain(s->call);
        sim_at(w, sim_below(w, 100000), proceed, s);
        return;
    }
    bool uploading = !s->call->body_ended && sim_chance(w, 90); /* some answer before the end */
    if (uploading && s->polls++ < 400) {
        sim_at(w, 20000, proceed, s);
        return;
    }
    if (s->fate == SIM_SILENT)
        return;
    if (s->fate == SIM_RESETS) {
        fail(s, s->err);
        return;
    }
    if (!s->call->flow) { /* paused: look again soon */
        sim_at(w, 50000, proceed, s);
        return;
    }
    if (!s->head_sent) {
        send_head(s);
    } else if (s->sent < s->stop_at) {
        send_piece(s);
    } else {
        stop(s);
        return;
    }
    sim_at(w, sim_chance(w, 30) ? 0 : sim_delay_us(w) / 8, proceed, s);
}

static struct sim_client *client_of(struct sim_world *w, str id)
{
    for (unsigned i = 0; i < w->client_count; i++)
        if (str_eq(str_from_c(w->clients[i].id), id))
            return &w->clients[i];
    BUG("a call for nobody: %.*s", STR_ARG(id));
}

void sim_provider_on_start(void *world, struct fake_call *call)
{
    struct sim_world *w = world;
    struct sim_client *c = client_of(w, fake_call_field(call, STR("x-request-id")));
    struct sim_script *s = calloc(1, sizeof(*s));
    CHECK(s && c->calls < SIM_CALLS_MAX);
    *s = (struct sim_script){.world = w, .client = c, .call = call};
    s->number = w->g.caller.count;
    call->user = s;
    call->upload_slow = sim_chance(w, 30);
    buf_init(&s->body, 0);
    buf_init(&s->right, 0);
    sim_check_start(c);
    c->scripts[c->calls++] = s;
    plan(s);
    sim_say(w, "call %u for %s to %.*s", s->number, c->id, STR_ARG(call->authority));
    sim_at(w, sim_delay_us(w), proceed, s);
}

void sim_script_release(struct sim_script *s)
{
    buf_release(&s->body);
    buf_release(&s->right);
    free(s);
}
