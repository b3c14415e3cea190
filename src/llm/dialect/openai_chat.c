/*
 * OpenAI's chat completions and legacy completions, as they pass by.
 *
 * Events (platform.openai.com, "Streaming"): `data: {chunk}` ..., with include_usage one more chunk
 * with empty `choices` and the usage, then `data: [DONE]`.  Errors come as `data: {"error": {...}}`.
 */
#include "llm/dialect.h"
#include "llm/dialect/openai_chat_impl.h"
#include "llm/dialect/openai_error.h"
#include "llm/dialect/openai_usage.h"
#include "wire/json.h"

/* root, choices[], choice, delta or usage: what is deeper is of no interest here. */
static const struct json_options shallow = {.index_depth = 4};

/* Whether a member of a delta (or a choice, for text) says something to the reader. */
static bool says_something(const struct json_doc *doc, uint32_t value)
{
    switch (json_kind(doc, value)) {
    case JSON_ABSENT:
    case JSON_NULL:
        return false;
    case JSON_STRING:
        return json_string_raw(doc, value).len > 0;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return json_node(doc, value)->opaque || json_count(doc, value) > 0;
    default:
        return true;
    }
}

static bool delta_has_content(const struct json_doc *doc, uint32_t delta)
{
    if (!json_is(doc, delta, JSON_OBJECT)) /* a shape of somebody's own, if anything */
        return says_something(doc, delta);
    JSON_EACH (name, doc, delta) {
        if (says_something(doc, json_value(name)) && !json_string_eq(doc, name, STR("role")))
            return true;
    }
    return false;
}

static bool choice_has_content(const struct json_doc *doc, uint32_t choice, str *finish)
{
    uint32_t reason = json_member(doc, choice, STR("finish_reason"));
    bool finished = json_is(doc, reason, JSON_STRING);
    if (finished)
        *finish = json_string_raw(doc, reason);
    return finished || delta_has_content(doc, json_member(doc, choice, STR("delta"))) ||
           says_something(doc, json_member(doc, choice, STR("text")));
}

/* The members of a chunk that say anything, found in one walk. */
struct chunk {
    uint32_t choices, usage, error;
};

static struct chunk chunk_read(const struct json_doc *doc)
{
    struct chunk c = {JSON_NONE, JSON_NONE, JSON_NONE};
    JSON_EACH (name, doc, JSON_ROOT) {
        if (json_string_eq(doc, name, STR("choices")))
            c.choices = json_value(name);
        else if (json_string_eq(doc, name, STR("usage")))
            c.usage = json_value(name);
        else if (json_string_eq(doc, name, STR("error")))
            c.error = json_value(name);
    }
    return c;
}

/* {"object":"error","message":...}: vLLM before 0.10, which sends [DONE] all the same. */
static bool is_flat_error(const struct json_doc *doc)
{
    uint32_t object = json_member(doc, JSON_ROOT, STR("object"));
    return json_is(doc, object, JSON_STRING) && json_string_eq(doc, object, STR("error"));
}

static void chunk_event(const struct json_doc *doc, struct event_facts *out)
{
    struct chunk c = chunk_read(doc);
    if (json_is(doc, c.error, JSON_OBJECT) || json_is(doc, c.error, JSON_STRING)) {
        out->kind = EVENT_FAILED;
        out->error = json_raw(doc, c.error);
        return;
    }
    if (c.choices == JSON_NONE && is_flat_error(doc)) {
        out->kind = EVENT_FAILED;
        out->error = json_raw(doc, JSON_ROOT);
        return;
    }
    openai_usage_read(doc, c.usage, &out->usage);
    if (!json_is(doc, c.choices, JSON_ARRAY)) {
        out->kind = EVENT_CONTENT; /* a shape of somebody's own: say nothing, keep nothing back */
        return;
    }
    JSON_EACH (choice, doc, c.choices) {
        if (choice_has_content(doc, choice, &out->finish_reason))
            out->kind = EVENT_CONTENT;
    }
    if (json_count(doc, c.choices) == 0 && out->usage.known)
        out->kind = EVENT_USAGE;
}

static void event(str name, str data, struct arena *scratch, struct event_facts *out)
{
    if (str_eq(data, STR("[DONE]"))) {
        out->kind = EVENT_END;
        return;
    }
    struct json_doc doc;
    if (json_parse(&doc, scratch, data, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        out->kind = EVENT_CONTENT;
        out->unreadable = true;
        return;
    }
    chunk_event(&doc, out);
    if (str_eq(name, STR("error")) && out->kind != EVENT_FAILED) {
        out->kind = EVENT_FAILED;
        out->error = data;
    }
}

static void answer(str body, struct arena *scratch, struct event_facts *out)
{
    struct json_doc doc;
    if (json_parse(&doc, scratch, body, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        out->unreadable = true;
        return;
    }
    openai_usage_read(&doc, json_member(&doc, JSON_ROOT, STR("usage")), &out->usage);
    uint32_t choices = json_member(&doc, JSON_ROOT, STR("choices"));
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    if (choices == JSON_NONE && json_is(&doc, error, JSON_OBJECT))
        out->error = json_raw(&doc, error);
    JSON_EACH (choice, &doc, choices) {
        uint32_t reason = json_member(&doc, choice, STR("finish_reason"));
        if (json_is(&doc, reason, JSON_STRING))
            out->finish_reason = json_string_raw(&doc, reason);
    }
}

const struct dialect dialect_openai_chat = {
    .name = "openai_chat",
    .native = NATIVE_OPENAI,
    .event = event,
    .answer = answer,
    .write_failure = openai_error_event,
    .has_end = true,
    .read_request = openai_chat_read_request,
    .writer_size = OPENAI_CHAT_WRITER_SIZE,
    .write_event = openai_chat_write_event,
    .write_answer = openai_chat_write_answer,
    .write_error = openai_chat_write_error,
    .framing = FRAMING_SSE,
    .tool_names = &name_rule_openai,
    .write_request = openai_chat_write_request,
    .reader_size = OPENAI_CHAT_READER_SIZE,
    .read_unit = openai_chat_read_unit,
    .read_end = openai_chat_read_end,
    .read_answer = openai_chat_read_answer,
    .read_error = openai_chat_read_error,
};
