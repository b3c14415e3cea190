"""Streams: held back until there is content, then an event in and an event out; silence, slow clients."""
import asyncio
import json
import re
import time

import pytest

from harness import exchanges as x
from harness.raw import RawClient, request_bytes, sse_events
from harness.upstream import (FIN, HOLD, LAST_CHUNK, SSE_HEAD, Gate, chunk, events_of, reply, sse)


def content(text):
    return x.data(x.chunk({"content": text}))


ROLE = x.data(x.chunk({"role": "assistant", "content": ""}))


def stream_request(model="m", **more):
    body = json.dumps({"model": model, "stream": True, "messages": [{"role": "user", "content": ""}], **more})
    return request_bytes("POST", "/v1/chat/completions", [("Content-Type", "application/json")], body.encode())


@pytest.fixture
def gw(gateway, upstream):
    return gateway({"workers": 1, "providers": {"up": upstream.provider()}, "models": {"m": "up/real"}})


def nothing_comes(client, seconds):
    client.sock.settimeout(seconds)
    try:
        assert not client.buffer and not client._fill(), client.buffer
        raise AssertionError("the connection ended")
    except TimeoutError:
        client.sock.settimeout(15)


def test_nothing_is_sent_before_the_first_content(gw, upstream):
    gate = Gate()
    upstream.answer([SSE_HEAD, chunk(b": hello\n\n"), gate, chunk(ROLE), chunk(content("a")), HOLD])
    with gw.client() as c:
        c.send(stream_request())
        upstream.wait_request(1)
        nothing_comes(c, 0.3)
        gate.open()
        r = c.read_head()
        assert r.status == 200
        seen = b""
        for piece in c.iter_body(r):
            seen += piece
            if content("a") in seen:
                break
        assert seen.endswith(ROLE + content("a"))


def test_an_event_in_is_an_event_out_at_once(gw, upstream):
    """Each event is sent by the provider only after the client has the one before."""
    gates = [Gate() for _ in range(30)]
    events = [content(f"token {i}") for i in range(30)]
    upstream.answer([SSE_HEAD, chunk(ROLE)] + [s for g, e in zip(gates, events) for s in (g, chunk(e))]
                    + [chunk(x.data(x.chunk({}, "stop"))), chunk(x.DONE), LAST_CHUNK])
    with gw.client() as c:
        c.send(stream_request())
        gates[0].open()
        r = c.read_head()
        pieces = c.iter_body(r)
        seen = b""
        for i, event in enumerate(events):
            gates[i].open()
            while event not in seen:
                seen += next(pieces)
        for piece in pieces:
            seen += piece
        assert r.complete and seen.startswith(ROLE) and seen.endswith(x.DONE)


def test_two_events_in_one_packet_and_one_event_in_two(gw, upstream):
    a, b = content("one"), content("two")
    gate = Gate()
    upstream.answer([SSE_HEAD, chunk(ROLE + a + b[:20]), gate, chunk(b[20:] + x.DONE), LAST_CHUNK])
    with gw.client() as c:
        c.send(stream_request())
        r = c.read_head()
        pieces = c.iter_body(r)
        seen = b""
        while a not in seen:
            seen += next(pieces)
        gate.open()
        for piece in pieces:
            seen += piece
    assert seen == ROLE + a + b + x.DONE


def test_the_end_of_the_stream_is_not_waited_for(gw, upstream):
    """[DONE] goes out although the provider keeps its connection open."""
    upstream.answer([SSE_HEAD, chunk(x.STREAM_PLAIN), 5, LAST_CHUNK])
    with gw.client() as c:
        started = time.monotonic()
        c.send(stream_request())
        r = c.read_head()
        pieces = c.iter_body(r)
        while x.DONE not in r.body:
            next(pieces)
        assert time.monotonic() - started < 0.5
        for _ in pieces:
            pass
        assert r.body == x.STREAM_PLAIN and r.complete and time.monotonic() - started < 2.5


def test_what_comes_after_done_is_not_passed_on(gw, upstream):
    upstream.answer(sse([x.STREAM_PLAIN, content("more")]))
    assert content("more") not in gw.chat(stream=True).body


# mapping: §15 chunks keep-alive
def test_silence_is_filled_with_comments(gateway, upstream):
    gw = gateway({"server": {"keepalive_comment": "100ms"}, "providers": {"up": upstream.provider()}})
    upstream.answer([SSE_HEAD, chunk(ROLE + content("a")), 0.55, chunk(content("b")), 0.25, chunk(x.DONE), LAST_CHUNK])
    r = gw.chat(model="up/m", stream=True)
    comments = re.findall(rb"^: ?keep-?alive\n\n", r.body, re.M)
    assert 4 <= len(comments) <= 8, r.body
    assert re.sub(rb"^:[^\n]*\n\n", b"", r.body, flags=re.M) == ROLE + content("a") + content("b") + x.DONE
    assert sse_events(r.body)[-1] == "[DONE]"


