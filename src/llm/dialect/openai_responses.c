/*
 * OpenAI's Responses API: its table, and what passes by.  Events are named, also inside (`type`); the
 * terminal ones are response.completed, .incomplete and .failed, and `error`.  There is no [DONE].
 */
#include "llm/dialect/openai_responses_impl.h"
#include "llm/dialect/openai_usage.h"

/* root, response, usage, its details. */
static const struct json_options shallow = {.index_depth = 4};

static enum event_kind kind_of(const struct json_doc *doc, uint32_t type)
{
    static const struct {
        str type;
        enum event_kind kind;
    } known[] = {
        {STR_INIT("response.created"), EVENT_OTHER},
        {STR_INIT("response.in_progress"), EVENT_OTHER},
        {STR_INIT("response.queued"), EVENT_OTHER},
        {STR_INIT("keepalive"), EVENT_OTHER},
        {STR_INIT("response.output_item.added"), EVENT_OTHER},
        {STR_INIT("response.content_part.added"), EVENT_OTHER},
        {STR_INIT("response.completed"), EVENT_END},
        {STR_INIT("response.incomplete"), EVENT_END},
        {STR_INIT("response.failed"), EVENT_FAILED},
        {STR_INIT("error"), EVENT_FAILED},
    };
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (json_string_eq(doc, type, known[i].type))
            return known[i].kind;
    return EVENT_CONTENT;
}

static void read_response(const struct json_doc *doc, uint32_t response, struct event_facts *out)
{
    openai_usage_read(doc, json_member(doc, response, STR("usage")), &out->usage);
    uint32_t status = json_member(doc, response, STR("status"));
    if (json_is(doc, status, JSON_STRING))
        out->finish_reason = json_string_raw(doc, status);
}

static void event(str name, str data, struct arena *scratch, struct event_facts *out)
{
    struct json_doc doc;
    (void)name; /* `type` inside says the same, and also where the name is missing */
    if (json_parse(&doc, scratch, data, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        out->kind = str_eq(data, STR("[DONE]")) ? EVENT_OTHER : EVENT_CONTENT;
        out->unreadable = out->kind == EVENT_CONTENT;
        return;
    }
    uint32_t type = json_member(&doc, JSON_ROOT, STR("type"));
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    out->kind = json_is(&doc, type, JSON_STRING)    ? kind_of(&doc, type)
                : json_is(&doc, error, JSON_OBJECT) ? EVENT_FAILED
                                                    : EVENT_CONTENT;
    uint32_t response = json_member(&doc, JSON_ROOT, STR("response"));
    uint32_t id = json_member(&doc, response, STR("id"));
    if (json_is(&doc, id, JSON_STRING))
        out->answer_id = json_string_raw(&doc, id);
    if (out->kind == EVENT_FAILED) {
        if (error == JSON_NONE)
            error = json_member(&doc, response, STR("error"));
        out->error = error == JSON_NONE ? data : json_raw(&doc, error);
    }
    if (out->kind == EVENT_END || out->kind == EVENT_FAILED)
        read_response(&doc, response, out);
}

static void answer(str body, struct arena *scratch, struct event_facts *out)
{
    struct json_doc doc;
    if (json_parse(&doc, scratch, body, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        out->unreadable = true;
        return;
    }
    read_response(&doc, JSON_ROOT, out);
}

const struct dialect dialect_openai_responses = {
    .name = "openai_responses",
    .native = NATIVE_OPENAI,
    .event = event,
    .answer = answer,
    .write_failure = responses_write_failure,
    .has_end = true,
    .read_request = responses_read_request,
    .writer_size = RESPONSES_WRITER_SIZE,
    .write_event = responses_write_event,
    .write_answer = responses_write_answer,
    .write_error = responses_write_error,
    .framing = FRAMING_SSE,
    .tool_names = &name_rule_openai,
    .write_request = responses_write_request,
    .reader_size = RESPONSES_READER_SIZE,
    .read_unit = responses_read_unit,
    .read_end = responses_read_end,
    .read_answer = responses_read_answer,
    .read_error = responses_read_error,
};
