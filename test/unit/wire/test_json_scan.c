#include "wire/json_scan.h"

#include <stdlib.h>

#include "support/test.h"

static struct json_paths paths;
static struct json_scan scan;

enum { USAGE, ID, ERROR, FINISH, TOTAL };

static void begin(uint32_t capture_max)
{
    static const char *const texts[] = {"usage", "id", "error", "choices.*.finish_reason",
                                        "usage.total_tokens"};
    json_paths_init(&paths, texts, ARRAY_LEN(texts));
    json_scan_init(&scan, &paths, capture_max);
}

static const str answer = STR_INIT(
    "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1741569952,"
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"A \\\"{[\\\\\\\" "
    "h\\u00e9 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \",\"usage\":{\"not\":\"this\"}},\"finish_reason\":"
    "\"stop\"},{\"finish_reason\":null,\"id\":[]}], \"us\\u0061ge\" : {\"prompt_tokens\":9,"
    "\"total_tokens\":-1.5e+3 } ,\"error\":null} \n");

static void expect_answer(void)
{
    EXPECT_EQ(scan.dropped, 0);
    EXPECT_EQ(scan.found_count, 6);
    EXPECT_STR(json_scan_found(&scan, ID), "\"chatcmpl-1\"");
    EXPECT_STR(json_scan_found(&scan, USAGE), "{\"prompt_tokens\":9,\"total_tokens\":-1.5e+3 }");
    EXPECT_STR(json_scan_found(&scan, TOTAL), "-1.5e+3");
    EXPECT_STR(json_scan_found(&scan, ERROR), "null");
    EXPECT_STR(json_scan_found(&scan, FINISH), "null"); /* the last one */
    EXPECT_EQ(scan.found[1].path, FINISH);
    EXPECT_STR(str_make(scan.captured.ptr + scan.found[1].at, scan.found[1].len), "\"stop\"");
}

TEST(values_are_found_wherever_the_document_is_cut)
{
    begin(1000);
    for (unsigned strict = 0; strict < 2; strict++) {
        for (size_t first = 0; first <= answer.len; first++) {
            for (size_t second = 0; second < 4; second++) {
                json_scan_reset(&scan);
                scan.strict = strict;
                /* Blocks of their own: the sanitizer sees what is read outside a piece. */
                str rest = answer;
                size_t cuts[] = {first, second * second, answer.len};
                for (unsigned i = 0; i < 3; i++) {
                    str piece = str_first(rest, cuts[i]);
                    char *own = malloc(piece.len + 1);
                    EXPECT(own != NULL);
                    memcpy(own, piece.ptr, piece.len);
                    own = realloc(own, piece.len ? piece.len : 1);
                    json_scan_feed(&scan, str_make(own, piece.len));
                    free(own);
                    rest = str_from(rest, cuts[i]);
                }
                EXPECT_EQ(json_scan_end(&scan), JSON_SCAN_COMPLETE);
                expect_answer();
            }
        }
    }
    json_scan_release(&scan);
}

TEST(a_document_is_complete_at_its_last_bracket_and_not_before)
{
    size_t end = answer.len - 2;
    begin(1000);
    for (size_t i = 0; i < answer.len; i++) {
        enum json_scan_state state = json_scan_feed(&scan, str_make(answer.ptr + i, 1));
        EXPECT_EQ(state, i >= end - 1 ? JSON_SCAN_COMPLETE : JSON_SCAN_INCOMPLETE);
    }
    expect_answer();
    EXPECT_EQ(json_scan_feed(&scan, STR(" x")), JSON_SCAN_MALFORMED);
    EXPECT_EQ(json_scan_feed(&scan, answer), JSON_SCAN_MALFORMED);
    json_scan_release(&scan);
}

TEST(a_number_alone_is_complete_when_it_could_end)
{
    begin(0);
    EXPECT_EQ(json_scan_end(&scan), JSON_SCAN_INCOMPLETE);
    EXPECT_EQ(json_scan_feed(&scan, STR("-")), JSON_SCAN_INCOMPLETE);
    EXPECT_EQ(json_scan_feed(&scan, STR("1")), JSON_SCAN_COMPLETE);
    EXPECT_EQ(json_scan_feed(&scan, STR_NULL), JSON_SCAN_COMPLETE);
    EXPECT_EQ(json_scan_feed(&scan, STR(".")), JSON_SCAN_INCOMPLETE);
    EXPECT_EQ(json_scan_feed(&scan, STR("5e")), JSON_SCAN_INCOMPLETE);
    EXPECT_EQ(json_scan_feed(&scan, STR("999999999 ")), JSON_SCAN_COMPLETE);
    EXPECT_EQ(json_scan_feed(&scan, STR("9")), JSON_SCAN_MALFORMED);
    json_scan_release(&scan);
}

static enum json_scan_state judge(str source, bool strict)
{
    json_scan_reset(&scan);
    scan.strict = strict;
    return json_scan_feed(&scan, source);
}

