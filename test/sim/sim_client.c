/* Clients: what each asks for, how its request arrives, how it takes the answer, when it leaves. */
#include <stdio.h>
#include <stdlib.h>

#include "sim_world.h"

static const char *const models[] = {"one", "two", "three", "early", "drain", "b/up-direct"};

static struct fake_exchange *exchange_of(struct sim_client *c)
{
    return c->x && !c->x->released ? c->x : NULL;
}

/* --- The request */

static void write_messages(struct sim_client *c)
{
    size_t pad = sim_chance(c->world, 20) ? sim_below(c->world, 50000) : 10;
    buf_printf(&c->body, "\"messages\":[{\"role\":\"user\",\"content\":\"%s ", c->id);
    for (size_t i = 0; i < pad; i++)
        buf_add_byte(&c->body, (char)('a' + i % 26));
    buf_add_lit(&c->body, "\"}]");
}

static void write_model(struct sim_client *c)
{
    buf_add_lit(&c->body, "\"model\":\"");
    c->model_at = (unsigned)c->body.len;
    c->model_len = (unsigned)strlen(c->model);
    buf_add_str(&c->body, str_from_c(c->model));
    buf_add_lit(&c->body, "\"");
}

static void write_json(struct sim_client *c)
{
    bool stream = c->shape == SIM_CHAT_STREAM || c->shape == SIM_RESPONSES_STREAM;
    c->is_bad = sim_chance(c->world, 5);
    buf_add_lit(&c->body, "{");
    write_model(c);
    if (stream)
        buf_add_lit(&c->body, ",\"stream\":true");
    c->usage_wanted = stream && sim_chance(c->world, 40);
    if (c->usage_wanted)
        buf_add_lit(&c->body, ",\"stream_options\":{\"include_usage\":true}");
    buf_add_byte(&c->body, ',');
    if (c->shape == SIM_CHAT || c->shape == SIM_CHAT_STREAM)
        write_messages(c);
    else
        buf_printf(&c->body, "\"input\":\"%s\"", c->id);
    buf_add_str(&c->body, c->is_bad ? STR(",}") : STR("}"));
}

static void write_form(struct sim_client *c)
{
    size_t file = sim_chance(c->world, 30) ? sim_below(c->world, 400000) : sim_below(c->world, 500);
    buf_add_lit(&c->body, "--edge\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n");
    c->model_at = (unsigned)c->body.len;
    c->model_len = (unsigned)strlen(c->model);
    buf_add_str(&c->body, str_from_c(c->model));
    buf_add_lit(&c->body, "\r\n--edge\r\ncontent-disposition: form-data; name=\"file\"; "
                          "filename=\"a.wav\"\r\n\r\n");
    for (size_t i = 0; i < file; i++)
        buf_add_byte(&c->body, (char)random_next(&c->world->random));
    buf_add_lit(&c->body, "\r\n--edge--\r\n");
}

static void write_raw(struct sim_client *c)
{
    size_t size = sim_chance(c->world, 30) ? sim_below(c->world, 300000) : sim_below(c->world, 500);
    for (size_t i = 0; i < size; i++)
        buf_add_byte(&c->body, (char)random_next(&c->world->random));
    buf_add_str(&c->expected, buf_str(&c->body));
}

static const char *path_of(enum sim_shape shape)
{
    switch (shape) {
    case SIM_CHAT:
    case SIM_CHAT_STREAM:
        return "POST /v1/chat/completions";
    case SIM_RESPONSES_STREAM:
        return "POST /v1/responses";
    case SIM_EMBEDDINGS:
        return "POST /v1/embeddings";
    case SIM_FORM:
        return "POST /v1/audio/transcriptions";
    case SIM_UPLOAD:
        return "POST /v1/responses/resp_1/anything";
    case SIM_DOWNLOAD:
        return "GET /v1/responses/resp_1";
    case SIM_SHAPES:
        break;
    }
    BUG("shape %d", (int)shape);
}

static const char *type_of(enum sim_shape shape)
{
    return shape == SIM_FORM     ? "multipart/form-data; boundary=edge"
           : shape == SIM_UPLOAD ? "application/octet-stream"
                                 : "application/json";
}

static void write_body(struct sim_client *c)
{
    switch (c->shape) {
    case SIM_FORM:
        write_form(c);
        break;
    case SIM_UPLOAD:
        write_raw(c);
        break;
    case SIM_DOWNLOAD:
        break;
    default:
        write_json(c);
        break;
    }
}

/* --- What it does over time */

static void feed(struct sim_world *w, void *who)
{
    struct sim_client *c = who;
    struct fake_exchange *x = exchange_of(c);
    if (!x)
        return;
    size_t left = c->body.len - c->fed;
    size_t n = sim_chance(w, 50) ? left : 1 + sim_below(w, left);
    fake_exchange_feed(x, str_make(c->body.ptr + c->fed, n));
    c->fed += n;
    sim_say(w, "%s sends %zu of %zu bytes", c->id, c->fed, c->body.len);
    if (c->fed == c->body.len)
        fake_exchange_feed_end(x);
    else
        sim_at(w, sim_delay_us(w) / 4, feed, c);
}

