#include "llm/chat.h"

#include "base/base64.h"
#include "base/random.h"
#include "support/test.h"

static struct arena arena;

static void begin(void)
{
    arena_init(&arena, 0);
}

static void end(void)
{
    arena_release(&arena);
}

TEST(raw_text_is_the_inside_of_a_string_and_of_nothing_else)
{
    struct json_doc doc;
    begin();
    EXPECT_EQ(json_parse(&doc, &arena, STR("[\"a\\n\",1,null,\"\"]"), NULL), ERR_NONE);
    uint32_t item = json_first(&doc, JSON_ROOT);
    EXPECT_STR(raw_of_node(&doc, item).s, "a\\n");
    EXPECT(raw_of_node(&doc, item).s.ptr == doc.source.ptr + 2); /* not copied */
    item = json_next(&doc, JSON_ROOT, item);
    EXPECT(str_is_null(raw_of_node(&doc, item).s));
    item = json_next(&doc, JSON_ROOT, item);
    EXPECT(str_is_null(raw_of_node(&doc, item).s));
    item = json_next(&doc, JSON_ROOT, item);
    EXPECT(!str_is_null(raw_of_node(&doc, item).s)); /* empty is not absent */
    EXPECT(str_is_null(raw_of_node(&doc, JSON_NONE).s));
    end();
}

TEST(raw_text_decodes_to_what_it_says_and_back)
{
    begin();
    EXPECT_STR(raw_decode(&arena, RAW("a\\\"b\\\\\\u00e9\\ud83d\\ude00")),
               "a\"b\\\xc3\xa9\xf0\x9f\x98\x80");
    EXPECT_STR(raw_of_text(&arena, STR("a\"b\\\n")).s, "a\\\"b\\\\\\n");
    struct raw plain = RAW("plain");
    EXPECT(raw_decode(&arena, plain).ptr == plain.s.ptr);
    EXPECT(str_is_null(raw_decode(&arena, RAW_NULL)));
    EXPECT(str_is_null(raw_of_text(&arena, STR_NULL).s));
    EXPECT(!str_is_null(raw_of_text(&arena, STR("")).s));
    end();
}

TEST(blank_is_white_space_in_any_spelling)
{
    static const char *const blank[] = {
        "", " ", "   ", "\\n", " \\t\\r\\n\\f", "\\u0020\\u000A\\u000d\\u0009\\u000b\\u000C"};
    static const char *const not_blank[] = {"x",    " x ",     "\\\\n",   "\\u0041", "\\b",
                                            "\\\"", "\\u00a0", "\\u0008", "\\/",     "."};
    for (unsigned i = 0; i < ARRAY_LEN(blank); i++)
        EXPECT(raw_is_blank((struct raw){str_from_c(blank[i])}));
    for (unsigned i = 0; i < ARRAY_LEN(not_blank); i++)
        EXPECT(!raw_is_blank((struct raw){str_from_c(not_blank[i])}));
    EXPECT(raw_is_blank(RAW_NULL));
}

TEST(lists_keep_the_order_of_their_making)
{
    struct chat c;
    begin();
    chat_init(&c, &arena);
    struct turn *one = chat_add_turn(&c, ROLE_USER, STR("messages[0]"));
    struct turn *two = chat_add_turn(&c, ROLE_ASSISTANT, STR("messages[1]"));
    EXPECT(c.turns == one && one->next == two && c.turns_last == two);
    EXPECT(chat_add_system(&c, STR("system")) == c.system);
    EXPECT(c.system->role == ROLE_SYSTEM && c.system_last == c.system);
    struct block *a = turn_add(&c, one, BLOCK_TEXT), *b = turn_add(&c, one, BLOCK_IMAGE);
    EXPECT(one->blocks == a && a->next == b && one->last == b);
    struct tool *f = chat_add_tool(&c), *g = chat_add_tool(&c);
    EXPECT(c.tools == f && f->next == g && c.tools_last == g);
    EXPECT(chat_add_stop(&c, RAW("x")) && chat_add_stop(&c, RAW("y")));
    EXPECT_STR(c.stop->next->text.s, "y");
    EXPECT(chat_add_allowed(&c, STR("f")) && chat_add_allowed(&c, STR("g")));
    EXPECT_STR(c.allowed->next->name, "g");
    c.allowed = NULL; /* a reader may begin anew */
    EXPECT(chat_add_allowed(&c, STR("h")) && !c.allowed->next);
    end();
}

