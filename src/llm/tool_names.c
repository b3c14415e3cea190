#include "llm/tool_names.h"

#include "base/digest.h"

enum { HASH_DIGITS = 10 };

const struct name_rule name_rule_openai = {.alphabet = "_-", .max = 64};
const struct name_rule name_rule_gemini = {.alphabet = "_.:-", .max = 64, .letter_first = true};
const struct name_rule id_rule_anthropic = {.alphabet = "_-", .max = 64};
const struct name_rule id_rule_bedrock = {.alphabet = "_.:-", .max = 64};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_legal_byte(const struct name_rule *rule, char c)
{
    return is_letter(c) ? c != '_' || strchr(rule->alphabet, '_') != NULL
                        : (c >= '0' && c <= '9') || (c && strchr(rule->alphabet, c));
}

static bool is_legal(const struct name_rule *rule, str name)
{
    if (name.len == 0 || name.len > rule->max)
        return false;
    if (rule->letter_first && !is_letter(name.ptr[0]))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_legal_byte(rule, name.ptr[i]))
            return false;
    return true;
}

str name_legal(struct arena *a, const struct name_rule *rule, str name)
{
    if (is_legal(rule, name))
        return name;
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES];
    size_t room = rule->max - HASH_DIGITS - 1, n = 0;
    char *out = arena_alloc(a, rule->max);
    if (!out)
        return STR_NULL;
    if (rule->letter_first && name.len && !is_letter(name.ptr[0]))
        out[n++] = '_';
    for (size_t i = 0; i < name.len && n < room; i++)
        out[n++] = is_legal_byte(rule, name.ptr[i]) ? name.ptr[i] : '_';
    digest_sha256(name, digest);
    digest_hex(digest, hex);
    out[n++] = '_';
    memcpy(out + n, hex, HASH_DIGITS);
    return str_make(out, n + HASH_DIGITS);
}

str name_restore(struct arena *a, const struct name_rule *rule, const struct chat *c, str name)
{
    for (const struct tool *t = c->tools; t; t = t->next) {
        if (str_eq(t->name, name))
            return t->name;
        if (!is_legal(rule, t->name) && str_eq(name_legal(a, rule, t->name), name))
            return t->name;
    }
    return name;
}
