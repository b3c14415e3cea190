/*
 * json_scan against json_parse: strict, they agree on every input, wherever it is cut; loose, the
 * scanner takes all that is JSON.  What it finds is what a look-up in the index finds.  The first
 * byte of the input says how long the pieces are.
 */
#include "wire/json.h"
#include "wire/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { USAGE, ID, FINISH, TOTAL };

static enum json_scan_state scan(struct json_scan *s, str source, size_t piece)
{
    while (source.len) {
        json_scan_feed(s, str_first(source, piece));
        source = str_from(source, piece);
    }
    return json_scan_end(s);
}

/* The last member of that name. */
static uint32_t last_member(const struct json_doc *doc, uint32_t object, str name)
{
    uint32_t last = JSON_NONE;
    if (json_is(doc, object, JSON_OBJECT))
        JSON_EACH (m, doc, object)
            if (json_string_eq(doc, m, name) && json_string_raw(doc, m).len <= JSON_SCAN_NAME_MAX)
                last = json_value(m);
    return last;
}

/* How often the path choices.*.finish_reason leads to a value. */
static unsigned count_finishes(const struct json_doc *doc)
{
    unsigned count = 0;
    if (!json_is(doc, JSON_ROOT, JSON_OBJECT))
        return 0;
    JSON_EACH (m, doc, JSON_ROOT) {
        if (!json_string_eq(doc, m, STR("choices")) || !json_is(doc, json_value(m), JSON_ARRAY))
            continue;
        JSON_EACH (choice, doc, json_value(m)) {
            if (!json_is(doc, choice, JSON_OBJECT))
                continue;
            JSON_EACH (n, doc, choice)
                count += json_string_eq(doc, n, STR("finish_reason"));
        }
    }
    return count;
}

static void check_found(const struct json_scan *s, const struct json_doc *doc)
{
    unsigned finishes = 0;
    for (unsigned i = 0; i < s->found_count; i++)
        finishes += s->found[i].path == FINISH;
    if (s->dropped)
        return;
    CHECK(str_eq(json_scan_found(s, USAGE),
                 json_raw(doc, last_member(doc, JSON_ROOT, STR("usage")))));
    CHECK(str_eq(json_scan_found(s, ID), json_raw(doc, last_member(doc, JSON_ROOT, STR("id")))));
    CHECK(finishes <= count_finishes(doc)); /* long escaped names are not looked at */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const texts[] = {"usage", "id", "choices.*.finish_reason",
                                        "usage.total_tokens"};
    if (size < 1)
        return 0;
    size_t piece = data[0] % 37 + 1;
    str source = str_make((const char *)data + 1, size - 1);
    struct json_paths paths;
    struct json_scan s;
    struct arena arena;
    struct json_doc doc;
    arena_init(&arena, 0);
    json_paths_init(&paths, texts, 4);
    json_scan_init(&s, &paths, 1000);
    s.strict = true;
    enum json_scan_state strict = scan(&s, source, piece);
    enum err err =
        json_parse(&doc, &arena, source, &(struct json_options){.depth_max = JSON_SCAN_DEPTH_MAX});
    CHECK((err == ERR_NONE) == (strict == JSON_SCAN_COMPLETE));
    if (err && strict == JSON_SCAN_INCOMPLETE)
        CHECK(doc.fault == JSON_FAULT_TRUNCATED || doc.fault == JSON_FAULT_EMPTY ||
              doc.fault == JSON_FAULT_UTF8);
    if (!err)
        check_found(&s, &doc);

    json_scan_reset(&s);
    s.strict = false;
    enum json_scan_state loose = scan(&s, source, piece);
    CHECK(strict == JSON_SCAN_MALFORMED || loose == strict);
    if (!err)
        check_found(&s, &doc);
    json_scan_release(&s);
    arena_release(&arena);
    return 0;
}
