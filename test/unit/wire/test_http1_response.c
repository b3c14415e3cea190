/* Answers of providers: what is read, how their bodies end, and what is refused. */
#include "http1_helper.h"

TEST(answer_with_a_length_is_read)
{
    EXPECT_STR(http1_response(STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), METHOD_GET),
               "HEAD 200 'OK' length=2\nBODY hi\nEND\nEOF EOF\n");
}

TEST(chunked_answer_is_read)
{
    EXPECT_STR(http1_response(STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "8\r\ndata: 1\n\r\n1\r\n\n\r\n0\r\nx: y\r\n\r\n"),
                              METHOD_POST),
               "HEAD 200 'OK' chunked\nBODY data: 1\n\n\nEND\nEOF EOF\n");
}

TEST(answer_without_framing_ends_with_the_connection)
{
    EXPECT_STR(http1_response(STR("HTTP/1.1 200 OK\r\nx: y\r\n\r\nall of it"), METHOD_GET),
               "HEAD 200 'OK' close\nBODY all of it\nEOF complete\n");
    EXPECT_STR(
        http1_response(STR("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nx"), METHOD_GET),
        "HEAD 200 'OK' close\nBODY x\nEOF complete\n");
    EXPECT_STR(http1_response(STR("HTTP/1.1 200 OK\r\n\r\n"), METHOD_GET),
               "HEAD 200 'OK' close\nEOF complete\n");
}

TEST(some_answers_have_no_body_whatever_their_fields_say)
{
    EXPECT_STR(http1_response(STR("HTTP/1.1 204 No Content\r\n\r\n"), METHOD_GET),
               "HEAD 204 'No Content' no-body\nEND\nEOF EOF\n");
    EXPECT_STR(
        http1_response(STR("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), METHOD_GET),
        "HEAD 304 'Not Modified' length=5 no-body\nEND\nEOF EOF\n");
    EXPECT_STR(http1_response(STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), METHOD_HEAD),
               "HEAD 200 'OK' length=5 no-body\nEND\nEOF EOF\n");
    EXPECT_STR(
        http1_response(STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), METHOD_HEAD),
        "HEAD 200 'OK' chunked no-body\nEND\nEOF EOF\n");
}

TEST(missing_reason_is_fine)
{
    EXPECT_STR(http1_response(STR("HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n"), METHOD_GET),
               "HEAD 503 '' length=0\nEND\nEOF EOF\n");
    EXPECT_STR(http1_response(STR("HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n"), METHOD_GET),
               "HEAD 503 '' length=0\nEND\nEOF EOF\n");
}

