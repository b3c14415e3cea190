/*
 * A provider's whole answer, any bytes, through the whole proxy: once in one read and once in many.
 * The first byte chooses the endpoint, the content type and how the answer ends, the second how it is
 * cut.  However it is cut, the client sees an end, nothing that the provider did not send but our
 * failure, and no [DONE] behind it.
 */
#include "base/random.h"
#include "support/fake_gateway.h"

static struct fake_gateway gateway;

static const char yaml[] = "server: {max_event: 64KiB, stream_buffer: 16KiB}\n"
                           "providers: {p: {type: vllm, base_url: 'http://p.test/v1'}}\n"
                           "defaults: {retry: {total: 1}}\n";

static struct fake_exchange *ask(unsigned choice)
{
#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}"
    static const char usage[] =
        "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true}," MESSAGES;
    static const char plain[] = "{\"model\":\"m\",\"stream\":true," MESSAGES;
#undef MESSAGES
    static const char *const bodies[] = {plain, usage,
                                         "{\"model\":\"m\",\"stream\":true,\"input\":\"\"}",
                                         "{\"model\":\"m\",\"input\":\"\"}"};
    static const char *const paths[] = {"/v1/chat/completions", "/v1/chat/completions",
                                        "/v1/responses", "/v1/embeddings"};
    return fake_gateway_post(&gateway, paths[choice % 4], bodies[choice % 4]);
}

static str type_of(unsigned choice)
{
    static const str heads[] = {
        STR_INIT("HTTP/1.1 200 OK\ncontent-type: text/event-stream\n"),
        STR_INIT("HTTP/1.1 200 OK\ncontent-type: application/json\n"),
        STR_INIT("HTTP/1.1 200 OK\ncontent-type: audio/mpeg\n"),
        STR_INIT("HTTP/1.1 429 Slow\ncontent-type: application/json\nretry-after: 1\n"),
    };
    return choice % 8 < 5 ? heads[0] : heads[choice % 8 - 4];
}

static void answer(struct fake_call *c, unsigned choice, uint64_t cuts, str body)
{
    uint64_t random = cuts;
    fake_call_head(c, type_of(choice >> 2));
    while (body.len) {
        str piece = str_first(body, cuts ? 1 + random_next(&random) % (cuts * 4) : body.len);
        body = str_from(body, piece.len);
        fake_call_body(c, piece);
        fake_gateway_settle(&gateway);
    }
    if (choice & 0x20)
        fake_call_error(c, ERR_UPSTREAM_TRUNCATED);
    else if (!(choice & 0x40)) /* else it just falls silent */
        fake_call_end(c);
    fake_gateway_settle(&gateway);
    fake_loop_advance_ms(gateway.loop, 700000);
}

/* The client's bytes come in the provider's order: each is found behind the one before. */
static bool is_subsequence(str seen, str sent)
{
    size_t at = 0;
    for (size_t i = 0; i < seen.len; i++, at++) {
        while (at < sent.len && sent.ptr[at] != seen.ptr[i])
            at++;
        if (at == sent.len)
            return false;
    }
    return true;
}

/* Whether seen is some of what was sent, and then our failure, with nothing complete behind it. */
static bool ends_in_failure(str seen, str sent)
{
    static const str signs[] = {STR_INIT("data: {\"error\":{\"message\":\""),
                                STR_INIT("event: error\ndata: {\"type\":\"error\",\"code\":\"")};
    for (size_t from = seen.len; from-- > 0;) {
        str failure = str_from(seen, from);
        bool begins = str_starts(failure, signs[0]) || str_starts(failure, signs[1]);
        if (begins && is_subsequence(str_first(seen, from), sent))
            return str_find(failure, STR("\ndata: [DONE]")) < 0;
    }
    return false;
}

static void check_stream(const struct fake_exchange *x, str sent)
{
    str seen = buf_str(&x->body);
    if (str_find(seen, STR(": keepalive\n\n")) >= 0)
        return; /* ours, too */
    CHECK(is_subsequence(seen, sent) || ends_in_failure(seen, sent));
}

static void run(unsigned choice, uint64_t cuts, str body)
{
    fake_gateway_open(&gateway, yaml);
    struct fake_exchange *x = ask(choice);
    answer(fake_gateway_call(&gateway, 0), choice, cuts, body);
    CHECK(x->released && (x->ended || x->aborted));
    CHECK(gateway.caller.count == 1);
    CHECK(x->head.status == 200 || x->head.status == 429 || x->head.status >= 500 ||
          x->head.status == 400 || x->head.status == 404);
    if (x->head.status == 200 && choice % 4 < 3 && body.len < 2000)
        check_stream(x, body);
    fake_gateway_close(&gateway);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    str body = str_make((const char *)data + 2, size - 2);
    run(data[0], 0, body);
    run(data[0], 1 + data[1], body);
    return 0;
}
