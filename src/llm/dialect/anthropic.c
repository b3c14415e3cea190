/*
 * Anthropic's Messages API (docs.anthropic.com, "Messages", "Streaming"), its table and what is seen of it
 * as it passes by.
 *
 *   event: message_start        {"message": {id, model, usage: input so far}}
 *   event: content_block_start, content_block_delta, content_block_stop     one block after the other
 *   event: message_delta        {"delta": {stop_reason}, "usage": cumulative}
 *   event: message_stop         the end; there is no [DONE]
 *   event: ping                 any time
 *   event: error                {"error": {type, message}}, then nothing
 *
 * Reading and writing have files of their own beside this one.
 */
#include "llm/dialect/anthropic_impl.h"
#include "llm/dialect/anthropic_usage.h"

/* root, message or delta, usage, its details. */
static const struct json_options shallow = {.index_depth = 4};

enum seen { SEEN_START, SEEN_BLOCK, SEEN_DELTA, SEEN_END, SEEN_FAILED, SEEN_NOTHING, SEEN_CONTENT };

static enum seen seen_of(const struct json_doc *doc, uint32_t type)
{
    static const struct {
        str type;
        enum seen seen;
    } known[] = {
        {STR_INIT("content_block_delta"), SEEN_CONTENT},
        {STR_INIT("content_block_start"), SEEN_BLOCK},
        {STR_INIT("content_block_stop"), SEEN_NOTHING},
        {STR_INIT("ping"), SEEN_NOTHING},
        {STR_INIT("message_start"), SEEN_START},
        {STR_INIT("message_delta"), SEEN_DELTA},
        {STR_INIT("message_stop"), SEEN_END},
        {STR_INIT("error"), SEEN_FAILED},
    };
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (json_string_eq(doc, type, known[i].type))
            return known[i].seen;
    return SEEN_CONTENT;
}

static bool has_text(const struct json_doc *doc, uint32_t object, str name)
{
    uint32_t node = json_member(doc, object, name);
    return json_is(doc, node, JSON_STRING) && json_string_raw(doc, node).len > 0;
}

/* Text and thinking begin empty; every other block says something by its beginning. */
static bool block_says_something(const struct json_doc *doc)
{
    uint32_t block = json_member(doc, JSON_ROOT, STR("content_block"));
    uint32_t type = json_member(doc, block, STR("type"));
    if (!json_is(doc, type, JSON_STRING))
        return true;
    if (json_string_eq(doc, type, STR("text")))
        return has_text(doc, block, STR("text"));
    if (json_string_eq(doc, type, STR("thinking")))
        return has_text(doc, block, STR("thinking")) || has_text(doc, block, STR("signature"));
    return true;
}

static void read_stop(const struct json_doc *doc, uint32_t object, struct event_facts *out)
{
    uint32_t reason = json_member(doc, object, STR("stop_reason"));
    if (json_is(doc, reason, JSON_STRING))
        out->finish_reason = json_string_raw(doc, reason);
}

static void read_start(const struct json_doc *doc, struct event_facts *out)
{
    uint32_t message = json_member(doc, JSON_ROOT, STR("message"));
    uint32_t id = json_member(doc, message, STR("id"));
    if (json_is(doc, id, JSON_STRING))
        out->answer_id = json_string_raw(doc, id);
    anthropic_usage_read(doc, json_member(doc, message, STR("usage")), &out->usage);
}

static void failed(const struct json_doc *doc, str data, struct event_facts *out)
{
    uint32_t error = json_member(doc, JSON_ROOT, STR("error"));
    out->kind = EVENT_FAILED;
    out->error = error == JSON_NONE ? data : json_raw(doc, error);
}

static void event(str name, str data, struct arena *scratch, struct event_facts *out)
{
    struct json_doc doc;
    if (str_eq(name, STR("ping"))) /* its data are nobody's business */
        return;
    if (json_parse(&doc, scratch, data, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        out->kind = str_eq(data, STR("[DONE]")) ? EVENT_OTHER : EVENT_CONTENT;
        out->unreadable = out->kind == EVENT_CONTENT;
        return;
    }
    uint32_t type = json_member(&doc, JSON_ROOT, STR("type"));
    enum seen seen = json_is(&doc, type, JSON_STRING) ? seen_of(&doc, type)
                     : json_is(&doc, json_member(&doc, JSON_ROOT, STR("error")), JSON_OBJECT)
                         ? SEEN_FAILED
                         : SEEN_CONTENT;
    if (seen == SEEN_FAILED || str_eq(name, STR("error"))) {
        failed(&doc, data, out);
        return;
    }
    switch (seen) {
    case SEEN_START:
        read_start(&doc, out);
        break;
    case SEEN_BLOCK:
        out->kind = block_says_something(&doc) ? EVENT_CONTENT : EVENT_OTHER;
        break;
    case SEEN_DELTA:
        out->kind = EVENT_CONTENT; /* an answer may be empty: that it ended is what it says */
        read_stop(&doc, json_member(&doc, JSON_ROOT, STR("delta")), out);
        anthropic_usage_read(&doc, json_member(&doc, JSON_ROOT, STR("usage")), &out->usage);
        break;
    case SEEN_END:
        out->kind = EVENT_END;
        break;
    case SEEN_NOTHING:
        break;
    case SEEN_FAILED:
    case SEEN_CONTENT:
        out->kind = EVENT_CONTENT;
        break;
    }
}

static void answer(str body, struct arena *scratch, struct event_facts *out)
{
    struct json_doc doc;
    if (json_parse(&doc, scratch, body, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        out->unreadable = true;
        return;
    }
    uint32_t type = json_member(&doc, JSON_ROOT, STR("type"));
    uint32_t id = json_member(&doc, JSON_ROOT, STR("id"));
    if (json_is(&doc, type, JSON_STRING) && json_string_eq(&doc, type, STR("error")))
        out->error = json_raw(&doc, json_member(&doc, JSON_ROOT, STR("error")));
    if (json_is(&doc, id, JSON_STRING))
        out->answer_id = json_string_raw(&doc, id);
    read_stop(&doc, JSON_ROOT, out);
    anthropic_usage_read(&doc, json_member(&doc, JSON_ROOT, STR("usage")), &out->usage);
}

const struct dialect dialect_anthropic = {
    .name = "anthropic",
    .native = NATIVE_ANTHROPIC,
    .event = event,
    .answer = answer,
    .write_failure = anthropic_write_failure,
    .has_end = true,
    .read_request = anthropic_read_request,
    .writer_size = ANTHROPIC_WRITER_SIZE,
    .write_event = anthropic_write_event,
    .write_answer = anthropic_write_answer,
    .write_error = anthropic_write_error,
    .client_status = anthropic_client_status,
    .keepalive = STR_INIT("event: ping\ndata: {\"type\": \"ping\"}\n\n"),
    .framing = FRAMING_SSE,
    .tool_names = &name_rule_openai,
    .write_request = anthropic_write_request,
    .reader_size = ANTHROPIC_READER_SIZE,
    .read_unit = anthropic_read_unit,
    .read_end = anthropic_read_end,
    .read_answer = anthropic_read_whole,
    .read_error = anthropic_read_error,
};
