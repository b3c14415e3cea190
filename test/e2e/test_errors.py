"""Every row of spec section 6 that this version has: status, type, code, param, and headers."""
import json
import socket
import time

import pytest

from harness import exchanges as x
from harness.raw import sse_events
from harness.upstream import (FIN, HOLD, LAST_CHUNK, RST, SSE_HEAD, SSE_HEAD_CLOSE, chunk, head,
                              reply, sse)


def check(r, status, type, code=None, param=None):
    assert r.status == status, (r.status, r.body)
    assert r.complete and r.get("content-type").startswith("application/json")
    assert r.get("x-request-id")
    e = r.error
    assert (e["type"], e["param"]) == (type, param), e
    if code is not None:
        assert e["code"] == code, e
    assert e["message"] and "\n" not in e["message"]
    return e


@pytest.fixture(scope="module")
def gw(shared_gateway, shared_upstream):
    return shared_gateway({
        "providers": {
            "up": shared_upstream.provider(timeouts={"first_byte": "400ms", "idle": "400ms",
                                                     "total": "5s", "connect": "300ms"}),
            "short": shared_upstream.provider(timeouts={"first_byte": "5s", "idle": "5s",
                                                        "total": "700ms"}),
            "other": shared_upstream.provider(models=["other-model"]),
        },
        "models": {"m": "up/real", "short": "short/real", "patient": "other/real"},
    })


@pytest.fixture
def up(shared_upstream):
    yield shared_upstream
    shared_upstream.queue.clear()


# The request

def test_malformed_json(gw, up):
    check(gw.post("/v1/chat/completions", b"{"), 400, "invalid_request_error", "json_invalid")


def test_a_bad_field_is_named(gw, up):
    check(gw.chat(temperature=9), 400, "invalid_request_error", "invalid_value", "temperature")


def test_an_unknown_model_with_the_closest_names(gw, up):
    e = check(gw.chat(model="other-modle"), 404, "not_found_error", "model_not_found", "model")
    assert "other-model" in e["message"]


def test_an_unknown_path(gw, up):
    check(gw.get("/v1/nothing"), 404, "not_found_error", "unknown_path")
    check(gw.get("/"), 404, "not_found_error", "unknown_path")


def test_a_doubled_version_in_the_path_is_explained(gw, up):
    e = check(gw.post("/v1/v1/chat/completions", x.COMPLETION), 404, "not_found_error")
    assert "/v1" in e["message"] and ("twice" in e["message"] or "/v1/v1" in e["message"])


@pytest.mark.parametrize("method, path, allow", [
    ("GET", "/v1/chat/completions", "POST"), ("DELETE", "/v1/embeddings", "POST"),
    ("POST", "/v1/models", "GET"), ("PUT", "/v1/responses", "POST"), ("POST", "/health", "GET"),
])
def test_a_wrong_method(gw, up, method, path, allow):
    with gw.client() as c:
        r = c.request(method, path, body=b"" if method != "GET" else None)
    check(r, 405, "invalid_request_error", "method_not_allowed")
    assert allow in [m.strip() for m in r.get("allow").split(",")]


def test_requests_refused_are_not_to_be_retried(gw, up):
    for r in (gw.chat(temperature=9), gw.chat(model="nope"), gw.get("/v1/nothing"),
              gw.post("/v1/chat/completions", b"{")):
        assert r.get("x-should-retry") in (None, "false")
        assert r.get("retry-after") is None


# What the provider refuses goes through byte for byte.

PROVIDER_BODY = (b'{\n  "error": { "message": "Unsupported parameter: \'max_tokens\' caf\xc3\xa9",\r\n'
                 b'   "type":"invalid_request_error","param" : "max_tokens","code":"unsupported_parameter","x":1e400}}\n')


@pytest.mark.parametrize("status", [400, 404, 413, 422])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body, kind", [(PROVIDER_BODY, "application/json"),
                                        (b"<html>no</html>", "text/html"), (b"", "text/plain")],
                         ids=["json", "html", "empty"])
def test_a_refusal_is_relayed_byte_for_byte(gw, up, status, stream, body, kind):
    up.once(reply(body, status, content_type=kind))
    r = gw.chat(stream=stream)
    assert r.status == status and r.complete
    assert r.get("x-gateway-provider") == "up"
    if body:
        assert r.body == body and r.get("content-type") == kind


