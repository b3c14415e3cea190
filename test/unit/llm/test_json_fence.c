/* The fence around JSON, in pieces cut anywhere. */
#include "llm/json_fence.h"

#include "base/buf.h"
#include "support/test.h"

/* In two pieces, cut at `at`. */
static const char *taken(const char *text, size_t at)
{
    static struct buf said;
    struct arena a, scratch;
    struct json_fence f = {0};
    struct raw out;
    str all = str_from_c(text);
    arena_init(&a, 0);
    arena_init(&scratch, 0);
    buf_clear(&said);
    EXPECT(json_fence_take(&f, &a, &scratch, (struct raw){str_first(all, at)}, &out));
    buf_add_str(&said, out.s);
    EXPECT(json_fence_take(&f, &a, &scratch, (struct raw){str_from(all, at)}, &out));
    buf_add_str(&said, out.s);
    buf_add_str(&said, json_fence_end(&f).s);
    buf_add_byte(&said, '\0');
    arena_release(&a);
    arena_release(&scratch);
    return said.ptr;
}

TEST(only_a_fence_is_taken_away)
{
    static const struct {
        const char *text, *left;
    } rows[] = {
        {"```json\\n{\\\"a\\\": \\\"`x`\\\"}\\n```", "{\\\"a\\\": \\\"`x`\\\"}"},
        {"\\n ```\\n{}\\n``` \\n", "{}"},
        {"{\\\"a\\\": 1}\\n", "{\\\"a\\\": 1}\\n"},
        {"{}", "{}"},
        {"``", "``"},
        {"", ""},
        {" \\t", " \\t"},
        {"```json\\n{\\\"a\\\":\\n\\n 1 }", "{\\\"a\\\":\\n\\n 1 }"},
        {"```json\\n{}\\n", "{}\\n"},
        {"````not a language but a very long sentence",
         "````not a language but a very long sentence"},
        {"Well: ```json\\n{}\\n```", "Well: ```json\\n{}\\n```"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = strlen(rows[i].text);
        for (size_t at = 0; at <= len; at++) {
            if (at && rows[i].text[at - 1] == '\\')
                continue; /* pieces are whole strings of JSON */
            EXPECT_STR(taken(rows[i].text, at), rows[i].left);
        }
    }
}
