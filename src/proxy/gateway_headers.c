#include "proxy/gateway_headers.h"

#include "proxy/stage.h"
#include "wire/json.h"

enum { RETRIES_MAX = 10, METADATA_MAX = 4096 };

typedef const char *take_fn(struct request *r, str value); /* NULL: taken; else what is expected */

/* 250ms, 2s, 5m, 1h; a bare number counts seconds. */
static bool duration_ms(str text, uint64_t *out)
{
    static const struct {
        str unit;
        uint64_t ms;
    } units[] = {{STR_INIT("ms"), 1},
                 {STR_INIT("s"), 1000},
                 {STR_INIT("m"), 60000},
                 {STR_INIT("h"), 3600000},
                 {STR_INIT(""), 1000}};
    for (unsigned i = 0; i < ARRAY_LEN(units); i++) {
        uint64_t n;
        str digits = str_first(text, text.len - units[i].unit.len);
        if (str_ends(text, units[i].unit) && str_to_u64(digits, &n) && n > 0 && n < 1000000) {
            *out = n * units[i].ms;
            return true;
        }
    }
    return false;
}

static const char *take_timeout(struct request *r, str value)
{
    uint64_t ms;
    if (!duration_ms(value, &ms))
        return "a duration such as 500ms, 30s or 2m";
    r->deadline_us = r->ex->started_us + ms * 1000;
    return NULL;
}

static const char *take_retries(struct request *r, str value)
{
    uint64_t n;
    if (!str_to_u64(value, &n) || n > RETRIES_MAX)
        return "a number from 0 to 10";
    r->retries_asked = (int)n;
    return NULL;
}

static const char *take_provider(struct request *r, str value)
{
    if (!snapshot_provider(r->pinned->snapshot, value))
        return "the name of a configured provider";
    r->pinned_provider = value;
    return NULL;
}

static const char *take_strategy(struct request *r, str value)
{
    if (!strategy_find(value, &r->strategy))
        return "round_robin, weighted, random or priority";
    r->strategy_asked = true;
    return NULL;
}

static const char *take_metadata(struct request *r, str value)
{
    struct json_doc doc;
    struct json_options options = {.root_object = true, .depth_max = 4};
    if (value.len > METADATA_MAX || json_parse(&doc, r->arena, value, &options))
        return "a JSON object of at most 4096 bytes";
    r->rec.metadata = value;
    return NULL;
}

static const char *take_unsupported(struct request *r, str value)
{
    r->unsupported_asked = true;
    if (str_ieq(value, STR("strict")))
        r->unsupported = UNSUPPORTED_STRICT;
    else if (str_ieq(value, STR("report")))
        r->unsupported = UNSUPPORTED_REPORT;
    else if (str_ieq(value, STR("by_class")))
        r->unsupported = UNSUPPORTED_BY_CLASS;
    else
        return "strict, report or by_class";
    return NULL;
}

/* There is no cache that could be asked to stand aside. */
static const char *take_cache(struct request *r, str value)
{
    (void)r;
    return str_ieq(value, STR("no-cache")) || str_ieq(value, STR("no-store"))
               ? NULL
               : "no-cache or no-store";
}

static const struct {
    str name;
    take_fn *take;
} known[] = {
    {STR_INIT("timeout"), take_timeout},         {STR_INIT("retries"), take_retries},
    {STR_INIT("provider"), take_provider},       {STR_INIT("strategy"), take_strategy},
    {STR_INIT("metadata"), take_metadata},       {STR_INIT("cache"), take_cache},
    {STR_INIT("unsupported"), take_unsupported},
};

static enum stage_verdict take_one(struct request *r, const struct header *h)
{
    str name = str_from(h->name, sizeof("x-gateway-") - 1);
    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        if (!str_eq(name, known[i].name))
            continue;
        const char *expected = known[i].take(r, h->value);
        if (!expected)
            return STAGE_NEXT;
        return stage_refuse(r, ERR_HEADER_INVALID, h->name, "Header %.*s must be %s.",
                            STR_ARG(h->name), expected);
    }
    return stage_refuse(r, ERR_HEADER_INVALID, h->name,
                        "Header %.*s is not known to this version of the gateway.",
                        STR_ARG(h->name));
}

enum stage_verdict gateway_headers_take(struct request *r)
{
    const struct headers *h = &r->ex->head->headers;
    for (unsigned i = 0; i < h->count; i++) {
        if (!str_starts(h->list[i].name, STR("x-gateway-")))
            continue;
        enum stage_verdict v = take_one(r, &h->list[i]);
        if (v != STAGE_NEXT)
            return v;
    }
    return STAGE_NEXT;
}
