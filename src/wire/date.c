#include "wire/date.h"

/* Days from 1970-01-01 and back, in the proleptic Gregorian calendar, by years that begin in March
 * so that the leap day is the last one. */
static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + (int64_t)of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct civil {
    int year;
    unsigned month, day, hour, minute, second; /* month 1..12 */
    unsigned weekday;                          /* 0: Sunday */
};

static const int64_t LAST_SECOND = 253402300799; /* 9999-12-31T23:59:59Z */

static struct civil civil_from(int64_t epoch_s)
{
    epoch_s = epoch_s < 0 ? 0 : epoch_s > LAST_SECOND ? LAST_SECOND : epoch_s;
    int64_t days = epoch_s / 86400;
    unsigned rest = (unsigned)(epoch_s % 86400);

    unsigned z = (unsigned)days + 719468;
    unsigned era = z / 146097, of_era = z % 146097;
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * of_year + 2) / 153;
    unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
    return (struct civil){
        .year = (int)(year_of_era + era * 400) + (month <= 2),
        .month = month,
        .day = of_year - (153 * shifted + 2) / 5 + 1,
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
        .weekday = (unsigned)((days + 4) % 7),
    };
}

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekday_names[] = "SunMonTueWedThuFriSat";

static char *put(char *to, const char *text, size_t len)
{
    memcpy(to, text, len);
    return to + len;
}

