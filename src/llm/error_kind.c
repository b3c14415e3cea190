#include "llm/error_kind.h"

#include "wire/json.h"

enum { IDENTIFIER_MAX = 64 };

/* root, error, its members. */
static const struct json_options shallow = {.index_depth = 2};

static bool is_identifier(str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-' && c != '.')
            return false;
    }
    return s.len >= 1 && s.len <= IDENTIFIER_MAX;
}

str error_kind_words(str type, str code, struct arena *a)
{
    type = is_identifier(type) ? type : STR_NULL;
    code = is_identifier(code) ? code : STR_NULL;
    if (!type.len && !code.len)
        return STR_NULL;
    str pieces[] = {type.len ? STR("type ") : STR(""), type,
                    type.len && code.len ? STR(", ") : STR(""), code.len ? STR("code ") : STR(""),
                    code};
    return arena_concat(a, pieces, ARRAY_LEN(pieces));
}

/* The member's text when it is one; else null. */
static str identifier(const struct json_doc *doc, uint32_t object, str name)
{
    uint32_t node = json_member(doc, object, name);
    str text = STR_NULL;
    if (json_is(doc, node, JSON_STRING))
        text = json_string_raw(doc, node);
    else if (json_is(doc, node, JSON_NUMBER))
        text = json_raw(doc, node);
    return is_identifier(text) ? text : STR_NULL;
}

str error_kind(str json, struct arena *a)
{
    struct json_doc doc;
    if (json_parse(&doc, a, json, &shallow) || !json_is(&doc, JSON_ROOT, JSON_OBJECT))
        return STR_NULL;
    uint32_t error = json_member(&doc, JSON_ROOT, STR("error"));
    if (!json_is(&doc, error, JSON_OBJECT))
        error = JSON_ROOT;
    return error_kind_words(identifier(&doc, error, STR("type")),
                            identifier(&doc, error, STR("code")), a);
}
