/* Input items in the form in which the API lists them. */
#include "llm/dialect/openai_responses.h"

#include <stdio.h>

void responses_write_count(struct buf *out, uint64_t input_tokens)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member(&w, STR("object"), STR("response.input_tokens"));
    json_write_member_u64(&w, STR("input_tokens"), input_tokens);
    json_write_object_end(&w);
}

static bool is(const struct json_doc *doc, uint32_t node, const char *text)
{
    return json_is(doc, node, JSON_STRING) && json_string_eq(doc, node, str_from_c(text));
}

/* The vendor's prefixes of ids; what is not here gets one of its own. */
static const char *prefix_of(const struct json_doc *doc, uint32_t type)
{
    static const struct {
        const char *type, *prefix;
    } prefixes[] = {
        {"message", "msg"},
        {"function_call", "fc"},
        {"function_call_output", "fco"},
        {"reasoning", "rs"},
        {"custom_tool_call", "ctc"},
        {"custom_tool_call_output", "ctco"},
        {"additional_tools", "at"},
    };
    if (type == JSON_NONE)
        return "msg";
    for (unsigned i = 0; i < ARRAY_LEN(prefixes); i++)
        if (is(doc, type, prefixes[i].type))
            return prefixes[i].prefix;
    return "item";
}

static void write_content(struct json_write *w, const struct json_doc *doc, uint32_t content,
                          bool assistant)
{
    json_write_key(w, STR("content"));
    if (!json_is(doc, content, JSON_STRING)) {
        json_write_raw(w, json_raw(doc, content));
        return;
    }
    json_write_array(w);
    json_write_object(w);
    json_write_member(w, STR("type"), assistant ? STR("output_text") : STR("input_text"));
    json_write_key(w, STR("text"));
    json_write_raw_string(w, json_string_raw(doc, content));
    if (assistant)
        json_write_member_raw(w, STR("annotations"), STR("[]"));
    json_write_object_end(w);
    json_write_array_end(w);
}

/* A string as the message that it stands for. */
static void write_text(struct json_write *w, const struct json_doc *doc, uint32_t text)
{
    json_write_member(w, STR("type"), STR("message"));
    json_write_member(w, STR("role"), STR("user"));
    write_content(w, doc, text, false);
}

static void write_members(struct json_write *w, const struct json_doc *doc, uint32_t item)
{
    bool assistant = is(doc, json_member(doc, item, STR("role")), "assistant");
    if (json_member(doc, item, STR("type")) == JSON_NONE)
        json_write_member(w, STR("type"), STR("message"));
    JSON_EACH (name, doc, item) {
        uint32_t value = json_value(name);
        if (json_string_eq(doc, name, STR("content")) && json_is(doc, value, JSON_STRING)) {
            write_content(w, doc, value, assistant);
        } else if (!json_string_eq(doc, name, STR("id")) || json_is(doc, value, JSON_STRING)) {
            json_write_raw_key(w, json_string_raw(doc, name));
            json_write_raw(w, json_raw(doc, value));
        }
    }
}

static void write_item(struct json_write *w, const struct json_doc *doc, uint32_t item, str base,
                       unsigned number)
{
    uint32_t type = json_member(doc, item, STR("type"));
    char id[128];
    json_write_object(w);
    if (!json_is(doc, json_member(doc, item, STR("id")), JSON_STRING)) {
        int len = snprintf(id, sizeof(id), "%s_%.*s_i%u", prefix_of(doc, type),
                           STR_ARG(str_first(base, 64)), number);
        json_write_member(w, STR("id"), str_make(id, (size_t)len));
    }
    if (json_is(doc, item, JSON_STRING))
        write_text(w, doc, item);
    else
        write_members(w, doc, item);
    json_write_object_end(w);
}

str responses_listed_items(const struct json_doc *doc, uint32_t input, str base, struct arena *a)
{
    struct buf out;
    struct json_write w;
    unsigned number = 0;
    buf_init(&out, 0);
    json_write_init(&w, &out);
    json_write_array(&w);
    if (json_is(doc, input, JSON_STRING))
        write_item(&w, doc, input, base, number);
    else
        JSON_EACH (item, doc, input)
            if (json_is(doc, item, JSON_OBJECT))
                write_item(&w, doc, item, base, number++);
    json_write_array_end(&w);
    str items = out.failed ? STR_NULL : arena_str(a, str_make(out.ptr + 1, out.len - 2));
    buf_release(&out);
    return items;
}