def test_a_chunked_refusal_too(gw, up):
    up.once([head(400, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]),
             chunk(PROVIDER_BODY[:20]), 0.05, chunk(PROVIDER_BODY[20:]), LAST_CHUNK])
    r = gw.chat()
    assert (r.status, r.body, r.complete) == (400, PROVIDER_BODY, True)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("stream", [False, True])
def test_our_credentials_refused_is_502_and_never_401(gw, up, status, stream):
    up.once(reply(x.error("Incorrect API key provided: sk-upstream-secret", "authentication_error"),
                  status, [("www-authenticate", "Bearer")]))
    r = gw.chat(stream=stream)
    check(r, 502, "upstream_authentication_error")
    assert r.get("x-should-retry") == "false", "SDKs would retry a 502"
    assert r.get("www-authenticate") is None
    assert b"sk-upstream-secret" not in r.raw_head + r.body


# mapping: §17 retry-after
@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_of_the_provider(gw, up, stream):
    up.once(reply(x.error("Rate limit reached", "requests", code="rate_limit_exceeded"), 429,
                  [("retry-after", "17"), ("x-ratelimit-remaining-requests", "0")]))
    r = gw.chat(stream=stream)
    assert r.status == 429 and r.get("retry-after") == "17"
    assert r.get("x-should-retry") in (None, "true")
    assert r.get("x-ratelimit-remaining-requests") is None
    assert r.error["type"] in ("rate_limit_error", "requests")


def test_a_quota_that_is_used_up_is_not_to_be_retried(gw, up):
    up.once(reply(x.error("You exceeded your current quota", "insufficient_quota",
                          code="insufficient_quota"), 429))
    r = gw.chat()
    assert r.status == 429 and r.error["code"] == "insufficient_quota"
    assert r.get("x-should-retry") == "false"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 529])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body", [json.dumps(x.error("secret 10.0.0.7", "server_error")).encode(),
                                  b"<html>Bad gateway</html>", b""], ids=["json", "html", "empty"])
def test_a_server_error_of_the_provider_is_502(gw, up, status, stream, body):
    up.once(reply(body, status, [("retry-after", "3")]))
    r = gw.chat(stream=stream)
    e = check(r, 502, "upstream_error")
    assert e["code"].startswith("upstream_")
    assert f"up: {status}" in e["message"], "the attempts are listed"
    assert "10.0.0.7" not in e["message"]
    assert r.get("x-should-retry") != "false"


@pytest.mark.parametrize("status", [100, 101, 199, 204, 301, 304, 307, 418, 409, 451, 600, 999])
def test_odd_statuses_are_an_error_and_not_a_success(gw, up, status):
    up.once([head(status, [("Content-Length", "0"), ("Location", "http://127.0.0.1:1/")]), 0.2, FIN])
    r = gw.chat()
    if status in (409, 418, 451):
        assert 400 <= r.status < 600
    else:
        assert r.status == 502, (status, r.status)
    assert r.get("location") is None


# Answers that cannot be read

@pytest.mark.parametrize("bytes_", [
    b"garbage\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"HTTP/3.0 200 OK\r\n\r\n", b"\x16\x03\x01\x00",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n folded: x\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
], ids=["no status line", "status abc", "version 3", "TLS", "two lengths", "length and chunked",
        "bad chunk", "negative length", "NUL", "folded", "long head", "many fields", "endless 1xx"])
@pytest.mark.parametrize("stream", [False, True])
def test_garbage_is_502(gw, up, bytes_, stream):
    up.once([bytes_, FIN])
    e = check(gw.chat(stream=stream), 502, "upstream_error")
    assert e["code"].startswith("upstream_")


# mapping: §15 chunks failure before the first byte
@pytest.mark.parametrize("script, code", [
    ([FIN], "upstream_reset"), ([RST], "upstream_reset"),
    ([b"HTTP/1.1 200 OK\r\nContent-Le", FIN], None), ([b"HTTP/1.1 200 OK\r\nContent-Le", RST], None),
    ([SSE_HEAD, 0.05, FIN], "upstream_truncated"), ([SSE_HEAD, 0.05, RST], None),
    ([SSE_HEAD, chunk(b": ping\n\n"), 0.05, FIN], "upstream_truncated"),
    ([SSE_HEAD, chunk(b": ping\n\n"), LAST_CHUNK], "upstream_truncated"),
    ([SSE_HEAD_CLOSE, FIN], "upstream_truncated"),
], ids=["FIN", "RST", "FIN in head", "RST in head", "FIN after head", "RST after head",
        "FIN after comment", "end after comment", "empty body"])
