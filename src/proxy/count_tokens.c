#include "proxy/count_tokens.h"

#include "llm/dialect/anthropic.h"
#include "llm/token_estimate.h"

bool count_tokens_is(const struct request *r)
{
    return (r->kind == ENDPOINT_MESSAGES_COUNT || r->kind == ENDPOINT_GENERATE_COUNT) &&
           r->dialect->read_request;
}

/* Gemini's clients may wrap the request that they are about to send. */
static str counted_body(struct request *r)
{
    struct json_doc doc;
    if (r->kind != ENDPOINT_GENERATE_COUNT ||
        json_parse(&doc, r->arena, r->body_text, &(struct json_options){.index_depth = 1}))
        return r->body_text;
    uint32_t wrapped = json_member(&doc, JSON_ROOT, STR("generateContentRequest"));
    return json_is(&doc, wrapped, JSON_OBJECT) ? json_raw(&doc, wrapped) : r->body_text;
}

static enum err read_chat(struct request *r, struct chat *c, struct chat_fault *fault)
{
    struct json_doc doc;
    if (json_parse(&doc, r->arena, counted_body(r), NULL))
        return ERR_NO_MEMORY; /* it was JSON before */
    struct chat_source in = {.doc = &doc, .headers = &r->ex->head->headers, .model = r->model};
    chat_init(c, r->arena);
    enum err err = r->kind == ENDPOINT_MESSAGES_COUNT ? anthropic_read_count_request(&in, c)
                                                      : r->dialect->read_request(&in, c);
    *fault = in.fault;
    return err;
}

static void write_count(struct request *r, struct buf *out, uint64_t tokens)
{
    if (r->kind == ENDPOINT_MESSAGES_COUNT)
        anthropic_write_count(out, tokens);
    else
        buf_printf(out, "{\"totalTokens\":%llu}", (unsigned long long)tokens);
}

enum stage_verdict count_tokens_answer(struct request *r)
{
    const struct header marked = {.name = STR("x-gateway-unsupported"),
                                  .value = STR("count_tokens (an estimate)"),
                                  .id = HEADER_X_GATEWAY_UNSUPPORTED};
    struct chat chat;
    struct chat_fault fault = {0};
    struct buf body;
    enum err err = read_chat(r, &chat, &fault);
    if (err == ERR_NO_MEMORY)
        return stage_refuse(r, err, STR_NULL, "No memory for the request.");
    if (err)
        return stage_refuse(r, err, fault.field, "%.*s %.*s.", STR_ARG(fault.field),
                            STR_ARG(fault.text));
    buf_init(&body, 0);
    write_count(r, &body, token_estimate(&chat));
    if (body.failed) {
        buf_release(&body);
        return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the answer.");
    }
    request_answer(r, 200, STR("application/json"), buf_str(&body), &marked, 1);
    buf_release(&body);
    return STAGE_DONE;
}
