/* Metrics: what several threads count is summed; names and labels are always valid; bounds. */
#include "base/metric.h"

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/test.h"

/* All of them as text; a static buffer. */
static str scrape(enum metric_format format)
{
    static struct buf text;
    buf_clear(&text);
    metric_write(format, &text);
    return buf_str(&text);
}

static bool has_line(str text, const char *line)
{
    while (text.len)
        if (str_eq(str_split(&text, '\n'), str_from_c(line)))
            return true;
    return false;
}

static void expect_line(const char *line)
{
    if (!has_line(scrape(METRIC_PROMETHEUS), line))
        EXPECT_FAIL("no line %s in\n%.*s", line, STR_ARG(scrape(METRIC_PROMETHEUS)));
}

TEST(nothing_is_shown_before_something_is_counted)
{
    EXPECT_STR(scrape(METRIC_PROMETHEUS), "");
    EXPECT_STR(scrape(METRIC_OPENMETRICS), "# EOF\n");
}

TEST(counting_without_a_series_does_nothing)
{
    metric_add(0, 1);
    metric_set(0, 1);
    metric_observe_us(0, 1);
}

TEST(a_series_is_the_same_for_the_same_labels)
{
    str values[] = {STR_INIT("m"), STR_INIT("p"), STR_INIT("input")};
    metric_series s = metric_find(METRIC_TOKENS, values);
    EXPECT(s != 0);
    EXPECT_EQ(metric_find(METRIC_TOKENS, values), s);
    values[2] = STR("output");
    EXPECT_NE(metric_find(METRIC_TOKENS, values), s);
    metric_add(s, 40);
    metric_add(s, 2);
    expect_line("llm_gateway_tokens_total{model=\"m\",provider=\"p\",type=\"input\"} 42");
    EXPECT(has_line(scrape(METRIC_PROMETHEUS), "# TYPE llm_gateway_tokens_total counter"));
    EXPECT(has_line(scrape(METRIC_OPENMETRICS), "# TYPE llm_gateway_tokens counter"));
}

enum { THREADS = 8, ROUNDS = 20000 };

static void *count(void *arg)
{
    str kind = STR("threads");
    metric_series s = metric_find(METRIC_ERRORS, &kind);
    metric_series h = metric_find(METRIC_OVERHEAD, &kind);
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        metric_add(s, 1);
        metric_observe_us(h, 50);
    }
    return NULL;
}

TEST(what_threads_count_is_summed_while_they_count_and_when_they_are_gone)
{
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, count, NULL), 0);
    for (unsigned i = 0; i < 20; i++)
        scrape(METRIC_PROMETHEUS);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    expect_line("llm_gateway_errors_total{kind=\"threads\"} 160000");
    expect_line("llm_gateway_overhead_seconds_count{endpoint=\"threads\"} 160000");
    expect_line("llm_gateway_overhead_seconds_sum{endpoint=\"threads\"} 8.000000");
}

TEST(gauges_are_set_and_plain_ones_have_no_labels)
{
    metric_set(metric_plain(METRIC_QUEUE_DEPTH), 7);
    metric_set(metric_plain(METRIC_QUEUE_DEPTH), 3);
    expect_line("llm_gateway_queue_depth 3");
    metric_set(metric_plain(METRIC_PROCESS_RSS), 4096);
    expect_line("process_resident_memory_bytes 4096");
    metric_set(metric_plain(METRIC_PROCESS_CPU), 1500000);
    expect_line("process_cpu_seconds_total 1.500000");
}

TEST(histograms_have_buckets_that_include_their_bound)
{
    str provider = STR("histo");
    metric_series s = metric_find(METRIC_QUEUE_TIME, &provider);
    static const uint64_t values[] = {
        0, 10, 11, 25, 1000000, 1000001, 600000000, 600000001, UINT64_C(1) << 40};
    for (unsigned i = 0; i < ARRAY_LEN(values); i++)
        metric_observe_us(s, values[i]);
    expect_line("llm_gateway_queue_seconds_bucket{provider=\"histo\",le=\"1e-05\"} 2");
    expect_line("llm_gateway_queue_seconds_bucket{provider=\"histo\",le=\"2.5e-05\"} 4");
    expect_line("llm_gateway_queue_seconds_bucket{provider=\"histo\",le=\"1.0\"} 5");
    expect_line("llm_gateway_queue_seconds_bucket{provider=\"histo\",le=\"600.0\"} 7");
    expect_line("llm_gateway_queue_seconds_bucket{provider=\"histo\",le=\"+Inf\"} 9");
    expect_line("llm_gateway_queue_seconds_count{provider=\"histo\"} 9");
}

/* --- Labels that somebody hostile chose ------------------------------------------------------------ */

