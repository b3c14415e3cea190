"""HTTP/1.1 by raw sockets: what RFC 9112 lets two readers understand differently is refused, and what
is right passes however it is cut."""
import json
import time

import pytest

from harness import exchanges as x
from harness.raw import RawClient, chunked, request_bytes
from harness.upstream import reply

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
LENGTH = f"Content-Length: {len(BODY)}".encode()


@pytest.fixture(scope="module")
def up(shared_upstream):
    shared_upstream.answer(reply(x.COMPLETION))
    return shared_upstream


@pytest.fixture(scope="module")
def gw(shared_gateway, up):
    return shared_gateway({"workers": 1, "providers": {"up": up.provider()},
                           "models": {"m": "up/real"},
                           "server": {"header_timeout": "500ms", "body_timeout": "500ms",
                                      "idle_timeout": "2s", "max_body": "1MiB"}})


def post(*lines, body=BODY, start=b"POST /v1/chat/completions HTTP/1.1", end=b"\r\n"):
    return end.join([start, *lines, b"", b""]) + body


HOST = b"Host: x"
JSON_TYPE = b"Content-Type: application/json"

SMUGGLING = {
    "CL and TE": post(HOST, LENGTH, b"Transfer-Encoding: chunked", body=chunked(BODY)),
    "TE and CL": post(HOST, b"Transfer-Encoding: chunked", LENGTH, body=chunked(BODY)),
    "two lengths": post(HOST, LENGTH, b"Content-Length: 0"),
    "two equal lengths": post(HOST, LENGTH, LENGTH),
    "a list of lengths": post(HOST, LENGTH + b", 5"),
    "a list of equal lengths": post(HOST, LENGTH + b", " + LENGTH[16:]),
    "length with plus": post(HOST, b"Content-Length: +%d" % len(BODY)),
    "length with minus": post(HOST, b"Content-Length: -1"),
    "length in hex": post(HOST, b"Content-Length: 0x10"),
    "length with a blank": post(HOST, b"Content-Length: 1 0"),
    "length with underscore": post(HOST, b"Content-Length: 1_0"),
    "empty length": post(HOST, b"Content-Length:"),
    "length beyond 64 bits": post(HOST, b"Content-Length: 18446744073709551617"),
    "length of many digits": post(HOST, b"Content-Length: " + b"9" * 400),
    "length with a NUL": post(HOST, LENGTH + b"\x00"),
    "TE gzip, chunked": post(HOST, b"Transfer-Encoding: gzip, chunked", body=chunked(BODY)),
    "TE chunked, gzip": post(HOST, b"Transfer-Encoding: chunked, gzip", body=chunked(BODY)),
    "TE chunked twice": post(HOST, b"Transfer-Encoding: chunked, chunked", body=chunked(BODY)),
    "two TE fields": post(HOST, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked",
                          body=chunked(BODY)),
    "TE identity": post(HOST, b"Transfer-Encoding: identity", body=chunked(BODY)),
    "TE xchunked": post(HOST, b"Transfer-Encoding: xchunked", body=chunked(BODY)),
    "TE with vertical tab": post(HOST, b"Transfer-Encoding: \x0bchunked", body=chunked(BODY)),
    "TE quoted": post(HOST, b'Transfer-Encoding: "chunked"', body=chunked(BODY)),
    "TE empty": post(HOST, b"Transfer-Encoding:", body=chunked(BODY)),
    "TE with parameter": post(HOST, b"Transfer-Encoding: chunked;q=1", body=chunked(BODY)),
    "TE with a blank before the colon": post(HOST, b"Transfer-Encoding : chunked", body=chunked(BODY)),
    "TE in HTTP/1.0": post(HOST, b"Transfer-Encoding: chunked", body=chunked(BODY),
                           start=b"POST /v1/chat/completions HTTP/1.0"),
    "bare LF everywhere": post(HOST, LENGTH, end=b"\n"),
    "bare LF after the request line": b"POST /v1/chat/completions HTTP/1.1\n" + post(HOST, LENGTH).split(b"\r\n", 1)[1],
    "bare LF after a field": post(HOST + b"\nX: y", LENGTH),
    "bare LF before the body": b"POST /v1/chat/completions HTTP/1.1\r\n" + HOST + b"\r\n" + LENGTH + b"\r\n\n" + BODY,
    "bare CR in a value": post(HOST, b"X: a\rb", LENGTH),
    "bare CR between fields": post(HOST + b"\rX: y", LENGTH),
    "CR CR LF": post(HOST + b"\r", LENGTH),
    "obsolete folding by blank": post(HOST, b"X: a\r\n b", LENGTH),
    "obsolete folding by tab": post(HOST, b"X: a\r\n\tb", LENGTH),
    "folding of the first field": b"POST /v1/chat/completions HTTP/1.1\r\n X: a\r\n" + post(HOST, LENGTH).split(b"\r\n", 1)[1],
    "blank before the colon": post(HOST, b"Content-Length : %d" % len(BODY)),
    "tab before the colon": post(HOST, b"X\t: a", LENGTH),
    "no colon": post(HOST, b"nonsense", LENGTH),
    "empty name": post(HOST, b": x", LENGTH),
    "blank in a name": post(HOST, b"X Y: z", LENGTH),
    "name in quotes": post(HOST, b'"X": z', LENGTH),
    "name with a NUL": post(HOST, b"X\x00: z", LENGTH),
    "name with UTF-8": post(HOST, "Ü: z".encode(), LENGTH),
    "NUL in a value": post(HOST, b"X: a\x00b", LENGTH),
    "control character in a value": post(HOST, b"X: a\x01b", LENGTH),
    "DEL in a value": post(HOST, b"X: a\x7fb", LENGTH),
    "NUL in the target": post(HOST, LENGTH, start=b"POST /v1/chat\x00/completions HTTP/1.1"),
    "blank in the target": post(HOST, LENGTH, start=b"POST /v1/chat /completions HTTP/1.1"),
    "control in the target": post(HOST, LENGTH, start=b"POST /v1/\x01 HTTP/1.1"),
    "fragment in the target": post(HOST, LENGTH, start=b"POST /v1/models#x HTTP/1.1"),
    "two blanks after the method": post(HOST, LENGTH, start=b"POST  /v1/chat/completions HTTP/1.1"),
    "tab after the method": post(HOST, LENGTH, start=b"POST\t/v1/chat/completions HTTP/1.1"),
    "blank before the method": post(HOST, LENGTH, start=b" POST /v1/chat/completions HTTP/1.1"),
    "blank at the end of the request line": post(HOST, LENGTH, start=b"POST /v1/chat/completions HTTP/1.1 "),
    "no version": post(HOST, LENGTH, start=b"POST /v1/chat/completions"),
    "version in lower case": post(HOST, LENGTH, start=b"POST /v1/chat/completions http/1.1"),
    "version with one number": post(HOST, LENGTH, start=b"POST /v1/chat/completions HTTP/1"),
    "version with more digits": post(HOST, LENGTH, start=b"POST /v1/chat/completions HTTP/1.10"),
    "no host": post(LENGTH),
    "two hosts": post(HOST, HOST, LENGTH),
    "two different hosts": post(HOST, b"Host: y", LENGTH),
    "host with slash": post(b"Host: a/b", LENGTH),
    "host with question mark": post(b"Host: a?b", LENGTH),
    "host with hash": post(b"Host: a#b", LENGTH),
    "host with at": post(b"Host: a@b", LENGTH),
    "host with blank": post(b"Host: a b", LENGTH),
    "host with backslash": post(b"Host: a\\b", LENGTH),
    "host with bad port": post(b"Host: a:b", LENGTH),
    "host with a port beyond": post(b"Host: a:65536", LENGTH),
    "host list": post(b"Host: a, b", LENGTH),
    "user in the absolute form": post(HOST, LENGTH, start=b"POST http://u:p@x/v1/chat/completions HTTP/1.1"),
    "absolute form without host": post(HOST, LENGTH, start=b"POST http:///v1/chat/completions HTTP/1.1"),
    "absolute form with another host": post(HOST, LENGTH, start=b"POST http://y/v1/chat/completions HTTP/1.1"),
    "authority form": post(HOST, LENGTH, start=b"POST x:80 HTTP/1.1"),
    "relative target": post(HOST, LENGTH, start=b"POST v1/chat/completions HTTP/1.1"),
    "CONNECT": post(b"Host: x:443", body=b"", start=b"CONNECT x:443 HTTP/1.1"),
    "asterisk for POST": post(HOST, LENGTH, start=b"POST * HTTP/1.1"),
    "TLS hello": bytes.fromhex("16030100a5010000a10303") + b"\x00" * 100,
    "percent-encoded NUL in the path": post(HOST, LENGTH, start=b"POST /v1/chat%00/completions HTTP/1.1"),
    "bad percent encoding": post(HOST, LENGTH, start=b"POST /v1/chat%zz/completions HTTP/1.1"),
}


