/*
 * The access log: one line for each finished request, JSON or text.  Never prompts, answers or
 * secrets.  One per worker; its thread only.
 */
#ifndef OPS_ACCESS_LOG_H
#define OPS_ACCESS_LOG_H

#include "base/buf.h"
#include "base/log.h"
#include "proxy/record.h"

struct access_log;

/* f is borrowed.  NULL: out of memory. */
struct access_log *access_log_new(struct log_file *f, bool json);
void access_log_free(struct access_log *l); /* NULL is fine */

void access_log_write(struct access_log *l, const struct request_record *r);

/* Only the line, with its newline. */
void access_log_json(struct buf *out, const struct request_record *r);
void access_log_text(struct buf *out, const struct request_record *r);

#endif