TEST(on_the_way_to_a_path_the_grammar_counts_and_elsewhere_only_the_structure)
{
    begin(1000);
    /* Nobody looks into `x`. */
    EXPECT_EQ(judge(STR("{\"x\":[01, tru \"a\"]}"), false), JSON_SCAN_COMPLETE);
    EXPECT_EQ(judge(STR("{\"x\":[01, tru \"a\"]}"), true), JSON_SCAN_MALFORMED);
    /* But structure is structure. */
    EXPECT_EQ(judge(STR("{\"x\":[1}}"), false), JSON_SCAN_MALFORMED);
    EXPECT_EQ(judge(STR("{\"x\":{]}"), false), JSON_SCAN_MALFORMED);
    EXPECT_EQ(judge(STR("{\"x\":[\"a\nb\"]}"), false), JSON_SCAN_MALFORMED);
    EXPECT_EQ(judge(STR("{\"x\":[\"a]}"), false), JSON_SCAN_INCOMPLETE);
    EXPECT_EQ(judge(STR("{\"x\":[\"]\\\"]\\u0041\"]}"), false), JSON_SCAN_COMPLETE);
    /* The way itself. */
    EXPECT_EQ(judge(STR("{\"x\":01}"), false), JSON_SCAN_MALFORMED);
    EXPECT_EQ(judge(STR("{\"x\":1,}"), false), JSON_SCAN_MALFORMED);
    EXPECT_EQ(judge(STR("{\"usage\":{\"a\":[1,]}}"), false), JSON_SCAN_MALFORMED);
    EXPECT_EQ(judge(STR("{\"choices\":[{\"a\":\"\xff\"}]}"), false), JSON_SCAN_MALFORMED);
    json_scan_release(&scan);
}

TEST(only_the_path_is_found_not_its_like)
{
    begin(1000);
    EXPECT_EQ(
        judge(STR("{\"Usage\":1,\"usage \":2,\"x\":{\"usage\":3},\"choices\":{\"finish_reason\":4},"
                  "\"usage\\u0000\":5,\"choices\":[[{\"finish_reason\":6}],7],\"i\":8,\"idd\":9}"),
              false),
        JSON_SCAN_COMPLETE);
    EXPECT_EQ(scan.found_count, 0);
    /* Longer than any name in a path, and cut in two. */
    json_scan_reset(&scan);
    json_scan_feed(&scan,
                   STR("{\"\\u0075sage_and_a_long_tail_of_a_name_that_nobody_has_ever_thought_of"));
    json_scan_feed(&scan, STR("_or_ever_will\":1}"));
    EXPECT_EQ(json_scan_end(&scan), JSON_SCAN_COMPLETE);
    EXPECT_EQ(scan.found_count, 0);
    EXPECT_EQ(judge(STR("[{\"usage\":1}]"), false), JSON_SCAN_COMPLETE);
    EXPECT_EQ(scan.found_count, 0);
    EXPECT(str_is_null(json_scan_found(&scan, USAGE)));
    json_scan_release(&scan);
}

TEST(a_value_too_large_is_dropped_and_smaller_ones_are_kept)
{
    begin(30);
    EXPECT_EQ(
        judge(STR("{\"id\":\"abc\",\"usage\":{\"total_tokens\":7,\"more\":\"than there is room "
                  "for\"},\"error\":\"small\"}"),
              false),
        JSON_SCAN_COMPLETE);
    EXPECT_EQ(scan.dropped, 1);
    EXPECT_STR(json_scan_found(&scan, ID), "\"abc\"");
    EXPECT(str_is_null(json_scan_found(&scan, USAGE)));
    EXPECT_LE(scan.captured.len, 30);
    json_scan_release(&scan);
}

TEST(more_values_than_are_kept_are_counted)
{
    struct buf b;
    buf_init(&b, 0);
    buf_add_lit(&b, "{\"choices\":[");
    for (unsigned i = 0; i < 100; i++)
        buf_printf(&b, "%s{\"finish_reason\":%u}", i ? "," : "", i);
    buf_add_lit(&b, "]}");
    begin(100000);
    EXPECT_EQ(judge(buf_str(&b), false), JSON_SCAN_COMPLETE);
    EXPECT_EQ(scan.found_count, JSON_SCAN_FOUND_MAX);
    EXPECT_EQ(scan.dropped, 100 - JSON_SCAN_FOUND_MAX);
    EXPECT_STR(json_scan_found(&scan, FINISH), "31");
    buf_release(&b);
    json_scan_release(&scan);
}

TEST(nesting_is_limited_in_every_mode)
{
    begin(100);
    for (unsigned strict = 0; strict < 2; strict++) {
        for (unsigned depth = JSON_SCAN_DEPTH_MAX; depth <= JSON_SCAN_DEPTH_MAX + 1; depth++) {
            struct buf b;
            buf_init(&b, 0);
            for (unsigned i = 0; i < depth; i++)
                buf_add_byte(&b, '[');
            for (unsigned i = 0; i < depth; i++)
                buf_add_byte(&b, ']');
            EXPECT_EQ(judge(buf_str(&b), strict),
                      depth <= JSON_SCAN_DEPTH_MAX ? JSON_SCAN_COMPLETE : JSON_SCAN_MALFORMED);
            buf_release(&b);
        }
    }
    json_scan_release(&scan);
}

TEST(a_cut_answer_is_incomplete_at_every_byte)
{
    begin(1000);
    for (size_t len = 0; len < answer.len - 2; len++)
        EXPECT_EQ(judge(str_first(answer, len), len & 1), JSON_SCAN_INCOMPLETE);
    json_scan_release(&scan);
}

TEST(a_list_of_paths_that_cannot_be_kept_is_a_bug)
{
    static const char *const empty[] = {"a..b"}, *const deep[] = {"a.b.c.d.e.f.g"};
    EXPECT_ABORT(json_paths_init(&paths, empty, 1));
    EXPECT_ABORT(json_paths_init(&paths, deep, 1));
}