TEST(interim_answers_are_skipped)
{
    EXPECT_STR(http1_response(STR("HTTP/1.1 100 Continue\r\n\r\n"
                                  "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                                  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
                              METHOD_POST),
               "HEAD 200 'OK' length=1\nBODY x\nEND\nEOF EOF\n");
}

#define INTERIM "HTTP/1.1 102 Processing\r\n\r\n"
#define FOUR INTERIM INTERIM INTERIM INTERIM

TEST(eight_interim_answers_pass_and_nine_do_not)
{
    EXPECT_STR(http1_response(STR(FOUR FOUR "HTTP/1.1 204 No Content\r\n\r\n"), METHOD_POST),
               "HEAD 204 'No Content' no-body\nEND\nEOF EOF\n");
    EXPECT_STR(http1_response(STR(FOUR FOUR INTERIM), METHOD_POST),
               "ERROR UPSTREAM_MALFORMED: too many interim answers\n");
}

TEST(answers_follow_each_other_on_one_connection)
{
    static const enum method asked[] = {METHOD_HEAD, METHOD_POST, METHOD_GET};
    EXPECT_STR(http1_responses(STR("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                                   "HTTP/1.1 100 Continue\r\n\r\n"
                                   "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nab"
                                   "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nc"),
                               asked, 3),
               "HEAD 200 'OK' length=9 no-body\nEND\n"
               "HEAD 201 'Created' length=2\nBODY ab\nEND\n"
               "HEAD 200 'OK' length=1 close\nBODY c\nEND\nEOF EOF\n");
}

TEST(connection_close_is_heard)
{
    EXPECT_STR(
        http1_response(STR("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
                       METHOD_GET),
        "HEAD 200 'OK' length=0 close\nEND\nEOF EOF\n");
}

TEST(end_inside_an_answer_is_told)
{
    EXPECT_STR(http1_response(STR(""), METHOD_GET), "EOF UPSTREAM_RESET\n");
    EXPECT_STR(http1_response(STR("HTTP/1.1 2"), METHOD_GET), "EOF UPSTREAM_TRUNCATED\n");
    EXPECT_STR(http1_response(STR("HTTP/1.1 100 Continue\r\n\r\n"), METHOD_GET),
               "EOF UPSTREAM_TRUNCATED\n");
    EXPECT_STR(http1_response(STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"), METHOD_GET),
               "HEAD 200 'OK' length=3\nBODY ab\nEOF UPSTREAM_TRUNCATED\n");
    EXPECT_STR(http1_response(STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "2\r\nab\r\n0\r\n"),
                              METHOD_GET),
               "HEAD 200 'OK' chunked\nBODY ab\nEOF UPSTREAM_TRUNCATED\n");
}

TEST(every_cut_of_a_chunked_answer_is_truncated_but_the_last)
{
    static const enum method asked[] = {METHOD_GET};
    str all = STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    for (size_t len = 1; len <= all.len; len++) {
        struct http1_transcript t;
        http1_transcript_init(&t, HTTP1_RESPONSES, NULL, asked, 1);
        http1_transcript_run(&t, str_first(all, len), all.len, 0);
        EXPECT_EQ(http1_eof(&t.parser), len == all.len ? ERR_EOF : ERR_UPSTREAM_TRUNCATED);
        http1_transcript_release(&t);
    }
}

TEST(bytes_behind_an_answer_are_seen_and_never_the_next_one)
{
    EXPECT_STR(http1_response(STR("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK"),
                              METHOD_GET),
               "HEAD 200 'OK' length=1\nBODY x\nEND\n"
               "ERROR UPSTREAM_MALFORMED: bytes that answer no request\n");
    EXPECT_STR(http1_responses(STR("HTTP/1.1 200 OK\r\n\r\n"), NULL, 0),
               "ERROR UPSTREAM_MALFORMED: bytes that answer no request\n");
}

#define REFUSED(name, text)                                                                        \
    TEST(name)                                                                                     \
    {                                                                                              \
        EXPECT_CONTAINS(http1_response(STR(text), METHOD_GET), "ERROR UPSTREAM_MALFORMED:");       \
    }

REFUSED(answer_with_length_and_transfer_encoding_is_refused,
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
REFUSED(answer_with_two_lengths_is_refused,
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx")
REFUSED(answer_with_a_bad_length_is_refused, "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nx")
REFUSED(answer_with_another_coding_is_refused,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n")
REFUSED(answer_with_identity_coding_is_refused,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n")
REFUSED(answer_with_chunks_in_1_0_is_refused,
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
REFUSED(answer_with_bare_lf_is_refused, "HTTP/1.1 200 OK\nContent-Length: 0\n\n")
REFUSED(answer_with_a_bare_lf_in_a_value_is_refused, "HTTP/1.1 200 OK\r\nx: a\nb: c\r\n\r\n")
REFUSED(answer_with_a_folded_header_is_refused, "HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n")
REFUSED(answer_with_a_space_before_the_colon_is_refused, "HTTP/1.1 200 OK\r\nx : a\r\n\r\n")
REFUSED(answer_with_a_nul_is_refused, "HTTP/1.1 200 OK\r\nx: \0\r\n\r\n")
REFUSED(answer_with_an_empty_name_is_refused, "HTTP/1.1 200 OK\r\n: a\r\n\r\n")
REFUSED(empty_line_before_an_answer_is_refused, "\r\nHTTP/1.1 200 OK\r\n\r\n")
REFUSED(answer_of_http_2_is_refused, "HTTP/2 200 OK\r\n\r\n")
REFUSED(answer_of_http_1_2_is_refused, "HTTP/1.2 200 OK\r\n\r\n")
REFUSED(answer_with_two_digits_of_status_is_refused, "HTTP/1.1 20 OK\r\n\r\n")
REFUSED(answer_with_four_digits_of_status_is_refused, "HTTP/1.1 2000 OK\r\n\r\n")
REFUSED(answer_with_status_0_is_refused, "HTTP/1.1 000 OK\r\n\r\n")
REFUSED(answer_with_status_600_is_refused, "HTTP/1.1 600 OK\r\n\r\n")
REFUSED(answer_with_a_tab_behind_the_version_is_refused, "HTTP/1.1\t200 OK\r\n\r\n")
REFUSED(answer_without_a_status_line_is_refused, "hello\r\n\r\n")
REFUSED(html_without_a_head_is_refused, "<html>\n")
REFUSED(protocol_switch_is_refused,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
REFUSED(bad_chunk_in_an_answer_is_refused,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
