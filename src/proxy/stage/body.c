/*
 * Waits for what must be known of the body before a target can be chosen: all of a JSON body (decoded
 * when it is compressed), the beginning of a form, nothing of anything else.
 */
#include "proxy/body.h"
#include "proxy/stage.h"
#include "wire/decompress.h"

enum { FORM_PREFIX_MAX = MULTIPART_LIMIT_DEFAULT };

static bool is_json_type(str type)
{
    ptrdiff_t end = str_find_byte(type, ';');
    type = str_trim(end < 0 ? type : str_first(type, (size_t)end));
    return type.len == 0 || str_ieq(type, STR("application/json")) ||
           str_ieq(type, STR("text/json")) ||
           (str_istarts(type, STR("application/")) && str_ends(type, STR("+json")));
}

static enum stage_verdict wait_or(struct request *r, enum stage_verdict then)
{
    if (r->body_complete)
        return then;
    body_gather(r);
    return STAGE_WAIT;
}

/* The whole body through the decoder, into the arena. */
static enum err decode(struct request *r, enum coding coding, str *out)
{
    struct decompress_limits limits = {.decoded_max = r->conf->server.max_body};
    struct decompress *d = decompress_new(coding, limits);
    struct buf decoded;
    str in = body_gathered(r);
    enum err err = d ? ERR_NONE : ERR_NO_MEMORY;
    buf_init(&decoded, 0);
    size_t len = CHUNK_SIZE;
    while (!err && (in.len || len == CHUNK_SIZE)) {
        char *room = buf_reserve(&decoded, CHUNK_SIZE);
        err = room ? decompress_step(d, &in, room, CHUNK_SIZE, &len) : ERR_NO_MEMORY;
        if (!err)
            decoded.len += len;
    }
    if (!err)
        err = decompress_finish(d);
    decompress_free(d);
    if (err) {
        buf_release(&decoded);
        return err;
    }
    body_release(r);
    r->body = decoded;
    *out = buf_str(&r->body);
    return ERR_NONE;
}

static enum stage_verdict json_body(struct request *r)
{
    const struct request_head *head = r->ex->head;
    str type = head_known(&head->headers, HEADER_CONTENT_TYPE);
    uint64_t max = r->conf->server.max_body;
    enum coding coding;
    enum err err = coding_from(head_known(&head->headers, HEADER_CONTENT_ENCODING), &coding);
    if (err)
        return stage_refuse(r, err, STR("content-encoding"),
                            "The body's content-encoding is not one of gzip, deflate, br, zstd.");
    if (!is_json_type(type))
        return stage_refuse(
            r, ERR_TYPE_UNSUPPORTED, STR("content-type"),
            "This endpoint takes application/json, not %.*s (curl: add -H 'content-type: "
            "application/json').",
            STR_ARG(str_first(type, 100)));
    if (max && head->content_length > 0 && (uint64_t)head->content_length > max)
        return stage_refuse(r, ERR_BODY_TOO_LARGE, STR_NULL,
                            "The body of %lld bytes exceeds the limit of %llu.",
                            (long long)head->content_length, (unsigned long long)max);
    if (!r->body_complete)
        return wait_or(r, STAGE_NEXT);
    r->body_text = body_gathered(r);
    err = coding == CODING_IDENTITY ? ERR_NONE : decode(r, coding, &r->body_text);
    if (err)
        return stage_refuse(r, err, STR("content-encoding"), "The body could not be decoded: %s",
                            err_facts(err)->help);
    return STAGE_NEXT;
}

static enum stage_verdict form_start(struct request *r, str type)
{
    str boundary;
    if (!multipart_boundary(type, &boundary))
        return stage_refuse(r, ERR_TYPE_UNSUPPORTED, STR("content-type"),
                            "This endpoint takes multipart/form-data with a boundary, not %.*s.",
                            STR_ARG(str_first(type, 100)));
    if (head_known(&r->ex->head->headers, HEADER_CONTENT_ENCODING).len)
        return stage_refuse(r, ERR_TYPE_UNSUPPORTED, STR("content-encoding"),
                            "A multipart body cannot be compressed.");
    r->form = arena_alloc(r->arena, sizeof(*r->form));
    if (!r->form)
        return stage_refuse(r, ERR_NO_MEMORY, STR_NULL, "No memory for the request.");
    multipart_reader_init(r->form, boundary, FORM_PREFIX_MAX);
    multipart_want(r->form, STR("model"), true);
    multipart_want(r->form, STR("stream"), false);
    return STAGE_NEXT;
}

static enum stage_verdict form_body(struct request *r)
{
    if (!r->form) {
        enum stage_verdict v =
            form_start(r, head_known(&r->ex->head->headers, HEADER_CONTENT_TYPE));
        if (v != STAGE_NEXT)
            return v;
    }
    bool cut = r->body_complete && !multipart_end(r->form);
    if (cut || r->form_step == MULTIPART_ERROR)
        return stage_refuse(r, ERR_FORM_INVALID, STR_NULL, "The form is not readable: %s.",
                            r->form->reason);
    if (r->form_step == MULTIPART_NEED_MORE)
        return wait_or(r, STAGE_NEXT);
    body_flow(r, false); /* until there is somebody to take it */
    return STAGE_NEXT;
}

enum stage_verdict stage_body(struct request *r)
{
    enum stage_verdict v = STAGE_NEXT;
    switch (endpoint_facts(r->kind)->body) {
    case ENDPOINT_BODY_JSON:
        v = json_body(r);
        break;
    case ENDPOINT_BODY_FORM:
        v = form_body(r);
        break;
    case ENDPOINT_BODY_RAW:
    case ENDPOINT_BODY_NONE:
        break;
    }
    if (v == STAGE_NEXT)
        r->body_ready_us = loop_clock_us();
    return v;
}