static char *put_number(char *to, unsigned value, unsigned digits)
{
    for (unsigned i = digits; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + digits;
}

static char *put_time(char *to, const struct civil *t)
{
    to = put_number(to, t->hour, 2);
    *to++ = ':';
    to = put_number(to, t->minute, 2);
    *to++ = ':';
    return put_number(to, t->second, 2);
}

str date_http(char out[static DATE_HTTP_LEN], int64_t epoch_s)
{
    struct civil t = civil_from(epoch_s);
    char *to = put(out, weekday_names + (size_t)t.weekday * 3, 3);
    to = put(to, ", ", 2);
    to = put_number(to, t.day, 2);
    *to++ = ' ';
    to = put(to, month_names + (size_t)(t.month - 1) * 3, 3);
    *to++ = ' ';
    to = put_number(to, (unsigned)t.year, 4);
    *to++ = ' ';
    to = put_time(to, &t);
    put(to, " GMT", 4);
    return str_make(out, DATE_HTTP_LEN);
}

str date_rfc3339(char out[static DATE_RFC3339_LEN], int64_t epoch_ms)
{
    int64_t clamped = epoch_ms < 0 ? 0 : epoch_ms;
    struct civil t = civil_from(clamped / 1000);
    char *to = put_number(out, (unsigned)t.year, 4);
    *to++ = '-';
    to = put_number(to, t.month, 2);
    *to++ = '-';
    to = put_number(to, t.day, 2);
    *to++ = 'T';
    to = put_time(to, &t);
    *to++ = '.';
    to = put_number(to, (unsigned)(clamped % 1000), 3);
    *to = 'Z';
    return str_make(out, DATE_RFC3339_LEN);
}

/* ---- Reading: a cursor that fails once and for all ---- */

struct reader {
    str rest;
    bool bad;
};

static unsigned number(struct reader *r, unsigned digits)
{
    uint64_t value = 0;
    if (r->rest.len < digits || !str_to_u64(str_first(r->rest, digits), &value))
        r->bad = true;
    r->rest = str_from(r->rest, digits);
    return (unsigned)value;
}

static void literal(struct reader *r, str text)
{
    if (!str_starts(r->rest, text))
        r->bad = true;
    r->rest = str_from(r->rest, text.len);
}

/* 1..12 */
static unsigned month(struct reader *r)
{
    for (unsigned i = 0; i < 12; i++) {
        if (str_starts(r->rest, str_make(month_names + (size_t)i * 3, 3))) {
            r->rest = str_from(r->rest, 3);
            return i + 1;
        }
    }
    r->bad = true;
    return 1;
}

static void read_time(struct reader *r, struct civil *t)
{
    t->hour = number(r, 2);
    literal(r, STR(":"));
    t->minute = number(r, 2);
    literal(r, STR(":"));
    t->second = number(r, 2);
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool to_epoch(const struct reader *r, const struct civil *t, int64_t *epoch_s)
{
    static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (r->bad || t->year < 1970 || t->month < 1 || t->month > 12 || t->day < 1 || t->hour > 23 ||
        t->minute > 59 || t->second > 60) /* 60: a leap second */
        return false;
    unsigned last = month_days[t->month - 1] + (t->month == 2 && is_leap(t->year));
    if (t->day > last)
        return false;
    *epoch_s = days_from_civil(t->year, t->month, t->day) * 86400 + (int64_t)t->hour * 3600 +
               (int64_t)t->minute * 60 + (int64_t)t->second;
    return true;
}

/* 06 Nov 1994 08:49:37 GMT, after the weekday. */
static void read_imf(struct reader *r, struct civil *t)
{
    t->day = number(r, 2);
    literal(r, STR(" "));
    t->month = month(r);
    literal(r, STR(" "));
    t->year = (int)number(r, 4);
    literal(r, STR(" "));
    read_time(r, t);
    literal(r, STR(" GMT"));
}

/* 06-Nov-94 08:49:37 GMT: a year that seems more than 50 years ahead is in the past. */
static void read_rfc850(struct reader *r, int64_t now_s, struct civil *t)
{
    t->day = number(r, 2);
    literal(r, STR("-"));
    t->month = month(r);
    literal(r, STR("-"));
    int now_year = civil_from(now_s).year;
    t->year = (int)number(r, 2) + now_year / 100 * 100;
    if (t->year > now_year + 50)
        t->year -= 100;
    literal(r, STR(" "));
    read_time(r, t);
    literal(r, STR(" GMT"));
}

/* Nov  6 08:49:37 1994 */
static void read_asctime(struct reader *r, struct civil *t)
{
    t->month = month(r);
    literal(r, STR(" "));
    if (str_starts(r->rest, STR(" "))) {
        literal(r, STR(" "));
        t->day = number(r, 1);
    } else {
        t->day = number(r, 2);
    }
    literal(r, STR(" "));
    read_time(r, t);
    literal(r, STR(" "));
    t->year = (int)number(r, 4);
}

bool date_http_parse(str text, int64_t now_s, int64_t *epoch_s)
{
    struct reader r = {.rest = text};
    struct civil t = {0};
    ptrdiff_t comma = str_find_byte(text, ',');
    if (comma == 3) {
        r.rest = str_from(text, 4);
        literal(&r, STR(" "));
        read_imf(&r, &t);
    } else if (comma > 3) {
        r.rest = str_from(text, (size_t)comma + 1);
        literal(&r, STR(" "));
        read_rfc850(&r, now_s, &t);
    } else {
        r.rest = str_from(text, 3);
        literal(&r, STR(" "));
        read_asctime(&r, &t);
    }
    return r.rest.len == 0 && to_epoch(&r, &t, epoch_s);
}

/* .123456: what comes after the milliseconds is dropped. */
static unsigned read_fraction_ms(struct reader *r)
{
    unsigned ms = 0, digits = 0;
    if (!str_starts(r->rest, STR(".")))
        return 0;
    literal(r, STR("."));
    while (r->rest.len && r->rest.ptr[0] >= '0' && r->rest.ptr[0] <= '9') {
        unsigned digit = number(r, 1);
        if (digits++ < 3)
            ms = ms * 10 + digit;
    }
    if (digits == 0)
        r->bad = true;
    for (; digits < 3; digits++)
        ms *= 10;
    return ms;
}

static int64_t read_offset_s(struct reader *r)
{
    if (str_istarts(r->rest, STR("z"))) {
        r->rest = str_from(r->rest, 1);
        return 0;
    }
    int sign = str_starts(r->rest, STR("-")) ? -1 : 1;
    literal(r, sign < 0 ? STR("-") : STR("+"));
    unsigned hours = number(r, 2);
    literal(r, STR(":"));
    unsigned minutes = number(r, 2);
    if (hours > 23 || minutes > 59)
        r->bad = true;
    return sign * ((int64_t)hours * 3600 + (int64_t)minutes * 60);
}

bool date_rfc3339_parse(str text, int64_t *epoch_ms)
{
    struct reader r = {.rest = text};
    struct civil t = {0};
    t.year = (int)number(&r, 4);
    literal(&r, STR("-"));
    t.month = number(&r, 2);
    literal(&r, STR("-"));
    t.day = number(&r, 2);
    if (str_starts(r.rest, STR("t")) || str_starts(r.rest, STR(" ")))
        r.rest = str_from(r.rest, 1);
    else
        literal(&r, STR("T"));
    read_time(&r, &t);
    unsigned ms = read_fraction_ms(&r);
    int64_t offset_s = read_offset_s(&r);
    int64_t epoch_s;
    if (r.rest.len || !to_epoch(&r, &t, &epoch_s))
        return false;
    *epoch_ms = (epoch_s - offset_s) * 1000 + ms;
    return true;
}
