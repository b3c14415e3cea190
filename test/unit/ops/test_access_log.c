/* The access log: JSON that is JSON and text that is one line, whatever clients and providers say. */
#include "ops/access_log.h"

#include "support/jansson_oracle.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/test.h"

static struct request_record usual(void)
{
    return (struct request_record){
        .wall_us = UINT64_C(1796083201234567),
        .id = STR_INIT("req-1"),
        .client_ip = STR_INIT("192.0.2.7"),
        .protocol = "http/1.1",
        .method = STR_INIT("POST"),
        .path = STR_INIT("/v1/chat/completions"),
        .endpoint = STR_INIT("chat"),
        .key_name = STR_INIT("app"),
        .model = STR_INIT("gpt-4o"),
        .route = STR_INIT("gpt-4o"),
        .provider = STR_INIT("openai"),
        .target_model = STR_INIT("gpt-4o-2024"),
        .stream = true,
        .status = 200,
        .finish_reason = STR_INIT("stop"),
        .attempts = {{.provider = STR_INIT("azure"),
                      .err = ERR_UPSTREAM_CONNECT,
                      .duration_us = 1500},
                     {.provider = STR_INIT("openai"),
                      .model = STR_INIT("gpt-4o-2024"),
                      .status = 200,
                      .duration_us = 812345,
                      .reused = true}},
        .attempt_count = 2,
        .retries = 1,
        .usage = {.known = true,
                  .input = 70,
                  .cached = 30,
                  .cache_write = -1,
                  .output = 25,
                  .reasoning = -1},
        .bytes_in = 300,
        .bytes_out = 4000,
        .events = 12,
        .total_us = 900001,
        .upstream_us = 813845,
        .first_token_us = 350000,
        .overhead_us = 83,
        .metadata = STR_INIT("{\"run\": 7}"),
        .user_agent = STR_INIT("sdk/1"),
    };
}

static json_t *parsed(const struct request_record *r)
{
    struct buf line;
    json_error_t error;
    buf_init(&line, 0);
    access_log_json(&line, r);
    EXPECT(line.len && line.ptr[line.len - 1] == '\n');
    EXPECT_EQ(str_find_byte(buf_str(&line), '\n'), (ptrdiff_t)line.len - 1);
    json_t *json =
        json_loadb(line.ptr, line.len - 1, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json)
        EXPECT_FAIL("%s: %.*s", error.text, STR_ARG(buf_str(&line)));
    buf_release(&line);
    return json;
}