static void take(struct sim_world *w, void *who)
{
    struct sim_client *c = who;
    if (!c->x || c->x->gone)
        return;
    fake_exchange_take(c->x, 1 + sim_below(w, 3000));
    if (!c->x->released || c->x->queued)
        sim_at(w, 1000 + sim_below(w, 200000), take, c);
}

static void leave(struct sim_world *w, void *who)
{
    struct sim_client *c = who;
    struct fake_exchange *x = exchange_of(c);
    if (!x || x->told)
        return;
    sim_say(w, "%s leaves", c->id);
    c->left = true;
    fake_exchange_gone(x, ERR_CLIENT_GONE);
}

static void spoil(struct sim_world *w, void *who)
{
    static const enum err faults[] = {ERR_HTTP_MALFORMED, ERR_REQUEST_TIMEOUT};
    struct sim_client *c = who;
    struct fake_exchange *x = exchange_of(c);
    if (!x || x->body_done || !x->flow || c->shape == SIM_DOWNLOAD || x->ended)
        return;
    sim_say(w, "%s: the body turns out bad", c->id);
    fake_exchange_gone(x, faults[sim_below(w, ARRAY_LEN(faults))]);
}

static void arrive(struct sim_world *w, void *who)
{
    struct sim_client *c = who;
    struct buf head;
    buf_init(&head, 0);
    buf_printf(&head, "%s HTTP/1.1\nx-request-id: %s\nauthorization: Bearer client-secret\n",
               path_of(c->shape), c->id);
    if (c->shape != SIM_DOWNLOAD)
        buf_printf(&head, "content-type: %s\n", type_of(c->shape));
    if (c->body.len && sim_chance(w, 70))
        buf_printf(&head, "content-length: %zu\n", c->body.len);
    else if (c->body.len)
        buf_add_lit(&head, "transfer-encoding: chunked\n");
    if (sim_chance(w, 15))
        buf_printf(&head, "x-gateway-timeout: %ums\n", 1 + (unsigned)sim_below(w, 8000));
    if (sim_chance(w, 15))
        buf_printf(&head, "x-gateway-retries: %u\n", (unsigned)sim_below(w, 4));
    if (c->shape == SIM_UPLOAD || c->shape == SIM_DOWNLOAD)
        buf_add_lit(&head, "x-gateway-provider: a\n");
    buf_add_byte(&head, '\0');
    w->g.arena_budget = w->tight ? 4096 * (1 + sim_below(w, 12)) : 0;
    sim_say(w, "%s arrives: %s, %s", c->id, path_of(c->shape), c->model);
    c->x = fake_gateway_begin(&w->g, head.ptr);
    buf_release(&head);
    if (sim_chance(w, 25)) {
        c->x->slow = true;
        c->takes_nothing = sim_chance(w, 20);
        if (!c->takes_nothing)
            sim_at(w, sim_delay_us(w), take, c);
    }
    if (c->body.len)
        sim_at(w, sim_delay_us(w) / 4, feed, c);
    if (sim_chance(w, 20))
        sim_at(w, sim_delay_us(w) + sim_delay_us(w), leave, c);
    if (sim_chance(w, 5))
        sim_at(w, sim_delay_us(w), spoil, c);
}

void sim_client_plan(struct sim_world *w, struct sim_client *c)
{
    static const enum sim_shape shapes[] = {
        SIM_CHAT,        SIM_CHAT,        SIM_CHAT_STREAM,      SIM_CHAT_STREAM,
        SIM_CHAT_STREAM, SIM_CHAT_STREAM, SIM_RESPONSES_STREAM, SIM_EMBEDDINGS,
        SIM_FORM,        SIM_UPLOAD,      SIM_DOWNLOAD};
    c->shape = shapes[sim_below(w, ARRAY_LEN(shapes))];
    c->model = models[sim_below(w, ARRAY_LEN(models))];
    bool named = c->shape != SIM_UPLOAD && c->shape != SIM_DOWNLOAD;
    c->drains = named && strcmp(c->model, "drain") == 0;
    c->early = strcmp(c->model, "early") == 0 &&
               (c->shape == SIM_CHAT_STREAM || c->shape == SIM_RESPONSES_STREAM);
    snprintf(c->id, sizeof(c->id), "req-%u", c->number);
    buf_init(&c->body, 0);
    buf_init(&c->expected, 0);
    write_body(c);
    sim_at(w, sim_delay_us(w), arrive, c);
}

void sim_client_release(struct sim_client *c)
{
    for (unsigned i = 0; i < c->calls; i++)
        sim_script_release(c->scripts[i]);
    buf_release(&c->body);
    buf_release(&c->expected);
}