static bool is_utf8(str s)
{
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t n = c < 0x80                ? 1
                   : c >= 0xc2 && c < 0xe0 ? 2
                   : c >= 0xe0 && c < 0xf0 ? 3
                   : c >= 0xf0 && c < 0xf5 ? 4
                                           : 0;
        if (!n || i + n > s.len)
            return false;
        for (size_t k = 1; k < n; k++)
            if (((unsigned char)s.ptr[i + k] & 0xc0) != 0x80)
                return false;
        i += n;
    }
    return true;
}

TEST(label_values_are_escaped_cut_and_always_utf8)
{
    char cut[140];
    memset(cut, 'a', sizeof(cut));
    memcpy(cut + 127, "\xe2\x82\xac", 3); /* a character across the limit of 128 bytes */
    const str hostile[] = {
        STR_INIT("quote\" back\\slash \n newline \r return \t tab \x1b escape"),
        STR_INIT("\xff\xfe not utf-8 \xc3"),
        STR_INIT("half \xe2\x82"),
        STR_INIT("\xed\xa0\x80 surrogate"),
        STR_INIT("\xc0\xaf overlong"),
        STR_INIT("nul \0 byte"),
        STR_INIT("fine \xe2\x82\xac"),
        STR_NULL,
        {cut, sizeof(cut)},
    };
    for (unsigned i = 0; i < ARRAY_LEN(hostile); i++)
        metric_add(metric_find(METRIC_TRUNCATED, &hostile[i]), 1);
    str text = scrape(METRIC_PROMETHEUS);
    EXPECT(is_utf8(text));
    EXPECT_CONTAINS(text, "provider=\"quote\\\" back\\\\slash \\n newline");
    EXPECT_CONTAINS(text, "provider=\"fine \xe2\x82\xac\"");
    for (size_t i = 0; i < text.len; i++)
        EXPECT((unsigned char)text.ptr[i] >= 0x20 || text.ptr[i] == '\n');
}

TEST(past_the_bound_of_a_metric_new_labels_become_other)
{
    metric_series last = 0;
    for (unsigned i = 0; i < METRIC_SERIES_MAX + 500; i++) {
        char name[32];
        snprintf(name, sizeof(name), "endpoint-%u", i);
        str value = str_from_c(name);
        metric_series s = metric_find(METRIC_DISCONNECTS, &value);
        EXPECT(s != 0);
        metric_add(s, 1);
        if (i >= METRIC_SERIES_MAX + 1)
            EXPECT_EQ(s, last);
        last = s;
    }
    expect_line("llm_gateway_client_disconnects_total{endpoint=\"endpoint-0\"} 1");
    expect_line("llm_gateway_client_disconnects_total{endpoint=\"other\"} 500");
    str known = STR("endpoint-7"); /* and those that were there are still found */
    metric_add(metric_find(METRIC_DISCONNECTS, &known), 1);
    expect_line("llm_gateway_client_disconnects_total{endpoint=\"endpoint-7\"} 2");
}

/* --- The whole ---------------------------------------------------------------------------------------- */

TEST(names_and_labels_are_as_the_format_wants_them)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        const struct metric_facts *f = metric_facts((enum metric_id)i);
        str name = str_from_c(f->name);
        bool total = str_ends(name, STR("_total"));
        EXPECT_EQ(total, f->type == METRIC_COUNTER);
        if (f->type == METRIC_HISTOGRAM)
            EXPECT(str_ends(name, STR("_seconds")));
        EXPECT(*f->help && f->help[strlen(f->help) - 1] == '.');
        EXPECT(!strchr(f->help, '\n') && !strchr(f->help, '\\'));
        for (const char *c = f->name; *c; c++)
            EXPECT(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
        for (unsigned k = 0; f->labels[k]; k++)
            EXPECT(k < METRIC_LABELS_MAX && strcmp(f->labels[k], "le") != 0);
        for (unsigned k = 0; k < i; k++)
            EXPECT(strcmp(metric_facts((enum metric_id)k)->name, f->name) != 0);
    }
}

/* The judge of the format itself, where it is installed (Debian: prometheus). */
TEST(promtool_has_nothing_to_say)
{
    if (system("command -v promtool >/dev/null 2>&1") != 0)
        return;
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        str values[METRIC_LABELS_MAX];
        for (unsigned k = 0; k < METRIC_LABELS_MAX; k++)
            values[k] = STR("x \"y\" \\ z");
        metric_series s = metric_find((enum metric_id)i, values);
        if (metric_facts((enum metric_id)i)->type == METRIC_HISTOGRAM)
            metric_observe_us(s, 1234);
        else
            metric_add(s, 1);
    }
    FILE *tool = popen("promtool check metrics 2>&1", "w");
    EXPECT(tool != NULL);
    str text = scrape(METRIC_PROMETHEUS);
    EXPECT_EQ(fwrite(text.ptr, 1, text.len, tool), text.len);
    int status = pclose(tool);
    EXPECT_EQ(status, 0);
}
