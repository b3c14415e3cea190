#include "llm/model_facts.h"

#include "base/check.h"
#include "llm/model_table.h"

#define ALL_EFFORTS                                                                                \
    (BIT(EFFORT_NONE) | BIT(EFFORT_MINIMAL) | BIT(EFFORT_LOW) | BIT(EFFORT_MEDIUM) |               \
     BIT(EFFORT_HIGH) | BIT(EFFORT_XHIGH) | BIT(EFFORT_MAX))
#define ABLE(id) (UINT64_C(1) << MODEL_##id)

/* What is not known is not forbidden: the provider says what it does not take. */
const struct model_facts model_facts_unknown = {
    .vendor = STR_INIT(""),
    .name = STR_INIT("*"),
    .abilities = ABLE(VISION) | ABLE(IMAGE_URL) | ABLE(AUDIO) | ABLE(VIDEO) | ABLE(PDF) |
                 ABLE(TOOLS) | ABLE(FORCED_TOOL) | ABLE(PARALLEL_TOOLS) | ABLE(JSON_SCHEMA) |
                 ABLE(SCHEMA_WITH_TOOLS) | ABLE(REASONING) | ABLE(SAMPLING) |
                 ABLE(TEMPERATURE_WITH_TOP_P) | ABLE(PREFILL) | ABLE(MID_SYSTEM) | ABLE(STOP) |
                 ABLE(PENALTIES),
    .efforts = ALL_EFFORTS,
    .price_input = -1,
    .price_cached = -1,
    .price_cache_write = -1,
    .price_output = -1,
};

static const char *const effort_names[] = {
    [EFFORT_UNSET] = NULL,    [EFFORT_NONE] = "none",     [EFFORT_MINIMAL] = "minimal",
    [EFFORT_LOW] = "low",     [EFFORT_MEDIUM] = "medium", [EFFORT_HIGH] = "high",
    [EFFORT_XHIGH] = "xhigh", [EFFORT_MAX] = "max"};

const char *effort_name(enum effort e)
{
    CHECK((unsigned)e < ARRAY_LEN(effort_names));
    return effort_names[e];
}

enum effort effort_of(str name)
{
    for (unsigned i = EFFORT_NONE; i < ARRAY_LEN(effort_names); i++)
        if (str_eq(name, str_from_c(effort_names[i])))
            return (enum effort)i;
    return EFFORT_UNSET;
}

enum effort model_effort(const struct model_facts *f, enum effort wanted)
{
    if (wanted == EFFORT_UNSET || !f->efforts)
        return EFFORT_UNSET;
    for (unsigned e = wanted; e > EFFORT_UNSET; e--)
        if (f->efforts & BIT(e))
            return (enum effort)e;
    for (unsigned e = wanted; e <= EFFORT_MAX; e++)
        if (f->efforts & BIT(e))
            return (enum effort)e;
    return EFFORT_UNSET;
}

/* --- Finding ------------------------------------------------------------------------------------- */

/* Without one of the beginnings, if it has it. */
static str without(str name, const str *beginnings, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (str_starts(name, beginnings[i]))
            return str_from(name, beginnings[i].len);
    return name;
}

/* The name in an ARN, a resource path, a regional profile: "claude-sonnet-4-5-20250929-v1:0". */
static str bare_name(str model)
{
    static const str regions[] = {STR_INIT("us."),   STR_INIT("us-gov."), STR_INIT("eu."),
                                  STR_INIT("apac."), STR_INIT("global."), STR_INIT("jp."),
                                  STR_INIT("au."),   STR_INIT("ca."),     STR_INIT("sa.")};
    static const str makers[] = {
        STR_INIT("anthropic."), STR_INIT("amazon."),   STR_INIT("meta."),
        STR_INIT("openai."),    STR_INIT("google."),   STR_INIT("mistral."),
        STR_INIT("cohere."),    STR_INIT("deepseek."), STR_INIT("qwen."),
        STR_INIT("ai21."),      STR_INIT("xai."),      STR_INIT("zai."),
        STR_INIT("minimax."),   STR_INIT("moonshot."), STR_INIT("moonshotai."),
        STR_INIT("nvidia."),    STR_INIT("writer.")};
    for (ptrdiff_t at; (at = str_find_byte(model, '/')) >= 0;)
        model = str_from(model, (size_t)at + 1);
    return without(without(model, regions, ARRAY_LEN(regions)), makers, ARRAY_LEN(makers));
}

enum { MODEL_NAME_MAX = 128 };

/* Lower case, as the table is; Claude's versions with their usual dash ("claude-sonnet-4.5"). */
static str folded(str name, char to[MODEL_NAME_MAX])
{
    const str claude = STR("claude-");
    name = str_first(name, MODEL_NAME_MAX);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        to[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        if (c == '.' && str_starts(str_make(to, i), claude))
            to[i] = '-';
    }
    return str_make(to, name.len);
}

/* A row's vendor may be "*": the family is the same wherever it runs. */
static bool fits(const struct model_facts *f, str vendor, str model, str bare)
{
    if (!str_eq(f->vendor, STR("*")) && !str_eq(f->vendor, vendor))
        return false;
    return str_glob(f->name, bare) || str_glob(f->name, model);
}

static const struct model_facts *walk(str vendor, str model)
{
    const struct model_facts *best = &model_facts_unknown;
    size_t best_len = 0;
    char folded_model[MODEL_NAME_MAX], folded_bare[MODEL_NAME_MAX];
    str bare = folded(bare_name(model), folded_bare);
    model = folded(model, folded_model);
    for (unsigned i = 0; i < model_table_count; i++) {
        const struct model_facts *f = &model_table[i];
        size_t len = 2 * f->name.len + !str_eq(f->vendor, STR("*"));
        if (len > best_len && fits(f, vendor, model, bare)) {
            best = f;
            best_len = len;
        }
    }
    return best;
}

/* The walk is asked for several times in each request: what was found lately is kept.  The table is constant,
 * so nothing of this can grow old; each thread has its own. */
enum { KEPT = 64, KEPT_TEXT = 96 };

static _Thread_local struct kept {
    char text[KEPT_TEXT]; /* vendor, model */
    uint8_t vendor_len, model_len;
    const struct model_facts *facts; /* NULL: empty */
} kept[KEPT];

static struct kept *place_of(str vendor, str model)
{
    uint32_t hash = (uint32_t)vendor.len;
    for (size_t i = 0; i < model.len; i++)
        hash = hash * 31 + (unsigned char)model.ptr[i];
    return &kept[hash % KEPT];
}

const struct model_facts *model_facts_find(str vendor, str model)
{
    if (vendor.len + model.len > KEPT_TEXT)
        return walk(vendor, model);
    struct kept *k = place_of(vendor, model);
    if (k->facts && str_eq(str_make(k->text, k->vendor_len), vendor) &&
        str_eq(str_make(k->text + k->vendor_len, k->model_len), model))
        return k->facts;
    k->facts = walk(vendor, model);
    k->vendor_len = (uint8_t)vendor.len;
    k->model_len = (uint8_t)model.len;
    if (vendor.len)
        memcpy(k->text, vendor.ptr, vendor.len);
    if (model.len)
        memcpy(k->text + vendor.len, model.ptr, model.len);
    return k->facts;
}
