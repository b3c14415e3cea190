/* A truncated answer never looks complete: cut at every byte, in every way an answer can end. */
#include "client_rig.h"

static const struct {
    const char *head, *body; /* as on the wire */
    bool until_eof;
} recorded[] = {
    {OK_HEAD(12), "data: [DONE]", false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "8\r\ndata: 1\n\r\n4;a=b\r\ndata\r\n0\r\nX-T: 1\r\n\r\n", false},
    {"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", "data: 1\n\ndata: [DONE]\n\n",
     true},
};

enum cut { CUT_FIN, CUT_RST };

static enum err expected_error(unsigned i, size_t at, enum cut how)
{
    size_t head = strlen(recorded[i].head), whole = head + strlen(recorded[i].body);
    bool until_eof = recorded[i].until_eof;
    if (at < head)
        return ERR_UPSTREAM_RESET;
    if (until_eof ? how == CUT_FIN && at >= head : at == whole)
        return ERR_NONE;
    return ERR_UPSTREAM_TRUNCATED;
}

static void cut_once(struct rig *r, unsigned line, unsigned i, size_t at, enum cut how)
{
    struct buf bytes;
    struct heard h = {0};
    buf_init(&bytes, 0);
    buf_add_str(&bytes, str_from_c(recorded[i].head));
    buf_add_str(&bytes, str_from_c(recorded[i].body));
    call_post(r, &h, STR("{}"));
    TURN_UNTIL(r, r->provider.count == line + 1 && r->provider.lines[line].got.len > 60);
    struct line *l = &r->provider.lines[line];
    if (at)
        line_say(l, str_first(buf_str(&bytes), at));
    if (how == CUT_FIN) {
        line_close(l);
    } else {
        TURN_UNTIL(r, h.call->bytes_in >= at); /* a reset overtakes what was not read */
        if (call_over(&h))
            line_close(l);
        else
            line_reset(l);
    }
    TURN_UNTIL(r, call_over(&h));
    enum err expected = expected_error(i, at, how);
    if (h.err != expected)
        EXPECT_FAIL("answer %u cut at %zu by %s: %s, not %s", i, at, how ? "RST" : "FIN",
                    err_facts(h.err)->name, err_facts(expected)->name);
    EXPECT_EQ(h.ends, expected == ERR_NONE);
    call_done(&h);
    buf_release(&bytes);
}

static void cut_everywhere(enum cut how)
{
    for (unsigned i = 0; i < ARRAY_LEN(recorded); i++) {
        struct rig r;
        size_t whole = strlen(recorded[i].head) + strlen(recorded[i].body);
        rig_open(&r);
        r.endpoint.pool.max_idle = 0;
        for (size_t at = 0; at <= whole; at++)
            cut_once(&r, (unsigned)at, i, at, how);
        EXPECT_EQ(atomic_load(&client_stats(r.client)->idle), 0);
        rig_close(&r);
    }
}

TEST(an_answer_cut_by_a_fin_is_never_complete)
{
    cut_everywhere(CUT_FIN);
}

TEST(an_answer_cut_by_a_reset_is_never_complete)
{
    cut_everywhere(CUT_RST);
}

TEST(an_answer_that_ends_with_the_connection_is_complete_at_a_fin_and_cut_by_a_reset)
{
    for (unsigned reset = 0; reset < 2; reset++) {
        struct rig r;
        struct heard h = {0};
        rig_open(&r);
        call_post(&r, &h, STR("{}"));
        TURN_UNTIL(&r, r.provider.count == 1 && r.provider.lines[0].got.len > 60);
        line_say(&r.provider.lines[0], STR("HTTP/1.1 200 OK\r\n\r\nhello"));
        TURN_UNTIL(&r, h.body.len == 5);
        if (reset)
            line_reset(&r.provider.lines[0]);
        else
            line_close(&r.provider.lines[0]);
        TURN_UNTIL(&r, call_over(&h));
        EXPECT_EQ(h.err, reset ? ERR_UPSTREAM_TRUNCATED : ERR_NONE);
        call_done(&h);
        rig_close(&r);
    }
}