TEST(extras_are_found_by_name_in_their_own_format)
{
    struct chat c;
    begin();
    chat_init(&c, &arena);
    EXPECT(chat_add_extra(&c, NATIVE_OPENAI, STR("verbosity"), STR("\"low\""), FIELD_HINT));
    EXPECT(chat_add_extra(&c, NATIVE_GEMINI, STR("labels"), STR("{}"), FIELD_BOOKKEEPING));
    EXPECT_STR(chat_extra(&c, NATIVE_OPENAI, STR("verbosity"))->json, "\"low\"");
    EXPECT(!chat_extra(&c, NATIVE_GEMINI, STR("verbosity")));
    EXPECT(chat_extra(&c, NATIVE_GEMINI, STR("labels")) == c.extras_last);
    end();
}

TEST(without_memory_builders_say_so)
{
    struct chat c;
    struct arena small;
    arena_init(&small, 1);
    chat_init(&c, &small);
    EXPECT(!chat_add_turn(&c, ROLE_USER, STR("x")) && !chat_add_system(&c, STR("x")));
    EXPECT(!chat_new_block(&c, BLOCK_TEXT) && !chat_add_tool(&c));
    EXPECT(!chat_add_stop(&c, RAW("x")) && !chat_add_allowed(&c, STR("x")));
    EXPECT(!chat_add_extra(&c, NATIVE_OPENAI, STR("x"), STR("1"), FIELD_HINT));
    EXPECT(!c.turns && !c.system && !c.tools && !c.stop && !c.allowed && !c.extras);
    arena_release(&small);
}

/* mapping: §4 arguments */
TEST(arguments_are_an_object_whatever_came)
{
    static const struct {
        const char *given, *object;
    } cases[] = {
        {"", "{}"},
        {" \n", "{}"},
        {"{}", "{}"},
        {" {\"a\": [1, {\"b\":2}]}\n", "{\"a\": [1, {\"b\":2}]}"},
        {"null", "{\"_raw\":\"null\"}"},
        {"[]", "{\"_raw\":\"[]\"}"},
        {"{\"a\":", "{\"_raw\":\"{\\\"a\\\":\"}"},
        {"{} {}", "{\"_raw\":\"{} {}\"}"},
        {"plain words", "{\"_raw\":\"plain words\"}"},
    };
    struct chat c;
    begin();
    chat_init(&c, &arena);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct tool_call call = {0};
        EXPECT(chat_set_arguments(&c, &call, str_from_c(cases[i].given)));
        EXPECT_STR(chat_call_object(&arena, &call), cases[i].object);
        EXPECT_EQ(call.is_raw, str_find(str_from_c(cases[i].object), STR("_raw")) > 0);
    }
    EXPECT_STR(chat_call_object(&arena, &(struct tool_call){0}), "{}");
    end();
}

TEST(arguments_with_a_nul_byte_are_whole)
{
    struct tool_call call = {.is_raw = true, .arguments = str_make("a\0b", 3)};
    begin();
    EXPECT_STR(chat_call_object(&arena, &call), "{\"_raw\":\"a\\u0000b\"}");
    end();
}

/* --- Media --------------------------------------------------------------------------------------- */

static struct media media_of(const char *url)
{
    struct media m = {0};
    EXPECT(media_from_url(&arena, str_from_c(url), &m));
    return m;
}

/* mapping: §3 image_url.url */
TEST(data_urls_are_taken_apart)
{
    static const struct {
        const char *url, *mime, *data;
    } cases[] = {
        {"data:image/png;base64,iVBORw0KGgo=", "image/png", "iVBORw0KGgo="},
        {"DATA:Image/PNG;charset=UTF-8;Base64,iVBO", "image/png", "iVBO"},
        {"data:image/png;base64,iV\r\n BO\tRw0K\n", "image/png", "iVBORw0K"},
        {"data:image/png;base64,iVBORw0KGgo", "image/png", "iVBORw0KGgo="}, /* not padded */
        {"data:image/png;base64,iVBORw0KGg", "image/png", "iVBORw0KGg=="},
        {"data:image/png;base64,-_-_", "image/png", "+/+/"}, /* the alphabet of URLs */
        {"data:image/png;base64,iVBORw0KGgo%3D", "image/png", "iVBORw0KGgo="},
        {"data:image/png;base64,ab%2Bc", "image/png", "ab+c"},
        {"data:application/pdf;name=a.pdf;base64,JVBE", "application/pdf", "JVBE"},
        {"data:image/svg+xml,%3Csvg/%3E", "image/svg+xml", "PHN2Zy8+"}, /* not base64: is by now */
    };
    begin();
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct media m = media_of(cases[i].url);
        EXPECT_EQ(m.source, MEDIA_BASE64);
        EXPECT_STR(m.mime, cases[i].mime);
        EXPECT_STR(m.data, cases[i].data);
    }
    end();
}