def test_comments_never_stand_inside_an_event(gateway, upstream):
    gw = gateway({"server": {"keepalive_comment": "100ms"}, "providers": {"up": upstream.provider()}})
    b = content("b")
    upstream.answer([SSE_HEAD, chunk(ROLE + content("a") + b[:25]), 0.45, chunk(b[25:]), chunk(x.DONE), LAST_CHUNK])
    r = gw.chat(model="up/m", stream=True)
    assert b in r.body, r.body
    assert re.sub(rb"^:[^\n]*\n\n", b"", r.body, flags=re.M) == ROLE + content("a") + b + x.DONE


def test_no_comments_before_the_content_nor_in_buffered_answers(gateway, upstream):
    gw = gateway({"server": {"keepalive_comment": "100ms"}, "providers": {"up": upstream.provider()}})
    upstream.once([SSE_HEAD, 0.35, *sse(x.STREAM_PLAIN)[1:]])
    assert gw.chat(model="up/m", stream=True).body == x.STREAM_PLAIN
    upstream.once([0.35, reply(x.COMPLETION)])
    assert gw.chat(model="up/m").json() == x.COMPLETION


def test_comments_of_the_provider_do_not_extend_its_time(gateway, upstream):
    gw = gateway({"providers": {"up": upstream.provider(timeouts={"first_byte": "5s", "idle": "400ms"})}})
    upstream.answer([SSE_HEAD, chunk(ROLE + content("a"))] + [0.1, chunk(b": ping\n\n")] * 30)
    started = time.monotonic()
    r = gw.chat(model="up/m", stream=True)
    took = time.monotonic() - started
    assert json.loads(sse_events(r.body)[-1])["error"]["code"] == "idle_timeout", r.body[-300:]
    assert 0.35 < took < 1.5


def test_early_headers(gateway, upstream):
    gw = gateway({"workers": 1, "server": {"keepalive_comment": "100ms"}, "providers": {"up": upstream.provider()},
                  "models": {"m": {"targets": ["up/real"], "early_headers": True}}})
    gate = Gate()
    upstream.once([gate, *sse(x.STREAM_PLAIN)])
    with gw.client() as c:
        c.send(stream_request())
        r = c.read_head()
        assert r.status == 200 and r.get("content-type").startswith("text/event-stream")
        pieces = c.iter_body(r)
        assert next(pieces).startswith(b":")
        gate.open()
        for _ in pieces:
            pass
    assert re.sub(rb"^:[^\n]*\n\n", b"", r.body, flags=re.M) == x.STREAM_PLAIN
    upstream.once([0.15, reply(x.error("no", "server_error"), 500)])
    r = gw.chat(stream=True)
    assert r.status == 200 and b"[DONE]" not in r.body
    assert json.loads(sse_events(r.body)[-1])["error"]["type"] == "server_error"


# Slow clients

BIG = content("x" * 60_000)


def endless(connection_limit=4000):
    return [SSE_HEAD, chunk(ROLE)] + [chunk(BIG)] * connection_limit


