/* A finished request's figures into metrics.  One per worker; its thread only. */
#ifndef OPS_REQUEST_METRICS_H
#define OPS_REQUEST_METRICS_H

#include "proxy/record.h"

struct request_metrics;

struct request_metrics *request_metrics_new(void); /* NULL: out of memory */
void request_metrics_free(struct request_metrics *m);

void request_metrics_count(struct request_metrics *m, const struct request_record *r);

#endif
