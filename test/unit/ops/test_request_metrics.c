/* What a finished request adds to the metrics. */
#include "ops/request_metrics.h"

#include <stdio.h>

#include "base/metric.h"
#include "ops/process_stats.h"
#include "support/test.h"

static struct request_record usual(const char *route)
{
    return (struct request_record){
        .endpoint = STR_INIT("chat"),
        .model = STR_INIT("asked"),
        .model_label = str_from_c(route),
        .provider = STR_INIT("p"),
        .target_model = STR_INIT("t"),
        .stream = true,
        .status = 200,
        .attempts = {{.provider = STR_INIT("p"), .status = 200}},
        .attempt_count = 1,
        .usage = {.known = true,
                  .input = 10,
                  .cached = 4,
                  .cache_write = -1,
                  .output = 21,
                  .reasoning = 0},
        .total_us = 3000000,
        .upstream_us = 2900000,
        .first_token_us = 1000000,
        .overhead_us = 90,
    };
}

static str scrape(void)
{
    static struct buf text;
    buf_clear(&text);
    metric_write(METRIC_PROMETHEUS, &text);
    return buf_str(&text);
}

static void expect_line(const char *line)
{
    char whole[300];
    snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (str_find(scrape(), str_from_c(whole)) < 0)
        EXPECT_FAIL("no line %s in\n%.*s", line, STR_ARG(scrape()));
}

static struct request_metrics *metrics;

static void count(const struct request_record *r)
{
    if (!metrics)
        metrics = request_metrics_new();
    EXPECT(metrics != NULL);
    request_metrics_count(metrics, r);
}

TEST(an_ordinary_stream_is_counted_in_all_its_figures)
{
    struct request_record r = usual("m1");
    count(&r);
    count(&r);
    expect_line("llm_gateway_requests_total{model=\"m1\",provider=\"p\",endpoint=\"chat\","
                "status=\"200\",stream=\"true\"} 2");
    expect_line("llm_gateway_tokens_total{model=\"m1\",provider=\"p\",type=\"input\"} 20");
    expect_line("llm_gateway_tokens_total{model=\"m1\",provider=\"p\",type=\"cached\"} 8");
    expect_line("llm_gateway_tokens_total{model=\"m1\",provider=\"p\",type=\"output\"} 42");
    expect_line(
        "llm_gateway_time_to_first_token_seconds_sum{model=\"m1\",provider=\"p\"} 2.000000");
    expect_line(
        "llm_gateway_time_per_output_token_seconds_sum{model=\"m1\",provider=\"p\"} 0.200000");
    expect_line("llm_gateway_request_duration_seconds_count{model=\"m1\",provider=\"p\",endpoint="
                "\"chat\"} 2");
    EXPECT(str_find(scrape(), STR("type=\"cache_write\"")) < 0);
}

TEST(statuses_are_told_apart_beyond_those_that_are_remembered)
{
    struct request_record r = usual("m2");
    for (int round = 0; round < 3; round++)
        for (int status = 400; status < 412; status++) {
            r.status = status;
            count(&r);
        }
    for (int status = 400; status < 412; status++) {
        char line[200];
        snprintf(line, sizeof(line),
                 "llm_gateway_requests_total{model=\"m2\",provider=\"p\",endpoint=\"chat\","
                 "status=\"%d\",stream=\"true\"} 3",
                 status);
        expect_line(line);
    }
}

TEST(troubles_are_counted_by_their_code)
{
    struct request_record r = usual("m3");
    r.err = ERR_IDLE_TIMEOUT;
    r.truncated = true;
    r.client_gone = true;
    r.retries = 1;
    r.attempts[1] = r.attempts[0];
    r.attempts[0].err = ERR_UPSTREAM_CONNECT;
    r.attempt_count = 2;
    count(&r);
    expect_line("llm_gateway_errors_total{kind=\"idle_timeout\"} 1");
    expect_line("llm_gateway_retries_total{reason=\"upstream_connect\"} 1");
    expect_line("llm_gateway_client_disconnects_total{endpoint=\"chat\"} 1");
    expect_line("llm_gateway_truncated_streams_total{provider=\"p\"} 1");
}

TEST(pages_of_our_own_are_not_counted)
{
    struct request_record r = usual("local-page");
    r.is_local = true;
    count(&r);
    EXPECT(str_find(scrape(), STR("local-page")) < 0);
}

TEST(a_request_that_asked_nobody_has_no_figures_of_providers)
{
    struct request_record r = {.endpoint = STR_INIT("embeddings"),
                               .model_label = STR_INIT(""),
                               .status = 401,
                               .err = ERR_KEY_INVALID,
                               .total_us = 100};
    count(&r);
    EXPECT_CONTAINS(scrape(), "endpoint=\"embeddings\",status=\"401\",stream=\"false\"} 1");
    EXPECT(str_find(scrape(), STR("upstream_duration_seconds_count{model=\"\"")) < 0);
}

TEST(absurd_figures_do_no_harm)
{
    struct request_record r = usual("m4");
    r.usage = (struct usage){.known = true,
                             .input = USAGE_MAX,
                             .cached = USAGE_MAX,
                             .cache_write = USAGE_MAX,
                             .output = USAGE_MAX,
                             .reasoning = USAGE_MAX};
    r.total_us = 0; /* before the first token: a clock that stood still */
    count(&r);
    r.usage.output = -1;
    r.usage.reasoning = -1;
    r.total_us = UINT64_MAX / 4;
    count(&r);
    expect_line(
        "llm_gateway_tokens_total{model=\"m4\",provider=\"p\",type=\"input\"} 2000000000000");
}

/* A client chooses "provider/model" as it likes; that must cost neither memory nor the scrape. */
TEST(very_many_names_are_bounded)
{
    for (unsigned i = 0; i < 30000; i++) {
        char name[32];
        struct request_record r = usual("");
        snprintf(name, sizeof(name), "hostile-%u", i);
        r.model_label = r.model = str_from_c(name);
        count(&r);
    }
    unsigned lines = 0;
    str text = scrape();
    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    EXPECT(lines < 200000);
    request_metrics_free(metrics);
    metrics = NULL;
}

TEST(the_process_is_described)
{
    process_stats_update();
    static const char *const names[] = {
        "process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ",
        "process_max_fds ",           "process_start_time_seconds ",    "process_threads "};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        ptrdiff_t at = str_find(scrape(), str_from_c(names[i]));
        EXPECT(at >= 0);
        EXPECT(scrape().ptr[(size_t)at + strlen(names[i])] != '\n');
    }
}
