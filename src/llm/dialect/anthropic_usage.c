#include "llm/dialect/anthropic_usage.h"

/* -1: not a number. */
static int64_t number(const struct json_doc *doc, uint32_t object, str name, bool *clamped)
{
    uint32_t node = json_member(doc, object, name);
    int64_t value;
    if (!json_is(doc, node, JSON_NUMBER))
        return -1;
    bool whole = json_to_i64(json_raw(doc, node), &value);
    if (whole && value >= 0 && value <= USAGE_MAX)
        return value;
    *clamped = true;
    return whole && value < 0 ? 0 : USAGE_MAX;
}

/* The sum of the cache writes by their ttl; -1: not told. */
static int64_t written(const struct json_doc *doc, uint32_t usage, bool *clamped)
{
    int64_t all = number(doc, usage, STR("cache_creation_input_tokens"), clamped);
    uint32_t by_ttl = json_member(doc, usage, STR("cache_creation"));
    if (all >= 0 || !json_is(doc, by_ttl, JSON_OBJECT) || json_node(doc, by_ttl)->opaque)
        return all;
    JSON_EACH (name, doc, by_ttl) {
        int64_t value;
        if (json_is(doc, json_value(name), JSON_NUMBER) &&
            json_to_i64(json_raw(doc, json_value(name)), &value) && value >= 0 &&
            value <= USAGE_MAX)
            all = (all < 0 ? 0 : all) + value;
    }
    return all > USAGE_MAX ? USAGE_MAX : all;
}

void anthropic_usage_read(const struct json_doc *doc, uint32_t usage, struct usage *out)
{
    if (!json_is(doc, usage, JSON_OBJECT) || json_node(doc, usage)->opaque)
        return;
    struct usage u = {.known = true};
    uint32_t details = json_member(doc, usage, STR("output_tokens_details"));
    if (json_node(doc, details)->opaque)
        details = JSON_NONE;
    u.input = number(doc, usage, STR("input_tokens"), &u.clamped);
    u.cached = number(doc, usage, STR("cache_read_input_tokens"), &u.clamped);
    u.cache_write = written(doc, usage, &u.clamped);
    u.output = number(doc, usage, STR("output_tokens"), &u.clamped);
    u.reasoning = number(doc, details, STR("thinking_tokens"), &u.clamped);
    if (u.output >= 0 && u.reasoning > u.output) {
        u.clamped = true;
        u.output = 0;
    } else if (u.output >= 0 && u.reasoning > 0) {
        u.output -= u.reasoning; /* counted in it */
    }
    *out = u;
}

static uint64_t told(int64_t n)
{
    return n > 0 ? (uint64_t)n : 0;
}

static void write_output(struct json_write *w, const struct usage *u)
{
    bool known = u->known;
    json_write_member_u64(w, STR("output_tokens"),
                          known ? told(u->output) + told(u->reasoning) : 0);
    json_write_key(w, STR("output_tokens_details"));
    if (!known || u->reasoning < 0) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    json_write_member_u64(w, STR("thinking_tokens"), told(u->reasoning));
    json_write_object_end(w);
}

static void write_null(struct json_write *w, str key)
{
    json_write_key(w, key);
    json_write_null(w);
}

void anthropic_usage_write(struct json_write *w, const struct usage *u)
{
    bool known = u->known;
    json_write_object(w);
    json_write_member_u64(w, STR("input_tokens"), known ? told(u->input) : 0);
    json_write_member_u64(w, STR("cache_creation_input_tokens"), known ? told(u->cache_write) : 0);
    json_write_member_u64(w, STR("cache_read_input_tokens"), known ? told(u->cached) : 0);
    write_null(w, STR("cache_creation")); /* by ttl: nobody but Anthropic says */
    write_output(w, u);
    write_null(w, STR("server_tool_use"));
    write_null(w, STR("service_tier"));
    write_null(w, STR("inference_geo"));
    json_write_object_end(w);
}

static void write_given(struct json_write *w, str key, int64_t n)
{
    if (n >= 0)
        json_write_member_u64(w, key, (uint64_t)n);
}

void anthropic_usage_write_delta(struct json_write *w, const struct usage *u)
{
    json_write_object(w);
    if (u->known) {
        write_given(w, STR("input_tokens"), u->input);
        write_given(w, STR("cache_creation_input_tokens"), u->cache_write);
        write_given(w, STR("cache_read_input_tokens"), u->cached);
    }
    write_output(w, u);
    json_write_object_end(w);
}
