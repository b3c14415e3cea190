"""The provider's answer cut at every byte: never a falsely complete one, and never a 200 when nothing
had been sent."""
import asyncio
import json

import openai
import pytest

from harness import exchanges as x
from harness.raw import parse_head, sse_events
from harness.upstream import (FIN, RST, SSE_HEAD, SSE_HEAD_CLOSE, chunk, events_of, head, LAST_CHUNK)

STREAM = x.STREAM_PLAIN
EVENTS = events_of(STREAM)
ENDS = {"fin": [FIN], "rst": [0.002, RST]}
JSON = json.dumps(x.COMPLETION).encode()
RESPONSES = x.RESPONSE_STREAM


def wires(events, body):
    """What may be cut: (head, bytes) by framing."""
    return {
        "close": (SSE_HEAD_CLOSE, body),
        "chunked": (SSE_HEAD, b"".join(map(chunk, events)) + LAST_CHUNK),
    }


CHAT = wires(EVENTS, STREAM)
BUFFERED = {
    "length": (head(200, [("Content-Type", "application/json"), ("Content-Length", len(JSON))]), JSON),
    "chunked": (head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]),
                chunk(JSON[:200]) + chunk(JSON[200:]) + LAST_CHUNK),
    "close": (head(200, [("Content-Type", "application/json"), ("Connection", "close")]), JSON),
}
RESPONSES_WIRES = wires(events_of(RESPONSES), RESPONSES)
WIRES = {"chat": CHAT, "json": BUFFERED, "responses": RESPONSES_WIRES}


def script(request):
    """The model's name says what to do: what-framing-end-offset."""
    what, framing, end, at = request.json()["model"].split("-")
    start, body = WIRES[what][framing]
    return [start, body[:int(at)], *ENDS[end]] if int(at) else [start, *ENDS[end]]


@pytest.fixture(scope="module")
def gw(shared_gateway, shared_upstream):
    shared_upstream.answer(script)
    return shared_gateway({"providers": {"up": shared_upstream.provider()}})


async def ask(gw, path, model, stream):
    """(status, headers, body, last chunk seen)"""
    body = {"model": f"up/{model}", "stream": stream}
    body |= {"input": "x"} if "responses" in path else {"messages": [{"role": "user", "content": "x"}]}
    data = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", gw.port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 f"Connection: close\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
    try:
        raw = await reader.read()
        while more := await reader.read():
            raw += more
    finally:
        writer.close()
    top, rest = raw.split(b"\r\n\r\n", 1)
    status, _, _, headers = parse_head(top)
    headers = {n.lower(): v for n, v in headers}
    if headers.get("transfer-encoding") == "chunked":
        body, whole = b"", False
        while rest:
            size, rest = rest.split(b"\r\n", 1)
            n = int(size, 16)
            body += rest[:n]
            whole = n == 0
            rest = rest[n + 2:]
    else:
        body, whole = rest, True
        if "content-length" in headers:
            assert len(body) == int(headers["content-length"])
    return status, headers, body, whole


def every_cut(gw, what, framing, end, judge, path="/v1/chat/completions", stream=True, step=1):
    total = len(WIRES[what][framing][1])
    problems = []

    async def one(at, gate):
        async with gate:
            try:
                judge(at, *await ask(gw, path, f"{what}-{framing}-{end}-{at}", stream))
            except Exception as e:  # noqa: BLE001: all of them are wanted
                problems.append(f"{at}: {type(e).__name__}: {str(e)[:400]}")

    async def everything():
        gate = asyncio.Semaphore(24)
        await asyncio.gather(*(one(at, gate) for at in range(0, total + 1, step)))
    asyncio.run(everything())
    assert not problems, f"{len(problems)} of {total + 1} cuts:\n" + "\n".join(problems[:12])


def payload(framing, events, at):
    """How many whole events a reader can have got from the first `at` bytes on the wire."""
    n = 0
    for i, e in enumerate(events):
        n += len(chunk(e)) - 2 if framing == "chunked" else len(e)
        if at < n:
            return i
        n += 2 if framing == "chunked" else 0
    return len(events)


def is_502(status, headers, body):
    assert status == 502, (status, body)
    assert headers["content-type"].startswith("application/json")
    error = json.loads(body)["error"]
    assert error["type"] == "upstream_error" and error["code"].startswith("upstream_")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("framing", CHAT)
