/* JSON Schema made into both of Gemini's forms, and what came of it read back: always JSON, no longer than
 * a limit however references multiply. */
#include "llm/schema_gemini.h"

static void check(str schema, enum schema_form form)
{
    struct arena arena;
    struct json_doc doc;
    struct name_list *lost = NULL;
    struct buf out;
    str back;
    arena_init(&arena, 256 << 20);
    buf_init(&out, 0);
    enum err err = schema_gemini_write(schema, form, &arena, &out, &lost);
    if (err) {
        CHECK(out.len == 0 || out.failed);
    } else {
        const struct json_options options = {.depth_max = 300, .root_object = true};
        CHECK(json_parse(&doc, &arena, buf_str(&out), &options) == ERR_NONE);
        CHECK(schema_gemini_read(&doc, JSON_ROOT, &arena, &back) == ERR_NONE);
        CHECK(json_parse(&doc, &arena, back, &options) == ERR_NONE);
    }
    buf_release(&out);
    arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    str schema = str_make((const char *)data, size);
    check(schema, SCHEMA_OPENAPI);
    check(schema, SCHEMA_JSON);
    return 0;
}
