/*
 * OpenAI's Responses API, as it passes by.  Events are named, also inside (`type`); the terminal ones
 * are response.completed, .incomplete and .failed, and `error`.  There is no [DONE].
 */
#include "llm/dialect.h"
#include "llm/dialect/openai_usage.h"
#include "wire/json_write.h"

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

/* `error` is what SDKs raise on, response.failed what agents retry on; the sequence goes on from a
 * number that no relayed event can have had. */
static void write_failure(struct buf *out, const struct stream_failure *f)
{
    struct json_write w;
    buf_add_lit(out, "event: error\ndata: ");
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("type"), STR("error"));
    json_write_member(&w, STR("code"), str_from_c(err_code(f->err)));
    json_write_member(&w, STR("message"), f->message);
    json_write_key(&w, STR("param"));
    json_write_null(&w);
    json_write_member_u64(&w, STR("sequence_number"), f->events);
    json_write_object_end(&w);
    buf_add_lit(out, "\n\nevent: response.failed\ndata: ");
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("type"), STR("response.failed"));
    json_write_member_u64(&w, STR("sequence_number"), f->events + 1);
    json_write_key(&w, STR("response"));
    json_write_object(&w);
    json_write_member(&w, STR("id"), f->answer_id.len ? f->answer_id : f->request_id);
    json_write_member(&w, STR("object"), STR("response"));
    json_write_member(&w, STR("model"), f->model);
    json_write_member(&w, STR("status"), STR("failed"));
    json_write_key(&w, STR("error"));
    json_write_object(&w);
    json_write_member(&w, STR("code"), STR("server_error"));
    json_write_member(&w, STR("message"), f->message);
    json_write_object_end(&w);
    json_write_key(&w, STR("output"));
    json_write_array(&w);
    json_write_array_end(&w);
    json_write_object_end(&w);
    json_write_object_end(&w);
    buf_add_lit(out, "\n\n");
}

const struct dialect dialect_openai_responses = {
    .name = "openai_responses",
    .event = event,
    .answer = answer,
    .write_failure = write_failure,
    .has_end = true,
};
