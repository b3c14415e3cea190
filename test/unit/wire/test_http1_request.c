/* Requests: what is read, and each shape that is refused.  Everything is fed whole, in every cut
 * into two, and byte by byte (http1_helper). */
#include "http1_helper.h"

TEST(simple_get_is_read)
{
    EXPECT_STR(http1_requests(STR("GET /v1/models?limit=3 HTTP/1.1\r\nHost: example.com\r\n\r\n")),
               "HEAD GET /v1/models http/1.1 host=example.com query=limit=3\nEND\nEOF EOF\n");
}

TEST(body_by_content_length_is_read)
{
    EXPECT_STR(
        http1_requests(STR("POST /x HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello")),
        "HEAD POST /x http/1.1 host=a:80 length=5\nBODY hello\nEND\nEOF EOF\n");
}

TEST(chunked_body_with_extension_and_trailer_is_read)
{
    EXPECT_STR(
        http1_requests(STR("POST /x HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                           "5;name=\"value\"\r\nhello\r\n"
                           "1\r\n \r\n"
                           "0000a\r\n0123456789\r\n"
                           "0\r\nx-checksum: 1\r\nother:\r\n\r\n")),
        "HEAD POST /x http/1.1 host=a chunked\nBODY hello 0123456789\nEND\nEOF EOF\n");
}

TEST(pipelined_requests_come_one_after_the_other)
{
    EXPECT_STR(
        http1_requests(STR("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                           "\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                           "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "2\r\nde\r\n0\r\n\r\n"
                           "DELETE /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")),
        "HEAD POST /1 http/1.1 host=a length=3\nBODY abc\nEND\n"
        "HEAD GET /2 http/1.1 host=a\nEND\n"
        "HEAD POST /3 http/1.1 host=a chunked\nBODY de\nEND\n"
        "HEAD DELETE /4 http/1.1 host=a close\nEND\nEOF EOF\n");
}