def test_a_stream_that_ends_before_any_content_is_502(gw, up, script, code):
    up.once(script)
    check(gw.chat(stream=True), 502, "upstream_error", code)


@pytest.mark.parametrize("script", [
    [head(200, [("Content-Type", "application/json"), ("Content-Length", "10")]), b"{\"a\"", FIN],
    [head(200, [("Content-Type", "application/json"), ("Content-Length", "10")]), b"{\"a\"", RST],
    [head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]),
     chunk(b"{}"), FIN],
    [head(200, [("Content-Type", "application/json"), ("Connection", "close")]), b'{"a":', FIN],
    [reply(b'{"a":')], [reply(b"")], [reply(b"hello")],
], ids=["FIN", "RST", "no last chunk", "close", "whole but cut JSON", "empty", "no JSON"])
def test_a_buffered_answer_that_is_not_whole_is_502(gw, up, script):
    up.once(script)
    check(gw.chat(), 502, "upstream_error")


# mapping: §15 chunks stream:true never JSON
def test_a_json_answer_to_a_stream_request_is_not_an_empty_success(gw, up):
    """SDKs see nothing, and no error, in a JSON body where they asked for a stream."""
    up.once(reply(x.error("broken", "server_error")))
    r = gw.chat(stream=True)
    assert r.status == 502, (r.status, r.body)


def test_a_refused_connection_is_502_at_once(gateway):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        gw = gateway({"providers": {"gone": {"type": "openai-compatible",
                                             "base_url": f"http://127.0.0.1:{port}/v1",
                                             "models": ["m"]}}})
        started = time.monotonic()
        r = gw.chat(model="gone/m")
        assert time.monotonic() - started < 1
    e = check(r, 502, "upstream_error", "upstream_connect")
    assert "127.0.0.1" not in e["message"] and str(port) not in e["message"]


def test_a_name_that_does_not_resolve_is_502(gateway):
    gw = gateway({"providers": {"gone": {"type": "openai-compatible", "models": ["m"],
                                         "base_url": "http://no-such-host.invalid/v1"}}})
    r = gw.chat(model="gone/m")
    assert r.status in (502, 504) and r.error["type"] in ("upstream_error", "timeout_error")
    assert "no-such-host" not in r.error["message"]


# Timeouts, each its own code

def timed(gw, **kw):
    started = time.monotonic()
    r = gw.chat(**kw)
    return r, time.monotonic() - started


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("script", [[HOLD], [b"HTTP/1.1 200 OK\r\n", HOLD]], ids=["silence", "half a head"])
def test_no_first_byte(gw, up, script, stream):
    up.once(script)
    r, took = timed(gw, stream=stream)
    check(r, 504, "timeout_error", "first_byte_timeout")
    assert 0.38 < took < 1.5


@pytest.mark.parametrize("script", [[SSE_HEAD, HOLD], [SSE_HEAD] + [0.1, chunk(b": ping\n\n")] * 20,
                                    [SSE_HEAD, chunk(b"data: "), HOLD]],
                         ids=["head only", "comments", "half an event"])
def test_a_stream_without_content_in_time(gw, up, script):
    up.once(script)
    r, took = timed(gw, stream=True)
    check(r, 504, "timeout_error", "first_byte_timeout")
    assert 0.38 < took < 1.5


# mapping: §15 reading idle timeout
def test_silence_in_the_middle_of_a_buffered_answer(gw, up):
    up.once([head(200, [("Content-Type", "application/json"), ("Content-Length", "100")]), b"{",
             HOLD])
    r, took = timed(gw)
    check(r, 504, "timeout_error", "idle_timeout")
    assert 0.38 < took < 1.5


def test_the_total_time(gw, up):
    up.once([head(200, [("Content-Type", "application/json"), ("Content-Length", "100")])]
            + [b"{", 0.1] * 30)
    r, took = timed(gw, model="short")
    check(r, 504, "timeout_error", "total_timeout")
    assert 0.65 < took < 2


