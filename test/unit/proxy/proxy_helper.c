#include "proxy_helper.h"

#include <stdio.h>

#include "wire/json.h"

static struct fake_exchange *post_chat(struct fake_gateway *g, const char *model, const char *more)
{
    char body[512];
    snprintf(body, sizeof(body),
             "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]%s}", model,
             more);
    return fake_gateway_post(g, "/v1/chat/completions", body);
}

struct fake_exchange *ask(struct fake_gateway *g, const char *model)
{
    return post_chat(g, model, "");
}

struct fake_exchange *ask_stream(struct fake_gateway *g, const char *model)
{
    return post_chat(g, model, ",\"stream\":true");
}

void say_head(struct fake_gateway *g, const char *head)
{
    fake_call_head(fake_gateway_last_call(g), str_from_c(head));
    fake_gateway_settle(g);
}

void say(struct fake_gateway *g, const char *bytes)
{
    fake_call_body(fake_gateway_last_call(g), str_from_c(bytes));
    fake_gateway_settle(g);
}

void say_end(struct fake_gateway *g)
{
    fake_call_end(fake_gateway_last_call(g));
    fake_gateway_settle(g);
}

void say_error(struct fake_gateway *g, enum err err)
{
    fake_call_error(fake_gateway_last_call(g), err);
    fake_gateway_settle(g);
}

void say_answer(struct fake_gateway *g, int status, const char *json)
{
    fake_call_answer(fake_gateway_last_call(g), status, "application/json", str_from_c(json));
    fake_gateway_settle(g);
}

void advance_ms(struct fake_gateway *g, uint64_t ms)
{
    fake_loop_advance_ms(g->loop, ms);
}

const char *error_code(const struct fake_exchange *x)
{
    static char code[64];
    struct json_doc doc;
    struct arena a;
    arena_init(&a, 0);
    if (json_parse(&doc, &a, buf_str(&x->body), NULL))
        EXPECT_FAIL("not JSON: %.*s", STR_ARG(buf_str(&x->body)));
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    uint32_t node = json_member(&doc, error, STR("code"));
    EXPECT(json_is(&doc, node, JSON_STRING));
    snprintf(code, sizeof(code), "%.*s", STR_ARG(json_string_raw(&doc, node)));
    arena_release(&a);
    return code;
}