TEST(caller_keeps_the_rest_when_it_stops_after_end)
{
    struct http1_parser p;
    struct arena arena;
    struct http1_out out;
    str bytes = STR("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    arena_init(&arena, 0);
    http1_parser_init(&p, HTTP1_REQUESTS, NULL);
    EXPECT(http1_is_idle(&p));
    EXPECT_EQ(http1_step(&p, &bytes, &arena, &out), HTTP1_HEAD);
    EXPECT(!http1_is_idle(&p));
    EXPECT_EQ(http1_step(&p, &bytes, &arena, &out), HTTP1_END);
    EXPECT(http1_is_idle(&p));
    EXPECT_STR(bytes, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    http1_parser_release(&p);
    arena_release(&arena);
}

TEST(head_is_complete_in_the_arena_with_lower_case_names)
{
    struct http1_parser p;
    struct arena arena;
    struct http1_out out;
    str bytes = STR("POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-API-Key:\t key one \t\r\n"
                    "X-Odd_Name: \r\nAuthorization: Bearer x\r\nx-odd_name: caf\xc3\xa9\r\n"
                    "Content-Length: 0\r\n\r\n");
    arena_init(&arena, 0);
    http1_parser_init(&p, HTTP1_REQUESTS, NULL);
    EXPECT_EQ(http1_step(&p, &bytes, &arena, &out), HTTP1_HEAD);
    const struct request_head *r = out.request;
    EXPECT_EQ(r->method, METHOD_POST);
    EXPECT_EQ(r->headers.count, 6);
    EXPECT_STR(head_known(&r->headers, HEADER_X_API_KEY), "key one");
    EXPECT_STR(head_get(&r->headers, STR("X-Api-Key")), "key one");
    EXPECT_STR(head_get(&r->headers, STR("x-ODD_name")), "");
    EXPECT_EQ(head_count(&r->headers, STR("X-Odd_Name")), 2);
    EXPECT_STR(r->headers.list[2].name, "x-odd_name");
    EXPECT_STR(r->headers.list[4].value, "caf\xc3\xa9");
    EXPECT(str_is_null(head_known(&r->headers, HEADER_COOKIE)));
    EXPECT(str_is_null(head_get(&r->headers, STR("x-nothing"))));
    EXPECT(str_is_null(r->scheme));
    EXPECT(!request_has_body(r));
    EXPECT_EQ(http1_step(&p, &bytes, &arena, &out), HTTP1_END);
    http1_parser_release(&p);
    arena_release(&arena);
}

TEST(names_of_headers_are_tokens_only)
{
    for (int byte = 1; byte < 256; byte++) {
        char text[] = "GET / HTTP/1.1\r\nHost: a\r\nx?y: z\r\n\r\n";
        *strchr(text, '?') = (char)byte;
        const char name[] = {(char)byte};
        /* A colon ends the name, it is not in it. */
        bool fine = byte == ':' || header_name_valid(str_make(name, 1));
        struct http1_transcript t;
        http1_transcript_init(&t, HTTP1_REQUESTS, NULL, NULL, 0);
        http1_transcript_run(&t, str_from_c(text), sizeof(text), 0);
        EXPECT_EQ(t.parser.err == ERR_NONE, fine);
        http1_transcript_release(&t);
    }
}

TEST(method_without_a_number_keeps_its_text)
{
    EXPECT_STR(http1_requests(STR("PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n")),
               "HEAD PROPFIND / http/1.1 host=a\nEND\nEOF EOF\n");
}

TEST(http_1_0_closes_unless_it_asks)
{
    EXPECT_STR(http1_requests(STR("GET / HTTP/1.0\r\n\r\n")),
               "HEAD GET / http/1.0 host= close\nEND\nEOF EOF\n");
    EXPECT_STR(http1_requests(STR("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n")),
               "HEAD GET / http/1.0 host=a\nEND\nEOF EOF\n");
    EXPECT_STR(
        http1_requests(STR("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n")),
        "HEAD GET / http/1.0 host=a close\nEND\nEOF EOF\n");
}

TEST(close_is_found_in_any_connection_header)
{
    EXPECT_STR(http1_requests(STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-a , CLOSE\r\n\r\n")),
               "HEAD GET / http/1.1 host=a close\nEND\nEOF EOF\n");
    EXPECT_STR(http1_requests(STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: te\r\n"
                                  "Connection: close\r\n\r\n")),
               "HEAD GET / http/1.1 host=a close\nEND\nEOF EOF\n");
}

TEST(expect_continue_matters_only_with_a_body)
{
    EXPECT_STR(http1_requests(STR("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
                                  "Content-Length: 1\r\n\r\nx")),
               "HEAD POST / http/1.1 host=a length=1 expect\nBODY x\nEND\nEOF EOF\n");
    EXPECT_STR(http1_requests(STR("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n")),
               "HEAD GET / http/1.1 host=a\nEND\nEOF EOF\n");
    EXPECT_STR(http1_requests(STR("GET / HTTP/1.0\r\nHost: a\r\nExpect: 200-ok\r\n\r\n")),
               "HEAD GET / http/1.0 host=a close\nEND\nEOF EOF\n");
}

TEST(absolute_form_names_the_authority)
{
    EXPECT_STR(
        http1_requests(STR("GET http://Example.com:80/v1?x HTTP/1.1\r\nHost: example.com\r\n\r\n")),
        "HEAD GET /v1 http/1.1 host=Example.com:80 query=x\nEND\nEOF EOF\n");
    EXPECT_STR(http1_requests(STR("GET https://a HTTP/1.1\r\nHost: a:443\r\n\r\n")),
               "HEAD GET / http/1.1 host=a\nEND\nEOF EOF\n");
    EXPECT_STR(http1_requests(STR("GET http://a/x HTTP/1.0\r\n\r\n")),
               "HEAD GET /x http/1.0 host=a close\nEND\nEOF EOF\n");
}

TEST(options_star_is_read)
{
    EXPECT_STR(http1_requests(STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")),
               "HEAD OPTIONS * http/1.1 host=a\nEND\nEOF EOF\n");
}

TEST(hosts_of_all_kinds_are_read)
{
    EXPECT_STR(http1_requests(STR("GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n")),
               "HEAD GET / http/1.1 host=[::1]:8080\nEND\nEOF EOF\n");
    EXPECT_STR(http1_requests(STR("GET / HTTP/1.1\r\nHost: my_gateway-1.local.\r\n\r\n")),
               "HEAD GET / http/1.1 host=my_gateway-1.local.\nEND\nEOF EOF\n");
}

TEST(encoded_slash_of_a_model_id_stays_encoded)
{
    EXPECT_STR(http1_requests(STR("GET /v1/models/org%2fname%3a1 HTTP/1.1\r\nHost: a\r\n\r\n")),
               "HEAD GET /v1/models/org%2Fname:1 http/1.1 host=a\nEND\nEOF EOF\n");
}

TEST(http2_preface_is_recognised_as_the_first_bytes_only)
{
    EXPECT_STR(http1_requests(STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")), "PREFACE\n");
    EXPECT_STR(http1_requests(STR("GET / HTTP/1.1\r\nHost: a\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM")),
               "HEAD GET / http/1.1 host=a\nEND\n"
               "ERROR HTTP_MALFORMED: HTTP/2 preface after an HTTP/1 request\n");
    EXPECT_STR(http1_requests(STR("PRI * HTTP/2.0\r\nHost: a\r\n\r\nSM\r\n\r\n")),
               "ERROR HTTP_VERSION: HTTP version is not 1.0 or 1.1\n");
}

TEST(rest_after_the_preface_stays_with_the_caller)
{
    struct http1_parser p;
    struct http1_out out;
    str bytes = STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nframes");
    http1_parser_init(&p, HTTP1_REQUESTS, NULL);
    EXPECT_EQ(http1_step(&p, &bytes, NULL, &out), HTTP1_PREFACE);
    EXPECT_STR(bytes, "SM\r\n\r\nframes");
    http1_parser_release(&p);
}

TEST(end_inside_a_request_is_told)
{
    EXPECT_STR(http1_requests(STR("")), "EOF EOF\n");
    EXPECT_STR(http1_requests(STR("GET / HT")), "EOF CLIENT_GONE\n");
    EXPECT_STR(http1_requests(STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx")),
               "HEAD POST / http/1.1 host=a length=2\nBODY x\nEOF CLIENT_GONE\n");
    EXPECT_STR(http1_requests(STR(
                   "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0")),
               "HEAD POST / http/1.1 host=a chunked\nBODY x\nEOF CLIENT_GONE\n");
}

TEST(lonely_empty_line_between_requests_leaves_the_parser_idle)
{
    struct http1_parser p;
    struct http1_out out;
    str bytes = STR("\r\n");
    http1_parser_init(&p, HTTP1_REQUESTS, NULL);
    EXPECT_EQ(http1_step(&p, &bytes, NULL, &out), HTTP1_NEED_MORE);
    EXPECT(http1_is_idle(&p));
    http1_parser_release(&p);

    http1_parser_init(&p, HTTP1_REQUESTS, NULL);
    bytes = STR("\r");
    EXPECT_EQ(http1_step(&p, &bytes, NULL, &out), HTTP1_NEED_MORE);
    bytes = STR("\n");
    EXPECT_EQ(http1_step(&p, &bytes, NULL, &out), HTTP1_NEED_MORE);
    EXPECT(http1_is_idle(&p));
    http1_parser_release(&p);
}

TEST(out_of_memory_is_an_error_of_its_own)
{
    struct http1_parser p;
    struct arena arena;
    struct http1_out out;
    for (size_t budget = 1; budget < 3 * ARENA_BLOCK; budget += 512) {
        char text[2500];
        memset(text, 'x', sizeof(text));
        memcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nx: ", 28);
        memcpy(text + sizeof(text) - 4, "\r\n\r\n", 4);
        str bytes = str_make(text, sizeof(text));
        arena_init(&arena, budget);
        http1_parser_init(&p, HTTP1_REQUESTS, NULL);
        enum http1_step step = http1_step(&p, &bytes, &arena, &out);
        EXPECT(step == HTTP1_HEAD || (step == HTTP1_ERROR && p.err == ERR_NO_MEMORY));
        EXPECT(step == HTTP1_HEAD || budget < 2 * ARENA_BLOCK + 1024);
        http1_parser_release(&p);
        arena_release(&arena);
    }
}

/* ---- Refused ---- */

/* The whole transcript, up to the colon of the error. */
#define REFUSED(name, text, error)                                                                 \
    TEST(name)                                                                                     \
    {                                                                                              \
        EXPECT_CONTAINS(http1_requests(STR(text)), "ERROR " #error ":");                           \
    }

#define MALFORMED(name, text) REFUSED(name, text, HTTP_MALFORMED)
#define GET_WITH(lines) "GET / HTTP/1.1\r\nHost: a\r\n" lines "\r\n"
#define POST_WITH(lines) "POST / HTTP/1.1\r\nHost: a\r\n" lines "\r\nbody"
#define CHUNKS(text) "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" text

MALFORMED(length_with_transfer_encoding_is_refused,
          POST_WITH("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"))
MALFORMED(transfer_encoding_with_length_is_refused,
          POST_WITH("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"))
MALFORMED(two_lengths_are_refused, POST_WITH("Content-Length: 4\r\nContent-Length: 5\r\n"))
MALFORMED(two_equal_lengths_are_refused, POST_WITH("Content-Length: 4\r\nContent-Length: 4\r\n"))
MALFORMED(list_of_lengths_is_refused, POST_WITH("Content-Length: 4, 4\r\n"))
MALFORMED(negative_length_is_refused, POST_WITH("Content-Length: -4\r\n"))
MALFORMED(signed_length_is_refused, POST_WITH("Content-Length: +4\r\n"))
MALFORMED(hexadecimal_length_is_refused, POST_WITH("Content-Length: 0x4\r\n"))
MALFORMED(length_with_a_blank_inside_is_refused, POST_WITH("Content-Length: 4 4\r\n"))
MALFORMED(length_with_a_fraction_is_refused, POST_WITH("Content-Length: 4.0\r\n"))
MALFORMED(empty_length_is_refused, POST_WITH("Content-Length: \r\n"))
MALFORMED(length_beyond_64_bits_is_refused, POST_WITH("Content-Length: 18446744073709551620\r\n"))
MALFORMED(length_beyond_63_bits_is_refused, POST_WITH("Content-Length: 9223372036854775808\r\n"))
MALFORMED(length_with_many_zeros_is_refused, POST_WITH("Content-Length: 00000000000000000004\r\n"))
MALFORMED(gzip_as_transfer_encoding_is_refused, POST_WITH("Transfer-Encoding: gzip\r\n"))
MALFORMED(gzip_then_chunked_is_refused, POST_WITH("Transfer-Encoding: gzip, chunked\r\n"))
MALFORMED(chunked_then_identity_is_refused, POST_WITH("Transfer-Encoding: chunked, identity\r\n"))
MALFORMED(chunked_twice_is_refused, POST_WITH("Transfer-Encoding: chunked, chunked\r\n"))
MALFORMED(two_transfer_encodings_are_refused,
          POST_WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"))
MALFORMED(misspelt_chunked_is_refused, POST_WITH("Transfer-Encoding: xchunked\r\n"))
MALFORMED(chunked_with_a_parameter_is_refused, POST_WITH("Transfer-Encoding: chunked;q=1\r\n"))
MALFORMED(quoted_chunked_is_refused, POST_WITH("Transfer-Encoding: \"chunked\"\r\n"))
MALFORMED(chunked_behind_a_vertical_tab_is_refused, POST_WITH("Transfer-Encoding: \x0b"
                                                              "chunked\r\n"))
MALFORMED(empty_transfer_encoding_is_refused, POST_WITH("Transfer-Encoding:\r\n"))
MALFORMED(transfer_encoding_in_1_0_is_refused,
          "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")

MALFORMED(bare_lf_after_the_request_line_is_refused, "GET / HTTP/1.1\nHost: a\r\n\r\n")
MALFORMED(bare_lf_after_a_header_is_refused, "GET / HTTP/1.1\r\nHost: a\nx: y\r\n\r\n")
MALFORMED(bare_lf_as_the_empty_line_is_refused, "GET / HTTP/1.1\r\nHost: a\r\n\n")
MALFORMED(bare_lf_in_a_value_is_refused, GET_WITH("x: a\nb: c\r\n"))
MALFORMED(bare_cr_in_a_value_is_refused, GET_WITH("x: a\rb\r\n"))
MALFORMED(bare_cr_in_a_name_is_refused, GET_WITH("x\ry: a\r\n"))
MALFORMED(double_cr_is_refused, "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n")
MALFORMED(cr_at_the_end_of_the_head_is_refused, "GET / HTTP/1.1\r\nHost: a\r\n\rx")
MALFORMED(folded_value_is_refused, GET_WITH("x: a\r\n b\r\n"))
MALFORMED(folded_value_by_tab_is_refused, GET_WITH("x: a\r\n\tb\r\n"))
MALFORMED(folded_first_header_is_refused, "GET / HTTP/1.1\r\n Host: a\r\n\r\n")
MALFORMED(folded_transfer_encoding_is_refused, POST_WITH("Transfer-Encoding:\r\n chunked\r\n"))
MALFORMED(space_before_the_colon_is_refused, POST_WITH("Content-Length : 4\r\n"))
MALFORMED(tab_before_the_colon_is_refused, POST_WITH("Transfer-Encoding\t: chunked\r\n"))
MALFORMED(space_in_a_name_is_refused, GET_WITH("x y: a\r\n"))
MALFORMED(empty_name_is_refused, GET_WITH(": a\r\n"))
MALFORMED(line_without_a_colon_is_refused, GET_WITH("nothing\r\n"))
MALFORMED(bracket_in_a_name_is_refused, GET_WITH("x[0]: a\r\n"))
MALFORMED(slash_in_a_name_is_refused, GET_WITH("x/y: a\r\n"))
MALFORMED(high_byte_in_a_name_is_refused, GET_WITH("x\xff: a\r\n"))
MALFORMED(nul_in_a_name_is_refused, GET_WITH("x\0y: a\r\n"))
MALFORMED(nul_in_a_value_is_refused, GET_WITH("x: a\0b\r\n"))
MALFORMED(control_in_a_value_is_refused, GET_WITH("x: a\x01"
                                                  "b\r\n"))
MALFORMED(delete_in_a_value_is_refused, GET_WITH("x: a\x7f"
                                                 "b\r\n"))
MALFORMED(vertical_tab_in_a_value_is_refused, GET_WITH("x: a\x0b"
                                                       "b\r\n"))

MALFORMED(missing_host_is_refused, "GET / HTTP/1.1\r\nx: y\r\n\r\n")
MALFORMED(head_without_headers_is_refused, "GET / HTTP/1.1\r\n\r\n")
MALFORMED(two_hosts_are_refused, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")
MALFORMED(two_hosts_in_1_0_are_refused, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")
MALFORMED(empty_host_is_refused, "GET / HTTP/1.1\r\nHost:\r\n\r\n")
MALFORMED(host_with_a_slash_is_refused, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")
MALFORMED(host_with_a_question_mark_is_refused, "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n")
MALFORMED(host_with_a_hash_is_refused, "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n")
MALFORMED(host_with_user_info_is_refused, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n")
MALFORMED(host_with_a_space_is_refused, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
MALFORMED(list_of_hosts_is_refused, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n")
MALFORMED(host_with_a_backslash_is_refused, "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n")
MALFORMED(host_with_an_escape_is_refused, "GET / HTTP/1.1\r\nHost: a%2eb\r\n\r\n")
MALFORMED(host_with_a_bad_port_is_refused, "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n")
MALFORMED(host_with_a_large_port_is_refused, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n")
MALFORMED(host_with_two_ports_is_refused, "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n")
MALFORMED(host_with_a_bad_ipv6_is_refused, "GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n")
MALFORMED(host_with_an_open_bracket_is_refused, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n")
MALFORMED(absolute_form_with_another_host_is_refused, "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n")
MALFORMED(absolute_form_with_another_port_is_refused,
          "GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(absolute_form_without_host_is_refused, "GET http://a/ HTTP/1.1\r\nx: y\r\n\r\n")
MALFORMED(absolute_form_with_user_info_is_refused, "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(absolute_form_without_authority_is_refused, "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(absolute_form_of_another_scheme_is_refused, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n")
REFUSED(connect_is_refused, "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", METHOD_WRONG)
MALFORMED(star_is_refused_for_get, "GET * HTTP/1.1\r\nHost: a\r\n\r\n")

MALFORMED(http_0_9_is_refused, "GET /\r\n\r\n")
MALFORMED(request_line_without_a_target_is_refused, "GET HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(two_spaces_in_the_request_line_are_refused, "GET  / HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(space_in_the_target_is_refused, "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(space_after_the_version_is_refused, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n")
MALFORMED(tab_in_the_request_line_is_refused, "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(space_before_the_method_is_refused, " GET / HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(lower_case_method_is_refused, "get / HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(unknown_method_is_refused, "FETCH / HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(method_that_is_no_token_is_refused, "G(T / HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(lower_case_version_is_refused, "GET / http/1.1\r\nHost: a\r\n\r\n")
MALFORMED(version_with_two_digits_is_refused, "GET / HTTP/1.10\r\nHost: a\r\n\r\n")
MALFORMED(version_without_a_minor_is_refused, "GET / HTTP/1\r\nHost: a\r\n\r\n")
MALFORMED(another_protocol_is_refused, "GET / RTSP/1.0\r\nHost: a\r\n\r\n")
REFUSED(version_1_2_is_refused, "GET / HTTP/1.2\r\nHost: a\r\n\r\n", HTTP_VERSION)
REFUSED(version_2_0_is_refused, "GET / HTTP/2.0\r\nHost: a\r\n\r\n", HTTP_VERSION)
REFUSED(version_0_9_is_refused, "GET / HTTP/0.9\r\nHost: a\r\n\r\n", HTTP_VERSION)
MALFORMED(two_empty_lines_before_a_request_are_refused, "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(bare_lf_before_a_request_is_refused, "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(tls_on_a_plain_port_is_refused, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
MALFORMED(endless_method_is_refused, "GETGETGETGETGETGETGETGETGETGETGETGET")

MALFORMED(target_with_a_hash_is_refused, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(target_with_a_high_byte_is_refused, "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(target_without_a_slash_is_refused, "GET v1 HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(target_with_a_dot_segment_is_refused, "GET /v1/../x HTTP/1.1\r\nHost: a\r\n\r\n")
MALFORMED(target_with_an_encoded_nul_is_refused, "GET /v1%00 HTTP/1.1\r\nHost: a\r\n\r\n")

REFUSED(unknown_expectation_is_refused, GET_WITH("Expect: 200-ok\r\n"), EXPECTATION_FAILED)
MALFORMED(two_expectations_are_refused,
          GET_WITH("Expect: 100-continue\r\nExpect: 100-continue\r\n"))

MALFORMED(chunk_size_that_is_not_hex_is_refused, CHUNKS("g\r\n"))
MALFORMED(chunk_size_with_0x_is_refused, CHUNKS("0x1\r\na\r\n0\r\n\r\n"))
MALFORMED(chunk_size_with_a_sign_is_refused, CHUNKS("-1\r\na\r\n0\r\n\r\n"))
MALFORMED(chunk_size_behind_a_blank_is_refused, CHUNKS(" 1\r\na\r\n0\r\n\r\n"))
MALFORMED(chunk_size_before_a_blank_is_refused, CHUNKS("1 \r\na\r\n0\r\n\r\n"))
MALFORMED(empty_chunk_size_is_refused, CHUNKS("\r\na\r\n0\r\n\r\n"))
MALFORMED(chunk_size_of_only_an_extension_is_refused, CHUNKS(";a=b\r\n"))
MALFORMED(empty_chunk_extension_is_refused, CHUNKS("1;\r\na\r\n0\r\n\r\n"))
MALFORMED(chunk_extension_without_a_semicolon_is_refused, CHUNKS("1 a\r\na\r\n0\r\n\r\n"))
MALFORMED(chunk_size_of_17_digits_is_refused, CHUNKS("00000000000000001\r\na\r\n0\r\n\r\n"))
MALFORMED(chunk_size_beyond_63_bits_is_refused, CHUNKS("8000000000000000\r\n"))
MALFORMED(bare_lf_after_a_chunk_size_is_refused, CHUNKS("1\na\r\n0\r\n\r\n"))
MALFORMED(bare_cr_after_a_chunk_size_is_refused, CHUNKS("1\ra\r\n0\r\n\r\n"))
MALFORMED(bare_lf_after_a_chunk_is_refused, CHUNKS("1\r\na\n0\r\n\r\n"))
MALFORMED(chunk_longer_than_its_size_is_refused, CHUNKS("1\r\nab\r\n0\r\n\r\n"))
MALFORMED(bare_lf_in_a_chunk_extension_is_refused, CHUNKS("1;a\nb\r\na\r\n0\r\n\r\n"))
MALFORMED(nul_in_a_chunk_extension_is_refused, CHUNKS("1;a\0\r\na\r\n0\r\n\r\n"))
MALFORMED(bare_lf_after_the_last_chunk_is_refused, CHUNKS("0\n\r\n"))
MALFORMED(bare_lf_as_the_end_of_chunks_is_refused, CHUNKS("0\r\n\n"))
MALFORMED(cr_without_lf_at_the_end_of_chunks_is_refused, CHUNKS("0\r\n\rx"))
MALFORMED(trailer_with_a_space_in_its_name_is_refused, CHUNKS("0\r\na b: c\r\n\r\n"))
MALFORMED(trailer_without_a_colon_is_refused, CHUNKS("0\r\nabc\r\n\r\n"))
MALFORMED(trailer_with_an_empty_name_is_refused, CHUNKS("0\r\n: c\r\n\r\n"))
MALFORMED(trailer_with_a_nul_is_refused, CHUNKS("0\r\na: \0\r\n\r\n"))
MALFORMED(folded_trailer_is_refused, CHUNKS("0\r\na: b\r\n c\r\n\r\n"))
