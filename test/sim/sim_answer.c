/* What providers answer: bodies with a mark of their own, and what of them a client is to see. */
#include "sim_world.h"

/* A block goes to both, or is hidden from the client. */
static void block(struct sim_script *s, bool hidden, const char *format, ...) printf_like(3, 4);
static void block(struct sim_script *s, bool hidden, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    buf_vprintf(&s->body, format, args);
    if (!hidden)
        buf_vprintf(&s->right, format, again);
    va_end(again);
    va_end(args);
}

/* Events that no honest provider sends, and that must do no harm. */
static const char *const oddities[] = {
    "data: {\"choices\":[{\"delta\":[1,2]}]}\n\n",
    "data: {\"choices\":[{\"delta\":\"text\"}]}\n\n",
    "data: {\"choices\":{\"0\":{}}}\n\n",
    "data: {\"choices\":[[[[[[1]]]]]]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":{\"a\":{\"b\":1}}}}]}\n\n",
    "data: [1,2,3]\n\n",
    "data: not json\n\n",
    "data: {\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":1e999}}\n\n",
    "data: {\"usage\":[1],\"choices\":[]}\n\n",
    "data\n\n",
    "data: \n\n",
    "event: ping\n\n",
    "id: 7\nretry: 10\n\n",
    ": ping\n\n",
    "event: message\ndata: {}\n\n",
    "data: {\"type\":7}\n\n",
    "data: {\"response\":[1],\"type\":\"response.output_text.delta\"}\n\n",
};

static void maybe_odd(struct sim_script *s)
{
    if (sim_chance(s->world, 4))
        block(s, false, "%s", oddities[sim_below(s->world, ARRAY_LEN(oddities))]);
    if (sim_chance(s->world, 6))
        block(s, false, ": ping\n\n");
}

static unsigned words(struct sim_script *s)
{
    return 1 + (unsigned)sim_below(s->world, sim_chance(s->world, 10) ? 200 : 12);
}

static void chat_stream(struct sim_script *s)
{
    struct sim_world *w = s->world;
    unsigned n = words(s);
    bool usage = sim_chance(w, 80);
    maybe_odd(s);
    block(s, false,
          "data: {\"id\":\"up-%u\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
          "\"content\":\"\"}}]}\n\n",
          s->number);
    for (unsigned i = 0; i < n; i++) {
        block(s, false,
              "data: {\"id\":\"up-%u\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
              "\"word %u\"}}]}\n\n",
              s->number, i);
        maybe_odd(s);
    }
    block(s, false,
          "data: {\"id\":\"up-%u\",\"choices\":[{\"index\":0,\"delta\":{},"
          "\"finish_reason\":\"stop\"}]}\n\n",
          s->number);
    if (usage)
        block(s, !s->client->usage_wanted,
              "data: {\"id\":\"up-%u\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
              "\"completion_tokens\":%u,\"total_tokens\":%u}}\n\n",
              s->number, n, n + 3);
    block(s, false, "data: [DONE]\n\n");
}

static void responses_stream(struct sim_script *s)
{
    unsigned n = words(s);
    block(s, false,
          "event: response.created\ndata: {\"type\":\"response.created\",\"response\":"
          "{\"id\":\"up-%u\"}}\n\n",
          s->number);
    for (unsigned i = 0; i < n; i++)
        block(s, false,
              "event: response.output_text.delta\ndata: {\"type\":"
              "\"response.output_text.delta\",\"delta\":\"up-%u %u\"}\n\n",
              s->number, i);
    block(s, false,
          "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":"
          "{\"status\":\"completed\",\"usage\":{\"input_tokens\":1,\"output_tokens\":%u}}}\n\n",
          n);
}

static void json_answer(struct sim_script *s)
{
    size_t pad = sim_chance(s->world, 15) ? sim_below(s->world, 200000) : 20;
    buf_printf(&s->body, "{\"id\":\"up-%u\",\"pad\":\"", s->number);
    for (size_t i = 0; i < pad; i++)
        buf_add_byte(&s->body, (char)('A' + i % 26));
    buf_add_lit(&s->body, "\",\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":4},\"choices\":"
                          "[{\"finish_reason\":\"stop\"}]}");
}

static void binary_answer(struct sim_script *s)
{
    size_t size =
        1 + (sim_chance(s->world, 20) ? sim_below(s->world, 300000) : sim_below(s->world, 3000));
    for (size_t i = 0; i < size; i++)
        buf_add_byte(&s->body, (char)random_next(&s->world->random));
}

void sim_answer_write(struct sim_script *s)
{
    if (s->events && s->client->shape == SIM_CHAT_STREAM)
        chat_stream(s);
    else if (s->events)
        responses_stream(s);
    else if (s->status != 200)
        buf_printf(&s->body, "{\"error\":{\"message\":\"up-%u says %d\",\"type\":\"x\"}}",
                   s->number, s->status);
    else if (s->json)
        json_answer(s);
    else
        binary_answer(s);
    if (!s->events)
        buf_add_str(&s->right, buf_str(&s->body));
    CHECK(!s->body.failed && !s->right.failed);
}
