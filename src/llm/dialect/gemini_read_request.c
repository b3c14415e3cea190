/* A request of generateContent as a chat: what stands at its top, and tools for reading the rest. */
#include "llm/dialect/gemini_reading.h"

/* --- Tools of the reader --------------------------------------------------------------------- */

bool gemini_fault(struct gemini_reading *g, str field, const char *text)
{
    if (g->err)
        return false;
    g->err = ERR_FIELD_INVALID;
    g->in->fault = (struct chat_fault){g->err, field, str_from_c(text)};
    return false;
}

bool gemini_no_memory(struct gemini_reading *g)
{
    if (!g->err) {
        g->err = ERR_NO_MEMORY;
        g->in->fault = (struct chat_fault){.err = ERR_NO_MEMORY};
    }
    return false;
}

str gemini_path(struct gemini_reading *g, str path, const char *member)
{
    str text = arena_printf(g->arena, "%.*s%s%s", STR_ARG(path), path.len ? "." : "", member);
    if (str_is_null(text))
        gemini_no_memory(g);
    return text;
}

str gemini_path_item(struct gemini_reading *g, str path, const char *list, unsigned i)
{
    str text = arena_printf(g->arena, "%.*s%s%s[%u]", STR_ARG(path), path.len && *list ? "." : "",
                            list, i);
    if (str_is_null(text))
        gemini_no_memory(g);
    return text;
}

uint32_t gemini_given(const struct gemini_reading *g, uint32_t object, str name)
{
    uint32_t value = gemini_member(g->doc, object, name);
    return json_is(g->doc, value, JSON_NULL) ? JSON_NONE : value;
}

str gemini_text(struct gemini_reading *g, uint32_t object, str name, str path)
{
    uint32_t value = gemini_given(g, object, name);
    str text = STR_NULL;
    if (value == JSON_NONE)
        return text;
    if (!json_is(g->doc, value, JSON_STRING))
        gemini_fault(g, gemini_path(g, path, name.ptr), "must be a string");
    else if (json_string_decode(g->doc, value, g->arena, &text))
        gemini_no_memory(g);
    return text;
}

bool gemini_extra(struct gemini_reading *g, str path, uint32_t value, enum field_class class)
{
    if (str_is_null(path) ||
        !chat_add_extra(g->chat, NATIVE_GEMINI, path, json_raw(g->doc, value), class))
        return gemini_no_memory(g);
    return true;
}

enum tri gemini_tri(struct gemini_reading *g, uint32_t value, str path)
{
    if (json_is(g->doc, value, JSON_TRUE))
        return YES;
    if (json_is(g->doc, value, JSON_FALSE))
        return NO;
    gemini_fault(g, path, "must be true or false");
    return UNSET;
}

static bool read_member(struct gemini_reading *g, uint32_t name, str path,
                        const struct gemini_row *rows, unsigned count)
{
    char to[GEMINI_NAME_MAX];
    str key = gemini_name(g->doc, name, to);
    uint32_t value = json_value(name);
    if (json_is(g->doc, value, JSON_NULL))
        return true;
    for (unsigned i = 0; i < count; i++) {
        if (!str_eq(rows[i].name, key))
            continue;
        str at = gemini_path(g, path, rows[i].name.ptr);
        if (str_is_null(at))
            return false;
        return rows[i].read ? rows[i].read(g, value, at)
                            : gemini_extra(g, at, value, rows[i].class);
    }
    str at = arena_printf(g->arena, "%.*s%s%.*s", STR_ARG(path), path.len ? "." : "",
                          STR_ARG(json_string_raw(g->doc, name)));
    return gemini_extra(g, at, value, FIELD_UNKNOWN);
}

bool gemini_read_rows(struct gemini_reading *g, uint32_t object, str path,
                      const struct gemini_row *rows, unsigned count)
{
    if (!json_is(g->doc, object, JSON_OBJECT))
        return gemini_fault(g, path, "must be an object");
    JSON_EACH (name, g->doc, object)
        if (!read_member(g, name, path, rows, count))
            return false;
    return g->err == ERR_NONE;
}

/* --- The top --------------------------------------------------------------------------------- */

static bool ignore(struct gemini_reading *g, uint32_t value, str path)
{
    (void)value;
    (void)path;
    return g->err == ERR_NONE;
}

static bool read_labels(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_OBJECT))
        return gemini_fault(g, path, "must be an object");
    if (json_count(g->doc, value))
        g->chat->metadata = json_raw(g->doc, value);
    return true;
}

static bool read_tier(struct gemini_reading *g, uint32_t value, str path)
{
    if (!json_is(g->doc, value, JSON_STRING))
        return gemini_fault(g, path, "must be a string");
    if (json_string_decode(g->doc, value, g->arena, &g->chat->service_tier))
        return gemini_no_memory(g);
    return true;
}

static bool read_store(struct gemini_reading *g, uint32_t value, str path)
{
    g->chat->store = gemini_tri(g, value, path);
    return g->err == ERR_NONE;
}

static const struct gemini_row rows[] = {
    {STR_INIT("systemInstruction"), gemini_read_system, FIELD_MEANING},
    {STR_INIT("contents"), gemini_read_contents, FIELD_MEANING},
    {STR_INIT("tools"), gemini_read_tools, FIELD_MEANING},
    {STR_INIT("toolConfig"), gemini_read_tool_config, FIELD_MEANING},
    {STR_INIT("generationConfig"), gemini_read_config, FIELD_MEANING},
    {STR_INIT("model"), ignore, FIELD_BOOKKEEPING}, /* it is in the path */
    {STR_INIT("labels"), read_labels, FIELD_BOOKKEEPING},
    {STR_INIT("serviceTier"), read_tier, FIELD_BOOKKEEPING},
    {STR_INIT("store"), read_store, FIELD_BOOKKEEPING},
    {STR_INIT("safetySettings"), NULL, FIELD_HINT},
    {STR_INIT("cachedContent"), NULL, FIELD_MEANING},
    {STR_INIT("continuationToken"), NULL, FIELD_MEANING},
    {STR_INIT("modelArmorConfig"), NULL, FIELD_MEANING},
    {STR_INIT("outputConfig"), NULL, FIELD_MEANING},
};

/* countTokens may have the whole request in a member. */
static uint32_t request_in(const struct gemini_reading *g)
{
    uint32_t within = gemini_given(g, JSON_ROOT, STR("generateContentRequest"));
    return json_is(g->doc, within, JSON_OBJECT) ? within : JSON_ROOT;
}

enum err gemini_read_request(struct chat_source *in, struct chat *out)
{
    struct gemini_reading g = {.in = in, .doc = in->doc, .arena = out->arena, .chat = out};
    uint32_t root = request_in(&g);
    str at = root == JSON_ROOT ? STR("") : STR("generateContentRequest");
    out->model = in->model;
    out->stream = in->stream;
    out->dialect = NATIVE_GEMINI;
    out->usage_wanted = true;
    buf_init(&g.run, 0);
    if (gemini_read_rows(&g, root, at, rows, ARRAY_LEN(rows)) &&
        gemini_given(&g, root, STR("contents")) == JSON_NONE) {
        gemini_fault(&g, gemini_path(&g, at, "contents"), "is needed");
        g.err = g.err == ERR_FIELD_INVALID ? ERR_FIELD_MISSING : g.err;
        in->fault.err = g.err;
    }
    gemini_end_run(&g);
    buf_release(&g.run);
    return g.err;
}
