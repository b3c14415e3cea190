#include "llm/dialect/gemini_impl.h"

str gemini_name(const struct json_doc *doc, uint32_t name, char to[GEMINI_NAME_MAX])
{
    str raw = json_string_raw(doc, name);
    if (str_find_byte(raw, '_') < 0 || raw.len > GEMINI_NAME_MAX)
        return raw;
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        char c = raw.ptr[i];
        bool up = c == '_' && i > 0 && i + 1 < raw.len;
        if (up)
            c = raw.ptr[++i];
        to[len++] = up && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return str_make(to, len);
}

uint32_t gemini_member(const struct json_doc *doc, uint32_t object, str name)
{
    char to[GEMINI_NAME_MAX];
    if (!json_is(doc, object, JSON_OBJECT) || json_node(doc, object)->opaque)
        return JSON_NONE;
    JSON_EACH (member, doc, object)
        if (str_eq(gemini_name(doc, member, to), name))
            return json_value(member);
    return JSON_NONE;
}

/* --- Usage: promptTokenCount includes what was cached, candidatesTokenCount excludes thoughts  */

static int64_t count(const struct json_doc *doc, uint32_t usage, str name, bool *clamped)
{
    uint32_t node = gemini_member(doc, usage, name);
    int64_t value;
    if (json_is(doc, node, JSON_STRING)) { /* int64 in proto JSON */
        uint64_t n;
        if (str_to_u64(json_string_raw(doc, node), &n) && n <= (uint64_t)USAGE_MAX)
            return (int64_t)n;
        return -1;
    }
    if (!json_is(doc, node, JSON_NUMBER))
        return -1;
    bool whole = json_to_i64(json_raw(doc, node), &value);
    if (whole && value >= 0 && value <= USAGE_MAX)
        return value;
    *clamped = true;
    return whole && value < 0 ? 0 : USAGE_MAX;
}

void gemini_usage_read(const struct json_doc *doc, uint32_t usage, struct usage *out)
{
    if (!json_is(doc, usage, JSON_OBJECT) || json_node(doc, usage)->opaque)
        return;
    struct usage u = {.cache_write = -1};
    u.input = count(doc, usage, STR("promptTokenCount"), &u.clamped);
    u.cached = count(doc, usage, STR("cachedContentTokenCount"), &u.clamped);
    u.output = count(doc, usage, STR("candidatesTokenCount"), &u.clamped);
    u.reasoning = count(doc, usage, STR("thoughtsTokenCount"), &u.clamped);
    int64_t tools = count(doc, usage, STR("toolUsePromptTokenCount"), &u.clamped);
    u.known = u.input >= 0 || u.output >= 0 || u.reasoning >= 0;
    if (!u.known) /* the first chunks may have the kind of traffic alone */
        return;
    if (u.cached > 0 && u.input >= 0) {
        u.clamped = u.clamped || u.cached > u.input;
        u.input = u.cached > u.input ? 0 : u.input - u.cached;
    }
    if (tools > 0)
        u.input = (u.input > 0 ? u.input : 0) + tools;
    *out = u;
}

/* --- Reasons (mapping.md section 13) --------------------------------------------------------- */

static const struct {
    str reason;
    enum finish finish;
} reasons[] = {
    {STR_INIT("STOP"), FINISH_STOP},
    {STR_INIT("MAX_TOKENS"), FINISH_LENGTH},
    {STR_INIT("CONTINUATION"), FINISH_LENGTH}, /* cut: never a clean stop */
    {STR_INIT("SAFETY"), FINISH_FILTERED},
    {STR_INIT("BLOCKLIST"), FINISH_FILTERED},
    {STR_INIT("PROHIBITED_CONTENT"), FINISH_FILTERED},
    {STR_INIT("SPII"), FINISH_FILTERED},
    {STR_INIT("MODEL_ARMOR"), FINISH_FILTERED},
    {STR_INIT("RECITATION"), FINISH_FILTERED},
    {STR_INIT("LANGUAGE"), FINISH_FILTERED},
    {STR_INIT("ESCALATION"), FINISH_FILTERED},
    {STR_INIT("IMAGE_SAFETY"), FINISH_FILTERED},
    {STR_INIT("IMAGE_PROHIBITED_CONTENT"), FINISH_FILTERED},
    {STR_INIT("IMAGE_RECITATION"), FINISH_FILTERED},
    {STR_INIT("IMAGE_OTHER"), FINISH_FILTERED},
    {STR_INIT("NO_IMAGE"), FINISH_FILTERED},
    {STR_INIT("JAILBREAK"), FINISH_FILTERED}, /* of prompts */
    {STR_INIT("MALFORMED_FUNCTION_CALL"), FINISH_MALFORMED},
    {STR_INIT("MALFORMED_RESPONSE"), FINISH_MALFORMED},
    {STR_INIT("UNEXPECTED_TOOL_CALL"), FINISH_MALFORMED},
};

enum finish gemini_finish(str reason, bool call_seen)
{
    for (unsigned i = 0; i < ARRAY_LEN(reasons); i++) {
        if (!str_eq(reason, reasons[i].reason))
            continue;
        enum finish finish = reasons[i].finish;
        return finish == FINISH_STOP && call_seen ? FINISH_CALLS : finish;
    }
    return FINISH_OTHER;
}

const char *gemini_reason(enum finish finish)
{
    switch (finish) {
    case FINISH_LENGTH:
    case FINISH_CONTEXT:
        return "MAX_TOKENS";
    case FINISH_REFUSAL:
    case FINISH_FILTERED:
        return "SAFETY";
    case FINISH_MALFORMED:
        return "MALFORMED_RESPONSE";
    case FINISH_STOP:
    case FINISH_STOP_SEQUENCE:
    case FINISH_CALLS:
    case FINISH_PAUSE:
    case FINISH_OTHER:
        break;
    }
    return "STOP";
}