static const char *text(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

TEST(a_line_of_json_says_all_that_is_known)
{
    struct request_record r = usual();
    json_t *json = parsed(&r);
    EXPECT_STR(text(json, "time"), "2026-12-01T00:00:01.234Z");
    EXPECT_STR(text(json, "request_id"), "req-1");
    EXPECT_STR(text(json, "model"), "gpt-4o");
    EXPECT_STR(text(json, "provider"), "openai");
    EXPECT_STR(text(json, "target"), "gpt-4o-2024");
    EXPECT_STR(text(json, "finish_reason"), "stop");
    EXPECT(json_is_true(json_object_get(json, "stream")));
    EXPECT_EQ(json_integer_value(json_object_get(json, "status")), 200);
    EXPECT_NEAR(json_real_value(json_object_get(json, "total_ms")), 900.001, 1e-9);
    EXPECT_NEAR(json_real_value(json_object_get(json, "own_ms")), 0.083, 1e-9);
    json_t *attempts = json_object_get(json, "attempts");
    EXPECT_EQ(json_array_size(attempts), 2);
    EXPECT_STR(text(json_array_get(attempts, 0), "error"), "upstream_connect");
    EXPECT_NEAR(json_real_value(json_object_get(json_array_get(attempts, 0), "ms")), 1.5, 1e-9);
    EXPECT(json_is_true(json_object_get(json_array_get(attempts, 1), "reused")));
    json_t *tokens = json_object_get(json, "tokens");
    EXPECT_EQ(json_integer_value(json_object_get(tokens, "input")), 70);
    EXPECT(json_object_get(tokens, "cache_write") == NULL);
    EXPECT_EQ(json_integer_value(json_object_get(json_object_get(json, "metadata"), "run")), 7);
    json_decref(json);
}

TEST(what_is_not_known_is_left_out)
{
    struct request_record r = {.status = 404, .err = ERR_PATH_UNKNOWN, .endpoint = STR("")};
    json_t *json = parsed(&r);
    static const char *const absent[] = {"model",    "key",   "attempts",       "tokens",
                                         "metadata", "route", "first_token_ms", "upstream_ms",
                                         "endpoint", "events"};
    for (unsigned i = 0; i < ARRAY_LEN(absent); i++)
        EXPECT(json_object_get(json, absent[i]) == NULL);
    EXPECT_STR(text(json, "error"), "unknown_path");
    json_decref(json);
}

static const str hostile[] = {
    STR_INIT("quote \" backslash \\ slash /"),
    STR_INIT("line\nend\r\n{\"status\":200}"),
    STR_INIT("nul \0 inside"),
    STR_INIT("\x1b[2J\x07 terminal"),
    STR_INIT("\xff\xfe not utf-8"),
    STR_INIT("cut \xe2\x82"),
    STR_INIT("\xed\xa0\x80 surrogate \xc0\xaf"),
    STR_INIT("fine \xe2\x82\xac \xf0\x9f\x98\x80"),
    STR_INIT("\x7f del \xc2\x9b c1"),
    STR_INIT("%s%n%d"),
};

/* Puts the text into every field that somebody else chooses. */
static struct request_record hostile_record(str s)
{
    struct request_record r = usual();
    str *const fields[] = {&r.id,
                           &r.trace_id,
                           &r.client_ip,
                           &r.method,
                           &r.path,
                           &r.key_name,
                           &r.tenant,
                           &r.user,
                           &r.model,
                           &r.route,
                           &r.provider,
                           &r.target_model,
                           &r.user_agent,
                           &r.err_detail,
                           &r.finish_reason,
                           &r.attempts[0].provider,
                           &r.attempts[0].model};
    for (unsigned i = 0; i < ARRAY_LEN(fields); i++)
        *fields[i] = s;
    r.err = ERR_UPSTREAM_STATUS;
    return r;
}

TEST(json_stays_json_whatever_others_say)
{
    for (unsigned i = 0; i < ARRAY_LEN(hostile); i++) {
        struct request_record r = hostile_record(hostile[i]);
        json_t *json = parsed(&r);
        EXPECT_EQ(json_integer_value(json_object_get(json, "status")), 200);
        EXPECT(json_string_length(json_object_get(json, "model")) > 0);
        json_decref(json);
    }
}

TEST(long_texts_are_cut_and_stay_json)
{
    static char lots[3000];
    for (size_t i = 0; i + 3 < sizeof(lots); i += 3)
        memcpy(lots + i, "\xe2\x82\xac", 3); /* the cut falls inside a character */
    struct request_record r = hostile_record(str_make(lots, 2997));
    json_t *json = parsed(&r);
    EXPECT(json_string_length(json_object_get(json, "user_agent")) < 300);
    EXPECT(json_string_length(json_object_get(json, "path")) < 300);
    EXPECT(json_string_length(json_object_get(json, "detail")) < 600);
    json_decref(json);
}

TEST(extreme_numbers_stay_json)
{
    struct request_record r = usual();
    r.total_us = r.overhead_us = r.queue_us = r.bytes_in = UINT64_MAX / 2000;
    r.status = 0;
    r.usage = (struct usage){.known = true,
                             .clamped = true,
                             .input = USAGE_MAX,
                             .cached = -1,
                             .cache_write = -1,
                             .output = -1,
                             .reasoning = -1};
    r.attempt_count = RECORD_ATTEMPTS_MAX;
    json_t *json = parsed(&r);
    EXPECT(json_is_true(json_object_get(json_object_get(json, "tokens"), "clamped")));
    json_decref(json);
}

/* --- Text --------------------------------------------------------------------------------------- */

static str text_line(const struct request_record *r)
{
    static struct buf line;
    buf_clear(&line);
    access_log_text(&line, r);
    return buf_str(&line);
}

TEST(a_line_of_text_is_for_people)
{
    struct request_record r = usual();
    EXPECT_STR(text_line(&r),
               "2026-12-01T00:00:01.234Z 200 POST /v1/chat/completions gpt-4o -> "
               "openai/gpt-4o-2024 900.0 ms (own 0.083) 70+25 tokens key=app req-1\n");
}

TEST(text_stays_one_line_without_controls_whatever_others_say)
{
    for (unsigned i = 0; i < ARRAY_LEN(hostile); i++) {
        struct request_record r = hostile_record(hostile[i]);
        str line = text_line(&r);
        EXPECT_EQ(str_find_byte(line, '\n'), (ptrdiff_t)line.len - 1);
        for (size_t k = 0; k + 1 < line.len; k++)
            if ((unsigned char)line.ptr[k] < 0x20 || line.ptr[k] == 0x7f)
                EXPECT_FAIL("control %#x in: %.*s", (unsigned char)line.ptr[k], STR_ARG(line));
    }
}

TEST(tokens_that_are_not_known_are_not_negative)
{
    struct request_record r = usual();
    r.usage.output = -1;
    EXPECT_CONTAINS(text_line(&r), " 70+0 tokens ");
}

TEST(lines_are_written_to_the_file_in_either_form)
{
    for (unsigned json = 0; json < 2; json++) {
        char path[] = "/tmp/test-access-XXXXXX", bytes[2000];
        int fd = mkstemp(path);
        struct log_file *f = log_file_open(path);
        struct access_log *log = access_log_new(f, json);
        struct request_record r = usual();
        access_log_write(log, &r);
        access_log_write(log, &r);
        access_log_free(log);
        log_file_close(f);
        ssize_t len = read(fd, bytes, sizeof(bytes));
        EXPECT(len > 100);
        EXPECT_EQ(bytes[0] == '{', json);
        EXPECT_EQ(bytes[len - 1], '\n');
        close(fd);
        unlink(path);
    }
    access_log_free(NULL);
}
