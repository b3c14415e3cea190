/*
 * Metrics: one of the five places where threads meet.
 *
 * A series is a metric with its labels' values; it has cells (one for a counter or gauge, one per
 * bucket and two more for a histogram), and every thread has a cell of its own for each, which only
 * it writes.  A scrape sums them.  So counting is an addition to memory that no other thread writes;
 * finding a series by its labels takes a lock, and callers keep what they found.
 *
 * Cardinality is bounded: past METRIC_SERIES_MAX series of one metric, label values become "other".
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stdint.h>

#include "base/buf.h"

enum metric_id {
#define METRIC(id, ...) METRIC_##id,
#include "base/metric.def"
#undef METRIC
    METRIC_COUNT
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum { METRIC_SERIES_MAX = 2000, METRIC_LABELS_MAX = 5 };

struct metric_facts {
    const char *name, *help; /* name without prefix */
    enum metric_type type;
    const char *labels[METRIC_LABELS_MAX + 1]; /* ends with NULL */
};
const struct metric_facts *metric_facts(enum metric_id id);
const char *metric_prefix(enum metric_id id); /* "llm_gateway_", or "" */

/* A series; 0 is none, and counting it does nothing. */
typedef uint32_t metric_series;

/* Finds or makes it; values: one per label, borrowed.  Any thread.  Slow: keep it. */
metric_series metric_find(enum metric_id id, const str *values);

/* On this thread's cells. */
void metric_add(metric_series s, uint64_t n);
void metric_observe_us(metric_series s, uint64_t us); /* histograms */

/* What is known elsewhere and only shown here: sets this thread's cell.  One thread per series. */
void metric_set(metric_series s, uint64_t value);

/* Unlabelled series, found once. */
metric_series metric_plain(enum metric_id id);

enum metric_format { METRIC_PROMETHEUS, METRIC_OPENMETRICS };

/* Appends all series in the text format.  Any thread. */
void metric_write(enum metric_format format, struct buf *out);

#endif
