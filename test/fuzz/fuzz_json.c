/*
 * json_parse against jansson: what one takes the other takes, but for what jansson leaves out (the
 * largest numbers, NUL in names, lone surrogates).  And the index against itself: nodes nest, cover the source in
 * order, a shallow index is the beginning of the full one, an edit of nothing changes nothing.
 */
#include <stdlib.h>

#include "support/jansson_oracle.h"
#include "wire/json.h"
#include "wire/json_edit.h"
#include "wire/json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t check_node(const struct json_doc *doc, uint32_t node, uint32_t from)
{
    const struct json_node *n = json_node(doc, node);
    CHECK(n->start >= from && n->end > n->start && n->end <= doc->source.len);
    if (n->opaque || (n->kind != JSON_ARRAY && n->kind != JSON_OBJECT)) {
        CHECK(n->next == node + 1);
        return n->end;
    }
    uint32_t at = n->start + 1, count = 0, last = node + 1;
    JSON_EACH (item, doc, node) {
        CHECK(item == last);
        at = check_node(doc, item, at);
        if (n->kind == JSON_OBJECT)
            at = check_node(doc, json_value(item), at);
        last = json_node(doc, n->kind == JSON_OBJECT ? json_value(item) : item)->next;
        count++;
    }
    CHECK(last == n->next && count == n->count && at < n->end);
    return n->end;
}

static void check_strings(const struct json_doc *doc, struct arena *arena)
{
    for (uint32_t i = 1; i < doc->count; i++) {
        str text;
        if (json_is(doc, i, JSON_NUMBER)) {
            int64_t whole;
            double value = json_to_double(json_raw(doc, i));
            if (json_to_i64(json_raw(doc, i), &whole))
                CHECK((double)whole == value);
        }
        if (!json_is(doc, i, JSON_STRING))
            continue;
        CHECK(!json_string_decode(doc, i, arena, &text));
        CHECK(json_string_eq(doc, i, text) && !json_string_eq(doc, i, STR("\x01\x02?")));
        /* Escaped again it says the same. */
        struct json_doc again;
        CHECK(!json_parse(&again, arena, json_quote(arena, text), NULL));
        CHECK(json_string_eq(&again, JSON_ROOT, text));
    }
}

static void check_edits(const struct json_doc *doc, struct arena *arena)
{
    struct json_edit e;
    struct json_parts parts;
    json_edit_init(&e, doc, arena);
    CHECK(!json_edit_finish(&e, &parts) && parts.bytes == doc->source.len);
    if (!json_is(doc, JSON_ROOT, JSON_OBJECT))
        return;

    /* Every second member goes, the others become 7, two come. */
    json_edit_init(&e, doc, arena);
    uint32_t left = 0, odd = 0;
    JSON_EACH (m, doc, JSON_ROOT) {
        if (odd++ & 1) {
            json_edit_replace(&e, json_value(m), STR("7"));
            left++;
        } else {
            json_edit_remove(&e, JSON_ROOT, m);
        }
    }
    json_edit_insert_last(&e, JSON_ROOT, STR("z"), STR("1"));
    json_edit_insert_first(&e, JSON_ROOT, STR("a"), STR("[]"));
    CHECK(!json_edit_finish(&e, &parts));
    struct buf out;
    buf_init(&out, 0);
    for (size_t i = 0; i < parts.count; i++)
        buf_add_str(&out, parts.parts[i]);
    CHECK(out.len == parts.bytes);
    struct json_doc edited;
    CHECK(!json_parse(&edited, arena, buf_str(&out), NULL));
    CHECK(json_count(&edited, JSON_ROOT) == left + 2);
    buf_release(&out);
}

static void check_shallow(const struct json_doc *doc, struct arena *arena, str source)
{
    struct json_doc shallow;
    CHECK(!json_parse(&shallow, arena, source, &(struct json_options){.index_depth = 1}));
    check_node(&shallow, JSON_ROOT, 0);
    CHECK(json_count(&shallow, JSON_ROOT) == json_count(doc, JSON_ROOT));
    uint32_t deep = json_first(doc, JSON_ROOT);
    JSON_EACH (item, &shallow, JSON_ROOT) {
        CHECK(json_raw(&shallow, item).len == json_raw(doc, deep).len);
        deep = json_next(doc, JSON_ROOT, deep);
    }
}

/* What jansson does not take though it is JSON. */
static bool jansson_differs(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
           code == json_error_null_character || code == json_error_stack_overflow ||
           strstr(error->text, "invalid Unicode");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct json_doc doc;
    str source = str_make((const char *)data, size);
    arena_init(&arena, 0);
    enum err err = json_parse(&doc, &arena, source, &(struct json_options){.depth_max = 1000});
    json_error_t error;
    json_t *theirs = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (err == ERR_NONE) {
        CHECK(theirs || jansson_differs(&error));
        check_node(&doc, JSON_ROOT, 0);
        check_strings(&doc, &arena);
        check_edits(&doc, &arena);
        check_shallow(&doc, &arena, source);
        uint32_t culprit;
        (void)!json_check_members(&doc, JSON_ROOT, (const str[]){STR("model")}, 1, &arena,
                                  &culprit);
    } else {
        /* jansson passes over a NUL after a number or the document. */
        bool nul = doc.fault_at < size && data[doc.fault_at] == '\0';
        CHECK(!theirs || doc.fault == JSON_FAULT_DEPTH || nul);
        CHECK(doc.fault != JSON_FAULT_NONE && doc.fault_at <= size);
        CHECK(json_kind(&doc, JSON_ROOT) == JSON_ABSENT);
        json_fault_text(&doc, &arena);
    }
    json_decref(theirs);
    arena_release(&arena);
    return 0;
}