def settle(connection):
    """Waits until the provider can write no more; the bytes it could."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 0.4:
        if connection.bytes_out != last:
            last, since = connection.bytes_out, time.monotonic()
        time.sleep(0.02)
    return last


def test_a_client_that_reads_nothing_stops_the_provider(gateway, new_upstream, sanitized):
    upstream = new_upstream(sndbuf=65536)
    upstream.answer(endless())
    gw = gateway({"workers": 1, "providers": {"up": upstream.provider()}, "models": {"m": "up/real"}})
    gw.get("/v1/nothing")
    held = gw.status("VmRSS")
    c = gw.client(rcvbuf=16384)
    c.send(stream_request())
    written = settle(upstream.wait_request(1).connection)
    assert written < 16 << 20, "240 MB were on offer"
    grown = gw.status("VmRSS") - held
    print(f"the provider could write {written >> 10} KiB; the gateway grew by {grown} KiB")
    assert sanitized or grown < 4096
    c.rst()
    assert upstream.requests[0].connection.ended.wait(2)


def test_a_slow_client_gets_everything_in_order(gateway, new_upstream):
    upstream = new_upstream(sndbuf=65536)
    events = [content(f"{i:06d}" + "x" * 20_000) for i in range(400)]
    upstream.answer(sse([ROLE, *events, x.DONE]))
    gw = gateway({"workers": 1, "providers": {"up": upstream.provider()}, "models": {"m": "up/real"}})
    with gw.client(rcvbuf=16384) as c:
        c.send(stream_request())
        r = c.read_head()
        got = []
        for n, piece in enumerate(c.iter_body(r)):
            got.append(piece)
            if n % 40 == 0:
                time.sleep(0.02)
    assert b"".join(got) == ROLE + b"".join(events) + x.DONE and r.complete


def test_a_client_that_takes_nothing_for_long_is_cut(gateway, new_upstream):
    upstream = new_upstream(sndbuf=65536)
    upstream.answer(endless())
    gw = gateway({"workers": 1, "server": {"client_stall": "600ms"}, "providers": {"up": upstream.provider()},
                  "models": {"m": "up/real"}})
    c = gw.client(rcvbuf=16384)
    c.send(stream_request())
    connection = upstream.wait_request(1).connection
    settle(connection)
    assert connection.ended.wait(5), "the provider still waits"
    assert connection.t_end - connection.last_write < 3
    line = gw.access_log(1)[-1]
    assert "client_stalled" in json.dumps(line)
    c.close()


def test_a_client_that_reads_a_little_is_not_cut(gateway, new_upstream):
    """As a player does that takes audio at its own pace.  The kernel tells of room in its buffer only
    when a third of it is free, so that is no measure of what a client takes."""
    upstream = new_upstream(sndbuf=65536)
    upstream.answer(endless())
    gw = gateway({"workers": 1, "server": {"client_stall": "600ms"}, "providers": {"up": upstream.provider()},
                  "models": {"m": "up/real"}})
    c = gw.client(rcvbuf=16384)
    c.send(stream_request())
    connection = upstream.wait_request(1).connection
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        c.sock.recv(200_000)
        time.sleep(0.05)
    assert connection.end is None
    c.rst()


def test_a_slow_client_does_not_hold_up_others(gateway, new_upstream):
    upstream = new_upstream(sndbuf=65536)
    upstream.answer(endless())
    gw = gateway({"workers": 1, "providers": {"up": upstream.provider()}, "models": {"m": "up/real"}})
    slow = [gw.client(rcvbuf=16384) for _ in range(20)]
    for c in slow:
        c.send(stream_request())
    upstream.wait_request(20)
    upstream.answer(sse(x.STREAM_PLAIN))
    for _ in range(20):
        started = time.monotonic()
        assert gw.chat(stream=True).body == x.STREAM_PLAIN
        assert time.monotonic() - started < 1
    for c in slow:
        c.rst()


# Many

async def _streams(gw, count):
    async def one(i):
        reader, writer = await asyncio.open_connection("127.0.0.1", gw.port, limit=1 << 20)
        writer.write(stream_request(user=str(i)))
        body = b""
        while b"[DONE]" not in body:
            data = await reader.read(65536)
            assert data, body[-200:]
            body += data
        writer.close()
        return [int(t) for t in re.findall(rb'"content":"(\d+)"', body)]
    return await asyncio.gather(*(one(i) for i in range(count)))


def test_three_hundred_streams_at_once_arrive_whole_and_in_order(gateway, upstream):
    count, events = 300, 15
    upstream.answer([SSE_HEAD, chunk(ROLE)] + [s for i in range(events) for s in (0.05, chunk(content(str(i))))]
                    + [chunk(x.data(x.chunk({}, "stop"))), chunk(x.DONE), LAST_CHUNK])
    gw = gateway({"providers": {"up": upstream.provider()}, "models": {"m": "up/real"}})
    results = asyncio.run(_streams(gw, count))
    assert all(r == list(range(events)) for r in results)
    gw.wait_metric("llm_gateway_active_streams", 0)
    assert gw.metric("llm_gateway_requests_total", stream="true") == count


def test_tokens_are_counted_although_the_client_did_not_ask(gw, upstream):
    upstream.answer(sse(x.STREAM_TEXT))
    assert b"usage\":{" not in gw.chat(stream=True).body
    gw.wait_metric("llm_gateway_tokens_total", 3, type="output")  # 5 with the reasoning
    tokens = gw.access_log(1)[-1]["tokens"]
    assert {k: v for k, v in tokens.items() if v} == {"input": 9, "cached": 3, "output": 3, "reasoning": 2}


def test_connections_to_the_provider_are_used_again(gw, upstream):
    upstream.answer(sse(x.STREAM_TEXT))
    for _ in range(10):
        assert gw.chat(stream=True).complete
    assert len(upstream.connections) == 1


def test_a_connection_the_provider_closed_meanwhile_is_replaced(gateway, upstream):
    gw = gateway({"workers": 1, "providers": {"up": upstream.provider()}, "models": {"m": "up/real"}})
    for _ in range(5):
        upstream.once([reply(x.COMPLETION), FIN])
        assert gw.chat().status == 200
        time.sleep(0.05)
    assert len(upstream.connections) == 5


def test_a_stale_connection_is_replayed_once_without_notice(gateway, upstream):
    """The provider ends a reused connection as the request comes: no byte was answered, so it is sent
    again on a new one, even with no retries configured."""
    gw = gateway({"workers": 1, "providers": {"up": upstream.provider()}, "models": {"m": "up/real"}})
    assert upstream.once(reply(x.COMPLETION)) and gw.chat().status == 200
    upstream.once([FIN]).once(reply(x.COMPLETION))
    assert gw.chat().status == 200
    assert len(upstream.connections) == 2 and len(upstream.requests) == 3
