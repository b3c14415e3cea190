/*
 * Dates as text.  The time is always an argument: seconds or milliseconds since 1970, UTC.  Years
 * 1970 to 9999.
 */
#ifndef WIRE_DATE_H
#define WIRE_DATE_H

#include "base/check.h"
#include "base/str.h"

enum {
    DATE_HTTP_LEN = 29,    /* Sun, 06 Nov 1994 08:49:37 GMT */
    DATE_RFC3339_LEN = 24, /* 1994-11-06T08:49:37.123Z */
};

/* Not terminated; the str points at `out`.  A time outside the years is clamped. */
str date_http(char out[static DATE_HTTP_LEN], int64_t epoch_s);
str date_rfc3339(char out[static DATE_RFC3339_LEN], int64_t epoch_ms);

/* IMF-fixdate, and the two obsolete forms (RFC 9110 section 5.6.7).  now_s settles the century of a
 * two-digit year.  False: not a date. */
bool date_http_parse(str text, int64_t now_s, int64_t *epoch_s) must_check;

/* 2026-03-01T12:30:05[.123456](Z|+hh:mm), for limits' reset times.  False: not a date. */
bool date_rfc3339_parse(str text, int64_t *epoch_ms) must_check;

#endif
