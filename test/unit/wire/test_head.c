#include "support/test.h"
#include "wire/head.h"

TEST(every_known_name_is_found_in_any_case)
{
    for (unsigned id = 1; id < HEADER_NAME_COUNT; id++) {
        str text = header_name_text((enum header_name)id);
        char upper[HEADER_NAME_PADDING];
        EXPECT(text.len > 0 && text.len <= sizeof(upper));
        for (size_t i = 0; i < text.len; i++) {
            char c = text.ptr[i];
            EXPECT((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-');
            upper[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
        }
        EXPECT_EQ(header_name_from(text), id);
        EXPECT_EQ(header_name_from(str_make(upper, text.len)), id);
        EXPECT_EQ(header_name_from(str_first(text, text.len - 1)) == id, false);
    }
}

TEST(names_of_all_lengths_are_made_lower_case_and_nothing_behind_them)
{
    for (size_t len = 0; len < 40; len++) {
        char text[40 + HEADER_NAME_PADDING], expected[sizeof(text)];
        for (size_t i = 0; i < sizeof(text); i++) {
            text[i] = (char)(0x20 + (i * 7 + len) % 0x60);
            bool upper = i < len && text[i] >= 'A' && text[i] <= 'Z';
            expected[i] = (char)(text[i] + (upper ? 32 : 0));
        }
        header_name_lower_padded(text, len);
        EXPECT_MEM(text, sizeof(text), expected, sizeof(expected));
    }
}

TEST(unknown_names_have_no_number)
{
    EXPECT_EQ(header_name_from(STR("")), HEADER_OTHER);
    EXPECT_EQ(header_name_from(STR("x")), HEADER_OTHER);
    EXPECT_EQ(header_name_from(STR("hosts")), HEADER_OTHER);
    EXPECT_EQ(header_name_from(STR("hos\0")), HEADER_OTHER);
    EXPECT_EQ(header_name_from(STR("content length")), HEADER_OTHER);
    EXPECT_EQ(header_name_from(STR("a-name-that-is-longer-than-all-others")), HEADER_OTHER);
}

TEST(names_are_tokens)
{
    EXPECT(header_name_valid(STR("!#$%&'*+-.^_`|~09azAZ")));
    EXPECT(!header_name_valid(STR("")));
    for (int c = 0; c < 256; c++) {
        char text[] = {'x', (char)c};
        bool token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c && strchr("!#$%&'*+-.^_`|~", c));
        EXPECT_EQ(header_name_valid(str_make(text, 2)), token);
    }
}

TEST(control_bytes_in_values_are_found_at_every_place)
{
    char text[64];
    for (size_t len = 1; len < sizeof(text); len++) {
        for (size_t at = 0; at < len; at++) {
            memset(text, 0xe9, sizeof(text)); /* behind len too: nothing there may matter */
            text[len] = '\n';
            text[at] = '\t';
            EXPECT(header_value_valid(str_make(text, len)));
            text[at] = '\x1f';
            EXPECT(!header_value_valid(str_make(text, len)));
            text[at] = '\x7f';
            EXPECT(!header_value_valid(str_make(text, len)));
            text[at] = '\0';
            EXPECT(!header_value_valid(str_make(text, len)));
        }
    }
    EXPECT(header_value_valid(STR_NULL));
}

TEST(headers_are_found_by_number_and_by_text)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct headers h = {0};
    EXPECT(head_add(&h, &arena, STR("X-Custom"), STR("1")));
    EXPECT(head_add(&h, &arena, STR("Accept"), STR("a")));
    EXPECT(head_add(&h, &arena, STR("x-custom"), STR("2")));
    EXPECT(head_add_known(&h, &arena, HEADER_ACCEPT, STR("b")));
    EXPECT_STR(head_known(&h, HEADER_ACCEPT), "a");
    EXPECT_STR(head_get(&h, STR("ACCEPT")), "a");
    EXPECT_STR(head_get(&h, STR("x-CUSTOM")), "1");
    EXPECT_EQ(head_count(&h, STR("x-custom")), 2);
    EXPECT_EQ(head_count(&h, STR("accept")), 2);
    unsigned at = 0;
    EXPECT_STR(head_next(&h, HEADER_ACCEPT, &at)->value, "a");
    EXPECT_STR(head_next(&h, HEADER_ACCEPT, &at)->value, "b");
    EXPECT(head_next(&h, HEADER_ACCEPT, &at) == NULL);
    EXPECT(head_next(&h, HEADER_ACCEPT, &at) == NULL);
    at = 0;
    EXPECT(head_next(&h, HEADER_HOST, &at) == NULL);
    arena_release(&arena);
}

TEST(list_of_headers_grows)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct headers h = {0};
    for (unsigned i = 0; i < 1000; i++)
        EXPECT(head_add(&h, &arena, STR("x"), arena_printf(&arena, "%u", i)));
    EXPECT_EQ(h.count, 1000);
    EXPECT_STR(h.list[999].value, "999");
    arena_release(&arena);
}

TEST(exhausted_arena_adds_nothing)
{
    struct arena arena;
    arena_init(&arena, 1);
    struct headers h = {0};
    EXPECT(!head_add(&h, &arena, STR("x"), STR("y")));
    EXPECT_EQ(h.count, 0);
    arena_release(&arena);
}

TEST(tokens_of_lists_are_found)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct headers h = {0};
    EXPECT(head_add(&h, &arena, STR("Connection"), STR("Upgrade ,\tKeep-Alive,")));
    EXPECT(head_add(&h, &arena, STR("Connection"), STR("x")));
    EXPECT(head_has_token(&h, HEADER_CONNECTION, STR("upgrade")));
    EXPECT(head_has_token(&h, HEADER_CONNECTION, STR("keep-alive")));
    EXPECT(head_has_token(&h, HEADER_CONNECTION, STR("X")));
    EXPECT(!head_has_token(&h, HEADER_CONNECTION, STR("keep")));
    EXPECT(!head_has_token(&h, HEADER_CONNECTION, STR("close")));
    EXPECT(!head_has_token(&h, HEADER_TE, STR("x")));
    arena_release(&arena);
}

TEST(methods_have_names_and_case)
{
    for (int m = METHOD_GET; m <= METHOD_CONNECT; m++)
        EXPECT_EQ(method_from(method_name((enum method)m)), m);
    EXPECT_EQ(method_from(STR("get")), METHOD_OTHER);
    EXPECT_EQ(method_from(STR("")), METHOD_OTHER);
}

TEST(statuses_have_reasons)
{
    EXPECT_STR(status_reason(200), "OK");
    EXPECT_STR(status_reason(431), "Request Header Fields Too Large");
    EXPECT_STR(status_reason(799), "");
}