def test_a_chat_stream_cut_at_every_byte(gw, framing, end):
    def judge(at, status, headers, body, whole):
        got = payload(framing, EVENTS, at)
        if got == 0:
            return is_502(status, headers, body)
        if status == 502:
            assert got == 1, "content had been there"  # the first event has a role only
            return is_502(status, headers, body)
        assert status == 200
        if body == STREAM:
            # Complete: only when all that matters had come.
            assert at >= len(CHAT[framing][1]) - (len(LAST_CHUNK) + 4 if framing == "chunked" else 2)
            return
        events = events_of(body)
        assert got == len(EVENTS) or b"[DONE]" not in body, "falsely complete"
        assert b"[DONE]" not in body, "something follows [DONE]"
        error = json.loads(sse_events(events[-1])[0])["error"]
        assert error["type"] == "server_error" and error["code"], error
        relayed = events[:-1]
        assert relayed == EVENTS[:len(relayed)], "not a prefix of the truth"
        assert len(relayed) in (got, got - 1) if got == len(EVENTS) else len(relayed) == got
    every_cut(gw, "chat", framing, end, judge)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("framing", BUFFERED)
def test_a_buffered_answer_cut_at_every_byte(gw, framing, end):
    total = len(BUFFERED[framing][1])

    def judge(at, status, headers, body, whole):
        if at == total and (framing != "close" or end == "fin"):
            assert status == 200 and body == JSON
        else:
            is_502(status, headers, body)
    every_cut(gw, "json", framing, end, judge, stream=False)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("framing", RESPONSES_WIRES)
def test_a_responses_stream_cut_at_every_third_byte(gw, framing, end):
    truth = events_of(RESPONSES)

    def judge(at, status, headers, body, whole):
        got = payload(framing, truth, at)
        if got == 0:
            return is_502(status, headers, body)
        if status == 502:
            assert got <= 4, "content had been there"  # the events before the first delta
            return is_502(status, headers, body)
        assert status == 200
        if body == RESPONSES:
            assert got == len(truth) or at >= len(RESPONSES_WIRES[framing][1]) - 12
            return
        events = [json.loads(e) for e in sse_events(body)]
        kinds = [e["type"] for e in events]
        assert got == len(truth) or "response.completed" not in kinds, "falsely complete"
        assert "response.completed" not in kinds, "something follows response.completed"
        assert kinds[-1] == "response.failed", kinds
        relayed = [k for k in kinds if k not in ("error", "response.failed")]
        assert relayed == [json.loads(e)["type"] for e in sse_events(RESPONSES)][:len(relayed)]
    every_cut(gw, "responses", framing, end, judge, path="/v1/responses", step=3)


@pytest.mark.parametrize("end", ENDS)
def test_the_sdk_raises_at_every_boundary(gw, end, calls):
    """The official SDK as the judge, around the end of each event."""
    with gw.openai() as client:
        at = 0
        for event in EVENTS[:-1]:
            at += len(event)
            for cut in (at - 1, at, at + 1):
                with pytest.raises(openai.APIError):
                    stream = client.chat.completions.create(
                        model=f"up/chat-close-{end}-{cut}", stream=True,
                        messages=[{"role": "user", "content": "x"}])
                    for _ in stream:
                        pass
    calls(f"streams cut around each event ({end}): APIError")


def test_the_sdk_raises_for_cut_buffered_answers(gw, calls):
    with gw.openai() as client:
        for at in (0, 1, len(JSON) // 2, len(JSON) - 1):
            for framing in BUFFERED:
                with pytest.raises(openai.InternalServerError):
                    client.chat.completions.create(model=f"up/json-{framing}-fin-{at}",
                                                   messages=[{"role": "user", "content": "x"}])
    calls("buffered answers cut: InternalServerError")


def test_a_binary_answer_that_is_cut_is_cut_for_the_client_too(gateway, upstream):
    """No event can say it there: the connection ends without the end of the body."""
    audio = b"\x00\x01" * 50_000
    gw = gateway({"providers": {"up": upstream.provider()}, "models": {"m": "up/tts"}})
    for start in (head(200, [("Content-Type", "audio/mpeg"), ("Content-Length", len(audio) + 10)]),
                  head(200, [("Content-Type", "audio/mpeg"), ("Transfer-Encoding", "chunked")])):
        body = audio if b"Length" in start else chunk(audio)
        for end in ENDS.values():
            upstream.once([start, body, 0.05, *end])
            r = gw.post("/v1/audio/speech", {"model": "m", "voice": "a", "input": "x"})
            assert r.status == 200 and not r.complete and r.cut
            assert audio.startswith(r.body)


def test_truncated_streams_are_counted(gateway, upstream):
    gw = gateway({"providers": {"up": upstream.provider()}})
    upstream.answer([SSE_HEAD_CLOSE, *EVENTS[:2], FIN])
    gw.chat(model="up/m", stream=True)
    gw.wait_metric("llm_gateway_truncated_streams_total", 1)
