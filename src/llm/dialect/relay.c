/*
 * Everything else of OpenAI's API (embeddings, images, audio, files): whatever comes is content, only
 * framing says when it ends.  Streams (speech, transcripts, partial images) are events of JSON.
 */
#include "llm/dialect.h"
#include "llm/dialect/openai_chat_impl.h"
#include "llm/dialect/openai_error.h"
#include "llm/dialect/openai_usage.h"

static const struct json_options shallow = {.index_depth = 3};

static void read(str body, struct arena *scratch, struct event_facts *out)
{
    struct json_doc doc;
    if (json_parse(&doc, scratch, body, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT)) {
        out->unreadable = true;
        return;
    }
    openai_usage_read(&doc, json_member(&doc, JSON_ROOT, STR("usage")), &out->usage);
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    if (json_is(&doc, error, JSON_OBJECT))
        out->error = json_raw(&doc, error);
}

static void event(str name, str data, struct arena *scratch, struct event_facts *out)
{
    out->kind = EVENT_CONTENT;
    if (str_eq(data, STR("[DONE]")))
        return;
    read(data, scratch, out);
    if (out->error.ptr || str_eq(name, STR("error")))
        out->kind = EVENT_FAILED;
}

static void answer(str body, struct arena *scratch, struct event_facts *out)
{
    read(body, scratch, out);
    out->error = STR_NULL;
}

const struct dialect dialect_relay = {
    .name = "relay",
    .native = NATIVE_OPENAI,
    .event = event,
    .answer = answer,
    .write_failure = openai_error_event,
    .read_error =
        openai_chat_read_error, /* of embeddings that a client of another format asked for */
};
