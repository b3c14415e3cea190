"""A client that leaves, in any phase, stops the upstream within 50 ms, and gives its slot back."""
import socket
import time

import pytest

from harness import exchanges as x
from harness.raw import RawClient, request_bytes
from harness.upstream import HOLD, SSE_HEAD, Gate, chunk, head, reply, sse

LIMIT = 0.050
ROUNDS = 5
ENDS = {"FIN": RawClient.fin, "RST": RawClient.rst}
CONTENT = x.data(x.chunk({"role": "assistant", "content": "Par"}))


@pytest.fixture(params=["plain", "tls"])
def secured(request, authority):
    """Settings of the gateway for a plain or a TLS listener."""
    if request.param == "plain":
        return {}, {}
    cert, key = authority.issue("localhost", "127.0.0.1")
    return ({"tls": {"certificate": cert, "key": key}},
            {"scheme": "https", "client_tls": authority.client_context()})


def chat_bytes(stream, path="/v1/chat/completions"):
    import json
    body = json.dumps({"model": "m", "stream": stream, "messages": [{"role": "user", "content": ""}]})
    return request_bytes("POST", path, [("Content-Type", "application/json")], body.encode())


class Watch:
    """Measures how long after the client's leaving the provider sees the end, less what the machine
    itself needs: a second connection, straight to the provider, is ended at the same moment."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.control = RawClient(upstream.port)
        self.control.send(b"GET /control HTTP/1.1\r\n")
        deadline = time.monotonic() + 5
        while not (found := [c for c in upstream.connections
                             if not c.end and not c.requests and c.bytes_in]):
            assert time.monotonic() < deadline
            time.sleep(0.001)
        self.control_seen = found[-1]

    def noise(self, at):
        """What the machine itself needs to pass on an end of a connection, begun at that time."""
        self.control.rst()
        assert self.control_seen.ended.wait(3)
        return self.control_seen.t_end - at

    def leave(self, client, how, connection):
        at = time.monotonic()
        ENDS[how](client)
        noise = self.noise(at)
        assert connection.ended.wait(3), "the provider goes on"
        assert connection.end in ("fin", "rst")
        return max(0.0, connection.t_end - at - noise)


PHASES = {
    "first byte, buffered": (False, [HOLD]),
    "first byte, streamed": (True, [HOLD]),
    "headers only, streamed": (True, [SSE_HEAD, HOLD]),
    "streaming": (True, [SSE_HEAD, chunk(CONTENT), HOLD]),
    "streaming all the time": (True, [SSE_HEAD] + [chunk(CONTENT), 0.002] * 3000),
    "buffered, half of it": (False, [head(200, [("Content-Type", "application/json"),
                                                ("Content-Length", "1000")]), b'{"a":', HOLD]),
}


# mapping: §15 reading client disconnect
@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("phase", PHASES)
def test_the_provider_sees_the_end_within_50_ms(gateway, upstream, secured, phase, how):
    config, options = secured
    stream, script = PHASES[phase]
    gw = gateway({**config, "workers": 1, "models": {"m": "up/real"},
                  "providers": {"up": upstream.provider(pool={"max_connections": 1})}}, **options)
    took = []
    for i in range(ROUNDS):
        upstream.once(script)
        count = len(upstream.requests)
        client = gw.client()
        client.send(chat_bytes(stream))
        request = upstream.wait_request(count + 1)
        if phase.startswith("streaming"):
            r = client.read_head()
            assert r.status == 200
            next(client.iter_body(r))
        else:
            time.sleep(0.03)  # for what was sent of the answer to arrive
        watch = Watch(upstream)
        took.append(watch.leave(client, how, request.connection))
        # The only slot is free again.
        upstream.once(reply(x.COMPLETION))
        started = time.monotonic()
        assert gw.chat().status == 200
        assert time.monotonic() - started < 1
    print(f"{phase}, {how}: {[f'{t * 1000:.1f} ms' for t in took]}")
    assert max(took) <= LIMIT
    gw.wait_metric("llm_gateway_active_requests", 0)


@pytest.mark.parametrize("how", ENDS)
def test_while_queued_for_a_connection(gateway, upstream, secured, how):
    config, options = secured
    gw = gateway({**config, "workers": 1, "models": {"m": "up/real"},
                  "providers": {"up": upstream.provider(pool={
                      "max_connections": 1, "queue": 1, "queue_timeout": "20s"})}}, **options)
    gate = Gate()
    upstream.once([gate, reply(x.COMPLETION)])
    first = gw.client()
    first.send(chat_bytes(False))
    upstream.wait_request(1)
    for _ in range(ROUNDS):
        queued = gw.client()
        queued.send(chat_bytes(False))
        deadline = time.monotonic() + 5
        while gw.chat().status != 503:  # until the queue is full
            assert time.monotonic() < deadline
        ENDS[how](queued)
        time.sleep(LIMIT)
        # Its place is free: the next one waits, instead of being refused.
        probe = gw.client(timeout=0.1)
        probe.send(chat_bytes(False))
        with pytest.raises(TimeoutError):
            r = probe.read_response()
            print(r.status, r.body)
        probe.rst()
        time.sleep(LIMIT)
    assert len(upstream.requests) == 1, "nobody who left was served"
    upstream.answer(reply(x.COMPLETION))
    gate.open()
    assert first.read_response().status == 200
    assert gw.chat().status == 200
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("how", ENDS)
def test_while_connecting(gateway, upstream, secured, how):
    from test_errors import full_backlog
    config, options = secured
    listener, waiting = full_backlog()
    port = listener.getsockname()[1]
    upstream.answer(reply(x.COMPLETION))
    gw = gateway({**config, "workers": 1, "models": {"m": "deaf/x", "fine": "up/x"}, "providers": {
        "deaf": {"type": "openai-compatible", "base_url": f"http://127.0.0.1:{port}/v1",
                 "discover": False, "timeouts": {"connect": "30s"}, "pool": {"max_connections": 1}},
        "up": upstream.provider()}}, **options)
    took = []
    try:
        for _ in range(ROUNDS):
            client = gw.client()
            client.send(chat_bytes(False))
            deadline = time.monotonic() + 5
            while "02" not in gw.sockets_to(port):
                assert time.monotonic() < deadline, "no attempt to connect"
                time.sleep(0.002)
            gw.sockets_to(port)
            watch = Watch(upstream)
            at = time.monotonic()
            ENDS[how](client)
            noise = watch.noise(at)
            looked = time.monotonic()
            while gw.sockets_to(port):
                looked = time.monotonic()
                assert looked - at < 3, "the attempt goes on"
            took.append(max(0.0, looked - at - noise))  # until it was last seen to go on
            assert gw.chat(model="fine").status == 200
        print(f"connecting, {how}: {[f'{t * 1000:.1f} ms' for t in took]}")
        assert sorted(took)[len(took) // 2] <= LIMIT
    finally:
        for s in [listener, *waiting]:
            s.close()


@pytest.mark.parametrize("how", ENDS)
def test_while_uploading(gateway, upstream, how):
    gw = gateway({"workers": 1, "models": {"m": "up/real"}, "providers": {"up": upstream.provider()}})
    part = (b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--B\r\n'
            b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"x" * 200_000)
    upstream.answer([HOLD])
    for i in range(ROUNDS):
        client = gw.client()
        client.send(request_bytes("POST", "/v1/audio/transcriptions", [
            ("Content-Type", "multipart/form-data; boundary=B"), ("Content-Length", "9000000")]) + part)
        request = upstream.wait_request(i + 1, complete=False)
        time.sleep(0.02)
        watch = Watch(upstream)
        assert watch.leave(client, how, request.connection) <= LIMIT
        assert not request.complete


def test_a_pipelined_request_of_a_client_that_left_is_not_started(gateway, upstream):
    gw = gateway({"workers": 1, "models": {"m": "up/real"}, "providers": {"up": upstream.provider()}})
    upstream.answer([HOLD])
    client = gw.client()
    client.send(chat_bytes(False) * 3)
    first = upstream.wait_request(1)
    client.rst()
    assert first.connection.ended.wait(2)
    time.sleep(0.1)
    assert len(upstream.requests) == 1


def test_a_cancelled_call_never_answers_the_next_one(gateway, upstream):
    """The nonce test: what came too late must not reach another client."""
    gw = gateway({"workers": 1, "models": {"m": "up/real"},
                  "providers": {"up": upstream.provider(pool={"max_connections": 2})}})
    count = 0

    def script(request):
        import json
        nonce = request.json()["nonce"]
        return [0.0005 * (nonce % 7), reply({**x.COMPLETION, "id": str(nonce)})]
    upstream.answer(script)
    for nonce in range(150):
        if nonce % 3 == 0:
            c = gw.client()
            c.send(chat_bytes(False).replace(b'"model"', b'"nonce": %d, "model"' % nonce)
                   .replace(b"Content-Length: ", b"X: ") if False else
                   request_bytes("POST", "/v1/chat/completions", [("Content-Type", "application/json")],
                                 b'{"model":"m","nonce":%d,"messages":[{"role":"user","content":""}]}' % nonce))
            time.sleep(0.0003 * (nonce % 11))
            c.rst()
        else:
            r = gw.chat(nonce=nonce)
            assert r.status == 200 and r.json()["id"] == str(nonce)
            count += 1
    assert count == 100


def test_who_left_is_counted_and_logged(gateway, upstream):
    gw = gateway({"workers": 1, "models": {"m": "up/real"}, "providers": {"up": upstream.provider()}})
    upstream.answer([SSE_HEAD, chunk(CONTENT), HOLD])
    c = gw.client()
    c.send(chat_bytes(True))
    r = c.read_head()
    next(c.iter_body(r))
    c.fin()
    gw.wait_metric("llm_gateway_client_disconnects_total", 1)
    line = gw.access_log(1)[-1]
    assert line["status"] in (200, 499)
    assert "client" in str(line.get("error"))


def test_draining_reads_the_answer_to_its_end(gateway, upstream):
    gw = gateway({"workers": 1, "providers": {"up": upstream.provider()}, "models": {
        "m": {"targets": ["up/real"], "on_disconnect": "drain"}}})
    upstream.answer([SSE_HEAD] + [chunk(CONTENT), 0.05] * 6 + [chunk(x.data(x.chunk({}, "stop"))),
                                                              chunk(x.DONE), b"0\r\n\r\n"])
    c = gw.client()
    c.send(chat_bytes(True))
    r = c.read_head()
    next(c.iter_body(r))
    c.rst()
    time.sleep(0.6)
    connection = upstream.connections[-1]
    assert connection.end is None, "cancelled, although it should drain"
    upstream.answer(reply(x.COMPLETION))
    assert gw.chat().status == 200 and len(upstream.connections) == 1


def test_a_half_closed_client_is_served_when_that_is_configured(gateway, upstream):
    gw = gateway({"server": {"half_close": True}, "models": {"m": "up/real"},
                  "providers": {"up": upstream.provider()}})
    upstream.answer([0.2, reply(x.COMPLETION)])
    c = gw.client()
    c.send(chat_bytes(False))
    c.fin()
    assert c.read_response().status == 200


def test_closing_a_kept_connection_between_requests_cancels_nothing(gateway, upstream):
    gw = gateway({"workers": 1, "models": {"m": "up/real"}, "providers": {"up": upstream.provider()}})
    upstream.answer(reply(x.COMPLETION))
    for how in (RawClient.fin, RawClient.rst, RawClient.close) * 3:
        c = gw.client()
        assert c.post("/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": ""}]}).status == 200
        how(c)
    time.sleep(0.05)
    assert len(upstream.connections) == 1 and not upstream.connections[0].end
    assert gw.metric("llm_gateway_client_disconnects_total") == 0