TEST(data_urls_of_text_are_text)
{
    begin();
    struct media m = media_of("data:,Hello%2C%20World%0A100%");
    EXPECT_EQ(m.source, MEDIA_TEXT);
    EXPECT_STR(m.mime, "text/plain");
    EXPECT_STR(m.text.s, "Hello, World\\n100%");
    m = media_of("data:text/csv;charset=utf-8,a%22b");
    EXPECT_STR(m.mime, "text/csv");
    EXPECT_STR(m.text.s, "a\\\"b");
    end();
}

TEST(addresses_stay_addresses_and_bare_base64_is_data)
{
    begin();
    EXPECT_EQ(media_of("https://example.com/a.png?b=1").source, MEDIA_URL);
    EXPECT_STR(media_of("gs://bucket/a").data, "gs://bucket/a");
    EXPECT_STR(media_of("s3://bucket/a").data, "s3://bucket/a");
    struct media m = media_of("JVBERi0xLjQ=");
    EXPECT_EQ(m.source, MEDIA_BASE64);
    EXPECT(str_is_null(m.mime));
    EXPECT_STR(m.data, "JVBERi0xLjQ=");
    end();
}

TEST(base64_that_is_well_is_not_copied)
{
    const str url = STR("data:image/png;base64,iVBORw0KGgo=");
    struct media m = {0};
    begin();
    EXPECT(media_from_url(&arena, url, &m));
    EXPECT(m.data.ptr > url.ptr && m.data.ptr < url.ptr + url.len);
    end();
}

TEST(what_is_no_data_is_refused)
{
    static const char *const bad[] = {"",
                                      "data:",
                                      "data:image/png;base64",
                                      "data:image/png;base64,",
                                      "data:image/png;base64,====",
                                      "data:image/png;base64,a",
                                      "data:image/png;base64,abcde",
                                      "data:image/png;base64,ab=c",
                                      "data:image/png;base64,ab!c",
                                      "data:image/png,",
                                      "not base64!",
                                      "a.png"};
    begin();
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct media m = {0};
        if (media_from_url(&arena, str_from_c(bad[i]), &m))
            EXPECT_FAIL("taken: %s", bad[i]);
    }
    end();
}

TEST(any_bytes_come_through_data_urls_in_any_dress)
{
    begin();
    for (uint64_t round = 0; round < 500; round++) {
        uint64_t seed = round;
        char bytes[40], back[64];
        size_t n = 1 + random_next(&seed) % sizeof(bytes), len;
        struct buf url, dressed;
        struct media m = {0};
        for (size_t i = 0; i < n; i++)
            bytes[i] = (char)random_next(&seed);
        buf_init(&url, 0);
        buf_init(&dressed, 0);
        base64_encode(&url, bytes, n);
        buf_add_lit(&dressed, "data:a/b;base64,");
        for (size_t i = 0; i < url.len; i++) {
            char c = url.ptr[i];
            if (random_next(&seed) % 8 == 0)
                buf_add_lit(&dressed, "\n");
            if (c == '=' && round % 2)
                continue;
            buf_add_byte(&dressed, c == '+' && round % 3 ? '-' : c == '/' && round % 3 ? '_' : c);
        }
        EXPECT(media_from_url(&arena, buf_str(&dressed), &m));
        EXPECT_STR(m.data, buf_str(&url));
        EXPECT(base64_decode(m.data, back, &len));
        EXPECT_MEM(back, len, bytes, n);
        buf_release(&url);
        buf_release(&dressed);
    }
    end();
}

TEST(files_are_known_by_their_first_bytes)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *mime;
    } cases[] = {
        {"\x89PNG\r\n\x1a\n........", 16, "image/png"},
        {"\xff\xd8\xff\xe0.............", 16, "image/jpeg"},
        {"GIF89a..........", 16, "image/gif"},
        {"RIFF\xff\x01\x02\x03WEBPVP8 ", 16, "image/webp"},
        {"RIFF\x40\x41\x42\x43WAVEfmt ", 16, "audio/wav"},
        {"RIFF....AVI LIST", 16, NULL},
        {"%PDF-1.7........", 16, "application/pdf"},
        {"ID3.............", 16, "audio/mpeg"},
        {"OggS\0...........", 16, "audio/ogg"},
        {"fLaC............", 16, "audio/flac"},
        {"hello, world....", 16, NULL},
        {"RI", 2, NULL},
        {"", 0, NULL},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text;
        buf_init(&text, 0);
        base64_encode(&text, cases[i].bytes, cases[i].len);
        EXPECT_STR(media_sniff(buf_str(&text)), cases[i].mime);
        buf_release(&text);
    }
}
