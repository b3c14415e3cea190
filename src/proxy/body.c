#include "proxy/body.h"

#include "proxy/attempt.h"

static bool is_gathering(const struct request *r)
{
    return r->state == REQUEST_PREPARING;
}

/* Most requests are one small piece: keep it where it was read. */
static bool keep_in_place(struct request *r, struct slice bytes)
{
    const struct request_head *head = r->ex->head;
    if (!bytes.chunk || r->body.len || r->body_whole.len ||
        head->content_length != (int64_t)bytes.len)
        return false;
    chunk_ref(bytes.chunk);
    r->body_whole = bytes;
    return true;
}

static void gather_json(struct request *r, struct slice bytes)
{
    const struct request_head *head = r->ex->head;
    uint64_t max = r->conf->server.max_body;
    if (keep_in_place(r, bytes))
        return;
    if (max && r->body.len + bytes.len > max) {
        request_fail(r, ERR_BODY_TOO_LARGE, STR("The body exceeds server.max_body."), STR_NULL);
        return;
    }
    if (!r->body.cap && head->content_length > 0)
        buf_reserve(&r->body, (size_t)head->content_length);
    buf_add(&r->body, bytes.ptr, bytes.len);
    if (r->body.failed)
        request_fail(r, ERR_NO_MEMORY, STR("No memory for the body."), STR_NULL);
}

static void gather_form(struct request *r, struct slice bytes)
{
    buf_add(&r->body, bytes.ptr, bytes.len);
    if (r->body.failed) {
        request_fail(r, ERR_NO_MEMORY, STR("No memory for the body."), STR_NULL);
        return;
    }
    r->form_step = multipart_feed(r->form, str_make(bytes.ptr, bytes.len));
    if (r->form_step != MULTIPART_NEED_MORE)
        request_run(r);
}

static void stream_on(struct request *r, struct slice bytes)
{
    uint64_t max = r->conf->server.max_upload;
    r->body_streamed += bytes.len;
    if (max && r->body.len + r->body_streamed > max) {
        request_cancel(r, ERR_BODY_TOO_LARGE);
        return;
    }
    /* A field that we decided by and that comes again: what we read is not what they read. */
    if (r->form && multipart_feed(r->form, str_make(bytes.ptr, bytes.len)) == MULTIPART_ERROR) {
        request_cancel(r, ERR_FIELD_DUPLICATE);
        return;
    }
    attempt_upload(r, &bytes, 1, false);
}

void body_on_data(void *arg, struct slice bytes)
{
    struct request *r = arg;
    if (is_gathering(r) && r->form)
        gather_form(r, bytes);
    else if (is_gathering(r))
        gather_json(r, bytes);
    else if (r->attempt)
        stream_on(r, bytes);
}

void body_on_end(void *arg)
{
    struct request *r = arg;
    r->body_complete = true;
    if (r->form && !multipart_end(r->form) && !is_gathering(r)) {
        request_cancel(r, ERR_FORM_INVALID);
        return;
    }
    if (!is_gathering(r)) {
        if (r->attempt)
            attempt_upload(r, NULL, 0, true);
        return;
    }
    r->body_ready_us = loop_clock_us();
    if (r->body_waited)
        request_run(r);
}

void body_gather(struct request *r)
{
    r->body_waited = true;
    body_flow(r, true);
}

str body_gathered(const struct request *r)
{
    return r->body_whole.len ? str_make(r->body_whole.ptr, r->body_whole.len) : buf_str(&r->body);
}

void body_flow(struct request *r, bool more)
{
    if (r->body_flowing == more)
        return;
    r->body_flowing = more;
    exchange_body(r->ex, more);
}

void body_release(struct request *r)
{
    chunk_unref(r->body_whole.chunk);
    r->body_whole = (struct slice){0};
    buf_release(&r->body);
    if (r->form)
        multipart_reader_release(r->form);
    r->form = NULL;
    r->body_text = STR_NULL;
}