def chunks_of(text):
    return post(HOST, JSON_TYPE, b"Transfer-Encoding: chunked", body=text)


N = b"%x" % len(BODY)
CHUNKS = {
    "no number": chunks_of(b"g\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "0x": chunks_of(b"0x" + N + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "minus": chunks_of(b"-" + N + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "plus": chunks_of(b"+" + N + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "blank before": chunks_of(b" " + N + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "empty size": chunks_of(b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "beyond 64 bits": chunks_of(b"1" + b"0" * 16 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "many digits": chunks_of(b"f" * 40 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "LF after the size": chunks_of(N + b"\n" + BODY + b"\r\n0\r\n\r\n"),
    "CR alone after the size": chunks_of(N + b"\r" + BODY + b"\r\n0\r\n\r\n"),
    "no end after the data": chunks_of(N + b"\r\n" + BODY + b"0\r\n\r\n"),
    "LF after the data": chunks_of(N + b"\r\n" + BODY + b"\n0\r\n\r\n"),
    "data longer than said": chunks_of(b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "LF in an extension": chunks_of(N + b";a=\nb\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "NUL in an extension": chunks_of(N + b";a\x00\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "endless extension": chunks_of(N + b";" + b"a" * 100_000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "LF at the last chunk": chunks_of(N + b"\r\n" + BODY + b"\r\n0\n\n"),
    "trailer without colon": chunks_of(N + b"\r\n" + BODY + b"\r\n0\r\nnonsense\r\n\r\n"),
    "folded trailer": chunks_of(N + b"\r\n" + BODY + b"\r\n0\r\nX: a\r\n b\r\n\r\n"),
}


def refuse(gw, up, data, statuses=(400,)):
    before = len(up.requests)
    with RawClient(gw.port, timeout=5) as c:
        try:
            c.send(data)
        except ConnectionError:
            pass
        r = c.read_response()
        assert r.status in statuses, (r.status, r.body)
        assert r.complete and r.get("connection") == "close"
        assert r.error["type"] == "invalid_request_error" and r.error["code"]
        assert c.wait_closed(), f"it stays open, or says more: {c.buffer!r}"
    time.sleep(0.01)
    assert len(up.requests) == before, "it reached the provider"
    return r


@pytest.mark.parametrize("name", SMUGGLING)
def test_what_could_be_smuggled_is_400_and_closes(gw, up, name):
    data = SMUGGLING[name]
    if JSON_TYPE not in data:
        data = data.replace(b"\r\n" + HOST, b"\r\n" + HOST + b"\r\n" + JSON_TYPE, 1)
    statuses = {"TE gzip, chunked": (400, 501), "CONNECT": (400, 405, 501),
                "asterisk for POST": (400, 404, 405), "fragment in the target": (400,),
                "version with more digits": (400, 505), "version in lower case": (400, 505),
                "version with one number": (400, 505)}.get(name, (400,))
    refuse(gw, up, data, statuses)


@pytest.mark.parametrize("name", SMUGGLING)
def test_and_so_it_is_on_a_connection_in_use(gw, up, name):
    with RawClient(gw.port, timeout=5) as c:
        assert c.get("/health/live").status == 200
        before = len(up.requests)
        c.send(SMUGGLING[name] + request_bytes("GET", "/v1/models"))
        r = c.read_response()
        assert 400 <= r.status < 600 and r.get("connection") == "close"
        assert c.wait_closed(), "the bytes after it were taken for a request"
        assert len(up.requests) == before


@pytest.mark.parametrize("name", CHUNKS)
def test_bad_chunks_are_400_and_close(gw, up, name):
    refuse(gw, up, CHUNKS[name])


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/9.9", b"HTTP/3"])
def test_other_versions(gw, up, version):
    refuse(gw, up, post(HOST, LENGTH, start=b"POST /v1/chat/completions " + version), (400, 505))


@pytest.mark.parametrize("method", [b"post", b"P@ST", b"X" * 100, b"TRACE", b"PRI"])
def test_odd_methods(gw, up, method):
    before = len(up.requests)
    with RawClient(gw.port, timeout=5) as c:
        c.send(post(HOST, JSON_TYPE, LENGTH, start=method + b" /v1/chat/completions HTTP/1.1"))
        assert c.read_response().status in (400, 405, 501)
    assert len(up.requests) == before


# What is right

def ok(gw, data, count=1):
    with RawClient(gw.port, timeout=5) as c:
        c.send(data)
        answers = [c.read_response() for _ in range(count)]
    assert [r.status for r in answers] == [200] * count, answers[0].body
    return answers


@pytest.mark.parametrize("name, data", [
    ("field names in any case", post(b"hOST: x", b"CONTENT-TYPE: application/json",
                                     LENGTH.lower())),
    ("blanks around values", post(b"Host:\t x \t", JSON_TYPE, LENGTH + b"  ")),
    ("an empty value", post(HOST, b"X:", JSON_TYPE, LENGTH)),
    ("leading zeros of a length", post(HOST, JSON_TYPE, b"Content-Length: 00%d" % len(BODY))),
    ("latin-1 in a value", post(HOST, b"X: \xe9", JSON_TYPE, LENGTH)),
    ("chunked in capitals", post(HOST, JSON_TYPE, b"Transfer-Encoding: Chunked", body=chunked(BODY))),
    ("chunk extensions", chunks_of(N + b";a=b;c=\"d\"\r\n" + BODY + b"\r\n0;x\r\n\r\n")),
    ("size with leading zeros", chunks_of(b"000" + N + b"\r\n" + BODY + b"\r\n000\r\n\r\n")),
    ("size in capitals", chunks_of(N.upper() + b"\r\n" + BODY + b"\r\n0\r\n\r\n")),
    ("trailers", chunks_of(N + b"\r\n" + BODY + b"\r\n0\r\nX-Trailer: a\r\n\r\n")),
    ("one byte a chunk", chunks_of(chunked(*[BODY[i:i + 1] for i in range(len(BODY))]))),
    ("a host with a port", post(b"Host: example.com:8080", JSON_TYPE, LENGTH)),
    ("an IPv6 host", post(b"Host: [::1]:8080", JSON_TYPE, LENGTH)),
    ("an empty line before the request", b"\r\n" + post(HOST, JSON_TYPE, LENGTH)),
    ("the absolute form", post(b"Host: example.com", JSON_TYPE, LENGTH,
                               start=b"POST http://example.com/v1/chat/completions HTTP/1.1")),
    ("a query", post(HOST, JSON_TYPE, LENGTH, start=b"POST /v1/chat/completions?beta=true&x HTTP/1.1")),
    ("percent-encoded letters", post(HOST, JSON_TYPE, LENGTH, start=b"POST /v1/ch%61t/completions HTTP/1.1")),
    ("an upgrade that is not taken", post(HOST, JSON_TYPE, LENGTH, b"Connection: Upgrade, HTTP2-Settings",
                                          b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__")),
], ids=lambda v: v if isinstance(v, str) else "")
def test_what_is_right_passes(gw, up, name, data):
    ok(gw, data)


def test_a_request_cut_at_every_byte_passes(gw, up):
    whole = post(HOST, JSON_TYPE, b"Transfer-Encoding: chunked", body=chunked(BODY[:9], BODY[9:]))
    with RawClient(gw.port, timeout=5) as c:
        for at in range(1, len(whole)):
            c.send(whole[:at])
            if at % 4 == 0:
                time.sleep(0.0005)  # so that some of them really arrive in two reads
            c.send(whole[at:])
            assert c.read_response().status == 200, at


def test_a_request_byte_by_byte_passes(gw, up):
    with RawClient(gw.port, timeout=5) as c:
        for byte in post(HOST, JSON_TYPE, LENGTH):
            c.send(bytes([byte]))
        assert c.read_response().status == 200


def test_pipelined_requests_are_answered_in_order(gw, up):
    up.once([0.3, reply({**x.COMPLETION, "id": "first"})])
    up.once(reply({**x.COMPLETION, "id": "second"}))
    one = post(HOST, JSON_TYPE, LENGTH)
    with RawClient(gw.port, timeout=5) as c:
        c.send(one + one + request_bytes("GET", "/health/live") + request_bytes("GET", "/v1/nothing"))
        answers = [c.read_response() for _ in range(4)]
    assert [r.status for r in answers] == [200, 200, 200, 404]
    assert [r.json()["id"] for r in answers[:2]] == ["first", "second"]


def test_fifty_pipelined_requests(gw, up):
    with RawClient(gw.port, timeout=10) as c:
        c.send(post(HOST, JSON_TYPE, LENGTH) * 50)
        for _ in range(50):
            assert c.read_response().status == 200


def test_a_connection_is_kept_and_closed_as_asked(gw, up):
    with RawClient(gw.port, timeout=5) as c:
        for _ in range(5):
            assert c.post("/v1/chat/completions", BODY).get("connection") in (None, "keep-alive")
        r = c.post("/v1/chat/completions", BODY, [("Connection", "close")])
        assert r.status == 200 and r.get("connection") == "close" and c.wait_closed()


def test_http_1_0(gw, up):
    for more, kept in ((b"X: y", False), (b"Connection: keep-alive", True)):
        with RawClient(gw.port, timeout=5) as c:
            c.send(post(HOST, JSON_TYPE, LENGTH, more, start=b"POST /v1/chat/completions HTTP/1.0"))
            r = c.read_response()
            assert r.status == 200 and r.get("transfer-encoding") is None
            if kept and not r.close_delimited:
                assert (r.get("connection") or "").lower() == "keep-alive"
                assert c.get("/health/live").status == 200
            else:
                assert c.wait_closed()


def test_http_1_0_needs_no_host(gw, up):
    ok(gw, post(JSON_TYPE, LENGTH, start=b"POST /v1/chat/completions HTTP/1.0"))


def test_head_has_no_body(gw, up):
    with RawClient(gw.port, timeout=5) as c:
        r = c.request("HEAD", "/health/live")
        assert r.status in (200, 405)
        assert c.get("/health/live").status == 200, "the next answer was read in step"


def test_an_idle_connection_is_closed_in_time(gw, up):
    with RawClient(gw.port) as c:
        assert c.get("/health/live").status == 200
        started = time.monotonic()
        assert c.wait_closed(timeout=6)
        assert 1.5 < time.monotonic() - started < 4


# Limits

def test_a_hundred_fields_pass_and_one_more_does_not(gw, up):
    def with_fields(n):
        return request_bytes("GET", "/health/live", [(f"X-{i}", "y") for i in range(n - 1)])
    ok(gw, with_fields(100))
    refuse(gw, up, with_fields(101), (431,))


def test_a_head_up_to_64_kib_passes_and_more_does_not(gw, up):
    def of_size(n):
        bare = len(request_bytes("GET", "/health/live", [("X", "")]))
        return request_bytes("GET", "/health/live", [("X", "y" * (n - bare))])
    ok(gw, of_size(65536))
    refuse(gw, up, of_size(65537), (431,))
    refuse(gw, up, of_size(5_000_000), (431,))


def test_an_endless_head_is_cut(gw, up):
    with RawClient(gw.port, timeout=5) as c:
        c.send(b"GET / HTTP/1.1\r\nX: ")
        until = time.monotonic() + 6
        with pytest.raises(ConnectionError):
            while time.monotonic() < until:
                c.send(b"y" * 65536)
                time.sleep(0.001)


def test_a_url_up_to_8_kib_passes_and_more_does_not(gw, up):
    base = "/health/live?x="
    ok(gw, request_bytes("GET", base + "y" * (8192 - len(base))))
    refuse(gw, up, request_bytes("GET", base + "y" * (8193 - len(base))), (414,))
    refuse(gw, up, request_bytes("GET", base + "y" * 60_000), (414,))


def test_a_body_beyond_the_limit_is_413_before_it_is_sent(gw, up):
    before = len(up.requests)
    with RawClient(gw.port, timeout=5) as c:
        c.send(request_bytes("POST", "/v1/chat/completions", [
            ("Content-Type", "application/json"), ("Content-Length", str(2 << 20))]))
        r = c.read_response()
    assert r.status == 413 and r.error["code"] == "request_too_large"
    assert len(up.requests) == before


def test_a_chunked_body_beyond_the_limit_is_413(gw, up):
    before = len(up.requests)
    with RawClient(gw.port, timeout=5) as c:
        try:
            c.send(request_bytes("POST", "/v1/chat/completions", [
                ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]) +
                chunked(*[b" " * 65536] * 40))
        except ConnectionError:
            pass
        r = c.read_response()
    assert r.status == 413 and len(up.requests) == before


def test_expect_with_a_body_too_large_is_413_without_100(gw, up):
    with RawClient(gw.port, timeout=5) as c:
        c.send(request_bytes("POST", "/v1/chat/completions", [
            ("Content-Type", "application/json"), ("Content-Length", str(2 << 20)),
            ("Expect", "100-continue")]))
        r = c.read_response()
    assert r.status == 413 and r.interim == []


def test_other_expectations_are_417(gw, up):
    with RawClient(gw.port, timeout=5) as c:
        r = c.post("/v1/chat/completions", BODY, [("Expect", "the-unexpected")])
    assert r.status == 417


def test_a_slow_head_is_408(gw, up):
    for dribble in (False, True):
        with RawClient(gw.port, timeout=5) as c:
            started = time.monotonic()
            c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n")
            for _ in range(8 if dribble else 0):
                time.sleep(0.1)
                try:
                    c.send(b"X: y\r\n")
                except ConnectionError:
                    break
            r = c.read_response()
            took = time.monotonic() - started
            assert r.status == 408 and r.error["type"] == "timeout_error"
            assert 0.4 < took < 1.6, "absolute, whatever trickles in"
            assert c.wait_closed()


def test_a_slow_body_is_408(gw, up):
    before = len(up.requests)
    with RawClient(gw.port, timeout=5) as c:
        c.send(post(HOST, JSON_TYPE, LENGTH, body=BODY[:5]))
        r = c.read_response()
        assert r.status == 408 and r.error["type"] == "timeout_error"
        assert c.wait_closed()
    assert len(up.requests) == before


def test_a_connection_that_says_nothing_is_closed(gw, up):
    with RawClient(gw.port, timeout=8) as c:
        started = time.monotonic()
        assert c.wait_closed(timeout=7)
        assert time.monotonic() - started < 4


def test_a_body_nobody_reads_does_not_become_a_request(gw, up):
    """An answer before the body's end: what follows must not be read as the next request."""
    before = len(up.requests)
    inner = request_bytes("POST", "/v1/chat/completions", [("Content-Type", "application/json")], BODY)
    with RawClient(gw.port, timeout=5) as c:
        c.send(request_bytes("POST", "/v1/nothing", [("Content-Length", str(len(inner)))]) + inner)
        assert c.read_response().status == 404
        c.wait_closed(0.2)
        assert b"chatcmpl" not in c.buffer
    assert len(up.requests) == before


def test_connections_beyond_the_limit_are_refused_and_the_rest_lives(gateway, upstream):
    upstream.answer(reply(x.COMPLETION))
    gw = gateway({"workers": 1, "server": {"max_connections": 20},
                  "providers": {"up": upstream.provider()}})
    held = []
    for _ in range(15):
        c = RawClient(gw.port, timeout=2)
        assert c.get("/health/live").status == 200
        held.append(c)
    more = [RawClient(gw.port, timeout=2) for _ in range(20)]
    time.sleep(0.1)
    assert all(c.get("/health/live").status == 200 for c in held)
    for c in held + more:
        c.close()
    time.sleep(0.2)
    assert gw.chat(model="up/x").status == 200
