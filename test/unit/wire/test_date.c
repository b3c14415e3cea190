#include "support/test.h"
#include "wire/date.h"

TEST(http_dates_are_written)
{
    static const struct {
        int64_t epoch_s;
        const char *text;
    } cases[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1735689599, "Tue, 31 Dec 2024 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {-1, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        char out[DATE_HTTP_LEN];
        EXPECT_STR(date_http(out, cases[i].epoch_s), cases[i].text);
    }
}

TEST(every_day_of_two_centuries_is_read_back)
{
    for (int64_t day = 0; day < 73000; day++) {
        char out[DATE_HTTP_LEN];
        int64_t epoch_s = day * 86400 + day % 86400, back = -1;
        EXPECT(date_http_parse(date_http(out, epoch_s), 0, &back));
        EXPECT_EQ(back, epoch_s);
    }
}

TEST(three_forms_of_http_dates_are_read)
{
    static const char *const same[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    };
    for (unsigned i = 0; i < ARRAY_LEN(same); i++) {
        int64_t epoch_s = 0;
        EXPECT(date_http_parse(str_from_c(same[i]), 784111777, &epoch_s));
        EXPECT_EQ(epoch_s, 784111777);
    }
}

TEST(two_digit_year_is_the_nearest_not_far_ahead)
{
    int64_t epoch_s, now_s = 1764547200; /* 2025-12-01 */
    char out[DATE_HTTP_LEN];
    EXPECT(date_http_parse(STR("Monday, 01-Jan-75 00:00:00 GMT"), now_s, &epoch_s));
    EXPECT_STR(date_http(out, epoch_s), "Tue, 01 Jan 2075 00:00:00 GMT");
    EXPECT(date_http_parse(STR("Monday, 01-Jan-76 00:00:00 GMT"), now_s, &epoch_s));
    EXPECT_STR(date_http(out, epoch_s), "Thu, 01 Jan 1976 00:00:00 GMT");
}

TEST(what_is_no_http_date_is_refused)
{
    static const char *const bad[] = {
        "",
        "120",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 2100 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nox 1994 08:49:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov +994 08:49:37 GMT",
        "Sun Nov  6 08:49:37 94",
        "Sun,",
    };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t epoch_s;
        if (date_http_parse(str_from_c(bad[i]), 0, &epoch_s))
            EXPECT_FAIL("accepted: %s", bad[i]);
    }
}

TEST(rfc3339_dates_are_written_and_read)
{
    char out[DATE_RFC3339_LEN];
    int64_t epoch_ms;
    EXPECT_STR(date_rfc3339(out, 784111777123), "1994-11-06T08:49:37.123Z");
    EXPECT_STR(date_rfc3339(out, -5), "1970-01-01T00:00:00.000Z");
    EXPECT(date_rfc3339_parse(STR("1994-11-06T08:49:37.123Z"), &epoch_ms));
    EXPECT_EQ(epoch_ms, 784111777123);
    EXPECT(date_rfc3339_parse(STR("1994-11-06t09:49:37.1234567+01:00"), &epoch_ms));
    EXPECT_EQ(epoch_ms, 784111777123);
    EXPECT(date_rfc3339_parse(STR("1994-11-06 05:19:37.5-03:30"), &epoch_ms));
    EXPECT_EQ(epoch_ms, 784111777500);
    EXPECT(date_rfc3339_parse(STR("1994-11-06T08:49:37z"), &epoch_ms));
    EXPECT_EQ(epoch_ms, 784111777000);
}

TEST(what_is_no_rfc3339_date_is_refused)
{
    static const char *const bad[] = {
        "",
        "1994-11-06",
        "1994-11-06T08:49:37",
        "1994-11-06T08:49Z",
        "94-11-06T08:49:37Z",
        "1994-13-06T08:49:37Z",
        "1994-11-31T08:49:37Z",
        "1994-11-06T08:49:37.Z",
        "1994-11-06T08:49:37+0100",
        "1994-11-06T08:49:37+24:00",
        "1994-11-06T08:49:37Zx",
    };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t epoch_ms;
        if (date_rfc3339_parse(str_from_c(bad[i]), &epoch_ms))
            EXPECT_FAIL("accepted: %s", bad[i]);
    }
}
