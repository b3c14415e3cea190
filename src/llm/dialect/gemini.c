/*
 * Gemini's generateContent, on the Developer API and on Vertex AI.
 *
 * Events: `data: {GenerateContentResponse}`, without names and without a last event: an answer is complete
 * when a finishReason was in it, or promptFeedback.blockReason; a chunk with usage may follow.  Errors
 * come as an event, or as bare JSON between events.
 */
#include "llm/dialect/gemini_impl.h"

/* root, candidates[], candidate, content, parts[], part: what is deeper is of no interest here. */
static const struct json_options shallow = {.index_depth = 6};

static bool part_says_something(const struct json_doc *doc, uint32_t part)
{
    if (!json_is(doc, part, JSON_OBJECT) || json_node(doc, part)->opaque)
        return true;
    JSON_EACH (name, doc, part) {
        uint32_t value = json_value(name);
        bool empty_text = json_string_eq(doc, name, STR("text")) &&
                          json_is(doc, value, JSON_STRING) && !json_string_raw(doc, value).len;
        if (!empty_text && !json_string_eq(doc, name, STR("thought")))
            return true;
    }
    return false;
}

static void look_at_candidate(const struct json_doc *doc, uint32_t candidate,
                              struct event_facts *out)
{
    uint32_t reason = gemini_member(doc, candidate, STR("finishReason"));
    uint32_t parts =
        gemini_member(doc, gemini_member(doc, candidate, STR("content")), STR("parts"));
    if (json_is(doc, reason, JSON_STRING)) {
        out->finish_reason = json_string_raw(doc, reason);
        out->kind = EVENT_CONTENT;
        out->complete = true;
    }
    if (json_is(doc, parts, JSON_ARRAY) && !json_node(doc, parts)->opaque)
        JSON_EACH (part, doc, parts)
            if (part_says_something(doc, part))
                out->kind = EVENT_CONTENT;
}

/* BLOCKED_REASON_UNSPECIFIED, or ratings alone, is no block. */
static void look_at_prompt(const struct json_doc *doc, struct event_facts *out)
{
    uint32_t reason = gemini_member(doc, gemini_member(doc, JSON_ROOT, STR("promptFeedback")),
                                    STR("blockReason"));
    if (!json_is(doc, reason, JSON_STRING) ||
        json_string_eq(doc, reason, STR("BLOCKED_REASON_UNSPECIFIED")))
        return;
    out->finish_reason = json_string_raw(doc, reason);
    out->kind = EVENT_CONTENT;
    out->complete = true;
}

static void look(const struct json_doc *doc, struct event_facts *out)
{
    uint32_t candidates = gemini_member(doc, JSON_ROOT, STR("candidates"));
    uint32_t id = gemini_member(doc, JSON_ROOT, STR("responseId"));
    gemini_usage_read(doc, gemini_member(doc, JSON_ROOT, STR("usageMetadata")), &out->usage);
    if (json_is(doc, id, JSON_STRING))
        out->answer_id = json_string_raw(doc, id);
    look_at_prompt(doc, out);
    if (json_is(doc, candidates, JSON_ARRAY))
        JSON_EACH (candidate, doc, candidates)
            look_at_candidate(doc, candidate, out);
}

static void event(str name, str data, struct arena *scratch, struct event_facts *out)
{
    struct json_doc doc;
    (void)name; /* there are none */
    if (json_parse(&doc, scratch, data, &shallow)) {
        out->kind = EVENT_CONTENT;
        out->unreadable = true;
        return;
    }
    uint32_t error = gemini_error_node(&doc);
    if (error != JSON_NONE) {
        out->kind = EVENT_FAILED;
        out->error = json_raw(&doc, error);
        return;
    }
    look(&doc, out);
}

static void answer(str body, struct arena *scratch, struct event_facts *out)
{
    struct json_doc doc;
    if (json_parse(&doc, scratch, body, &shallow)) {
        out->unreadable = true;
        return;
    }
    uint32_t error = gemini_error_node(&doc);
    if (error != JSON_NONE)
        out->error = json_raw(&doc, error);
    else
        look(&doc, out);
}

const struct dialect dialect_gemini = {
    .name = "gemini",
    .native = NATIVE_GEMINI,
    .event = event,
    .answer = answer,
    .write_failure = gemini_write_failure,
    .has_end = true,
    .bare_json = true,
    .read_request = gemini_read_request,
    .writer_size = GEMINI_WRITER_SIZE,
    .write_event = gemini_write_event,
    .write_answer = gemini_write_answer,
    .write_error = gemini_write_error,
    .client_status = gemini_client_status,
    .framing = FRAMING_SSE,
    .tool_names = &name_rule_gemini,
    .write_request = gemini_write_request,
    .reader_size = GEMINI_READER_SIZE,
    .read_unit = gemini_read_unit,
    .read_end = gemini_read_end,
    .read_answer = gemini_read_answer,
    .read_error = gemini_read_error,
};