def full_backlog():
    """A listener that lets nobody in: its queue is full, SYNs go unanswered."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
        waiting.append(s)
    time.sleep(0.05)
    return listener, waiting


def test_no_connection(gateway):
    listener, waiting = full_backlog()
    try:
        gw = gateway({"providers": {"deaf": {
            "type": "openai-compatible", "models": ["m"], "timeouts": {"connect": "300ms"},
            "base_url": f"http://127.0.0.1:{listener.getsockname()[1]}/v1"}}})
        r, took = timed(gw, model="deaf/m")
        check(r, 504, "timeout_error", "connect_timeout")
        assert 0.28 < took < 1.5
    finally:
        for s in [listener, *waiting]:
            s.close()


def test_the_clients_own_deadline(gw, up):
    up.once([HOLD])
    r, took = timed(gw, headers=[("x-gateway-timeout", "150ms")])
    assert r.status == 504 and r.error["type"] == "timeout_error", r.body
    assert 0.1 < took < 0.39, "before any timeout of the provider's"


@pytest.mark.parametrize("text", ["1s", "1", "1000ms"])
def test_spellings_of_the_deadline(gw, up, text):
    up.once([HOLD])
    r, took = timed(gw, model="patient", headers=[("x-gateway-timeout", text)])
    assert r.status == 504 and 0.95 < took < 2, (r.status, r.body, took)


@pytest.mark.parametrize("text", ["soon", "-1", ""])
def test_a_deadline_that_is_none_is_400(gw, up, text):
    before = len(up.requests)
    r = gw.chat(headers=[("x-gateway-timeout", text)])
    assert r.status == 400 and len(up.requests) == before
    assert r.error["param"] == "x-gateway-timeout"


# In the middle of a stream

BEGUN = [SSE_HEAD, chunk(x.data(x.chunk({"role": "assistant", "content": "Par"})))]


def in_stream_error(r, code=None):
    assert r.status == 200
    events = sse_events(r.body)
    assert "[DONE]" not in events
    assert json.loads(events[0])["choices"][0]["delta"]["content"] == "Par"
    e = json.loads(events[-1])["error"]
    assert set(e) >= {"message", "type", "param", "code"}
    assert e["type"] == "server_error", "agents retry on that"
    assert r.body.endswith(b"\n\n")
    if code:
        assert e["code"] == code
    return e


# mapping: §15 chunks failure after
@pytest.mark.parametrize("script, code", [
    (BEGUN + [0.02, FIN], "upstream_truncated"), (BEGUN + [0.02, RST], None),
    (BEGUN + [LAST_CHUNK], "upstream_truncated"),
    (BEGUN + [chunk(b'data: {"id"'), 0.02, FIN], "upstream_truncated"),
    (BEGUN + [HOLD], "idle_timeout"),
    (BEGUN + [b"zz\r\n"], None),
], ids=["FIN", "RST", "tidy end", "cut event", "silence", "bad chunk"])
def test_a_failure_after_content_is_told_in_the_stream(gw, up, script, code):
    up.once(script)
    in_stream_error(gw.chat(stream=True), code)


def test_the_total_time_in_a_stream(gw, up):
    up.once(BEGUN + [0.1, chunk(x.data(x.chunk({"content": "."})))] * 30)
    in_stream_error(gw.chat(stream=True, model="short"), "total_timeout")


def test_the_providers_own_error_in_a_stream_is_relayed(gw, up):
    up.once(sse(x.STREAM_ERROR))
    r = gw.chat(stream=True)
    e = in_stream_error(r)
    assert "The server had an error" in e["message"]


def test_an_error_event_before_content_is_a_proper_status(gw, up):
    up.once(sse(x.data(x.error("Overloaded", "server_error"))))
    check(gw.chat(stream=True), 502, "upstream_error")


@pytest.mark.parametrize("code, status", [("context_length_exceeded", 400), ("rate_limit_exceeded", 429)])
def test_the_kind_of_an_error_event_before_content_decides_the_status(gw, up, code, status):
    up.once(sse(x.data(x.error("no", "invalid_request_error" if status == 400 else "requests",
                               code=code))))
    r = gw.chat(stream=True)
    assert r.status in (status, 502)
    assert r.status >= 400 and "[DONE]" not in r.body.decode()


def test_an_event_beyond_the_limit_ends_the_stream(gateway, upstream):
    upstream.answer(BEGUN + [chunk(b'data: {"choices":[{"delta":{"content":"' + b"x" * 65536)] * 40)
    gw = gateway({"server": {"max_event": "1MiB"}, "providers": {"up": upstream.provider()}})
    in_stream_error(gw.chat(stream=True))


# Responses

R_BEGUN = [SSE_HEAD] + [chunk(e) for e in x.RESPONSE_STREAM.split(b"\n\n")[:0]]


def responses_begun():
    from harness.upstream import events_of
    return [SSE_HEAD] + [chunk(e) for e in events_of(x.RESPONSE_STREAM)[:6]]


@pytest.mark.parametrize("end", [[0.02, FIN], [0.02, RST], [LAST_CHUNK], [HOLD]],
                         ids=["FIN", "RST", "tidy end", "silence"])
def test_a_responses_stream_that_fails_ends_with_failed(gw, up, end):
    up.once(responses_begun() + end)
    r = gw.post("/v1/responses", {"model": "m", "input": "hi", "stream": True})
    assert r.status == 200
    events = [json.loads(e) for e in sse_events(r.body)]
    kinds = [e["type"] for e in events]
    assert "response.completed" not in kinds
    assert kinds[-1] == "response.failed", kinds
    failed = events[-1]
    assert failed["response"]["status"] == "failed" and failed["response"]["error"]["code"]
    assert failed["response"]["id"] == "resp_E"
    numbers = [e["sequence_number"] for e in events]
    assert numbers == sorted(numbers) and isinstance(numbers[-1], int)
    assert b"event: response.failed" in r.body


def test_a_responses_stream_that_never_begins_is_a_status(gw, up):
    up.once([SSE_HEAD, 0.02, FIN])
    r = gw.post("/v1/responses", {"model": "m", "input": "hi", "stream": True})
    check(r, 502, "upstream_error")


def test_incomplete_and_failed_are_ends_of_a_responses_stream(gw, up):
    from harness.upstream import events_of
    begun = b"".join(events_of(x.RESPONSE_STREAM)[:6])
    for kind in ("response.incomplete", "response.failed"):
        stream = begun + x.event(kind, 6, response={**x.RESPONSE, "status": kind[9:]})
        up.once(sse(stream))
        r = gw.post("/v1/responses", {"model": "m", "input": "hi", "stream": True})
        assert r.body == stream and r.complete


# Retries, as far as this version has them

@pytest.fixture
def retrying(gateway, upstream):
    return gateway({"defaults": {"retry": {"attempts": 2, "total": 3, "base": "20ms"}},
                    "providers": {"up": upstream.provider()}, "models": {"m": "up/real"}})


@pytest.mark.parametrize("bad", [reply(b"", 500), reply(b"", 503), [FIN], [RST],
                                 [SSE_HEAD, 0.02, FIN]],
                         ids=["500", "503", "FIN", "RST", "empty stream"])
def test_a_failure_before_content_is_tried_again(retrying, upstream, bad):
    upstream.once(bad).once(bad).once(sse(x.STREAM_PLAIN))
    r = retrying.chat(stream=True)
    assert r.status == 200 and r.body == x.STREAM_PLAIN
    assert r.get("x-gateway-attempts") == "3"
    assert len(upstream.requests) == 3
    assert len({q.body for q in upstream.requests}) == 1


def test_all_attempts_are_listed(retrying, upstream):
    upstream.answer(reply(b"", 503))
    r = retrying.chat()
    e = check(r, 502, "upstream_error")
    assert e["message"].count("up: 503") == 3 and len(upstream.requests) == 3


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_a_refusal_is_not_tried_again(retrying, upstream, status):
    upstream.answer(reply(PROVIDER_BODY, status))
    assert retrying.chat().status == status
    assert len(upstream.requests) == 1


def test_after_content_nothing_is_tried_again(retrying, upstream):
    upstream.answer(BEGUN + [0.02, RST])
    in_stream_error(retrying.chat(stream=True))
    time.sleep(0.2)
    assert len(upstream.requests) == 1


def test_the_client_may_forbid_retries(retrying, upstream):
    upstream.answer(reply(b"", 503))
    assert retrying.chat(headers=[("x-gateway-retries", "0")]).status == 502
    assert len(upstream.requests) == 1


def test_retry_after_is_waited_for(retrying, upstream):
    upstream.once(reply(x.error("slow down", "requests"), 429, [("retry-after", "1")]))
    upstream.answer(reply(x.COMPLETION))
    r, took = timed(retrying)
    assert r.status == 200 and 0.95 < took < 2.5


def test_a_long_retry_after_is_the_clients_to_wait_for(retrying, upstream):
    upstream.answer(reply(x.error("slow down", "requests"), 429, [("retry-after", "30")]))
    r, took = timed(retrying)
    assert r.status == 429 and r.get("retry-after") == "30" and took < 1
