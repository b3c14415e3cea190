"""What goes through byte for byte, and the two things that do not."""
import gzip
import json
import os
import random
import time
import zlib

import brotli
import pytest
import zstandard

from harness import exchanges as x
from harness.raw import RawClient, chunked, request_bytes
from harness.upstream import FIN, SSE_HEAD_CLOSE, Early, chunk, head, reply, sse, LAST_CHUNK

ODD = (b' \r\n{ "zeta" : 1e400 ,\t"messages":[ {"role":"user","content":"caf\xc3\xa9 \\u00e9 '
       b'\\ud83d\\ude00 \xf0\x9f\x98\x80 \\/ \\u0000"} , {"content":"","role":"assistant"} ],\n'
       b'"big":12345678901234567, "exact":0.10000000000000001,"small":-0.0,"exp":1E+02,\n'
       b'"metadata":{"b":null,"a":[ ],"":{ }}, "model" : "m" ,"temperature":1.0,'
       b'"seed":9007199254740993 ,"n":null}\n ')


def with_model(body, name):
    assert body.count(b'"model" : "m"') == 1
    return body.replace(b'"model" : "m"', b'"model" : "%s"' % name)


@pytest.fixture(scope="module")
def up(shared_upstream):
    shared_upstream.answer(reply(x.COMPLETION))
    return shared_upstream


@pytest.fixture(scope="module")
def gw(shared_gateway, up):
    return shared_gateway({
        "providers": {"up": up.provider(), "quiet": up.provider(stream_usage=False)},
        "models": {"m": "up/real-model", "same": "up/same", "quiet": "quiet/*"},
    })


@pytest.fixture(autouse=True)
def default_answer(up):
    up.answer(reply(x.COMPLETION))


def sent(gw, up, body, headers=(), path="/v1/chat/completions"):
    r = gw.post(path, body, headers)
    assert r.status == 200, r.body
    return up.last


def test_an_odd_body_arrives_byte_for_byte_but_for_the_model(gw, up):
    got = sent(gw, up, ODD)
    assert got.body == with_model(ODD, b"real-model")
    assert got.get("content-length") == str(len(got.body))


def test_a_body_with_the_providers_own_model_name_arrives_untouched(gw, up):
    body = ODD.replace(b'"m"', b'"same"')
    assert sent(gw, up, body).body == body


def test_the_provider_in_front_of_the_model_is_taken_off(gw, up):
    body = ODD.replace(b'"m"', b'"up/org/model:tag@1.0"')
    assert sent(gw, up, body).body == ODD.replace(b'"m"', b'"org/model:tag@1.0"')


def test_a_model_written_with_escapes_is_understood(gw, up):
    body = ODD.replace(b'"m"', b'"\\u006d"')
    assert sent(gw, up, body).body == with_model(ODD, b"real-model")


def test_a_stream_gets_stream_options_and_nothing_else(gw, up):
    up.answer(sse(x.STREAM_TEXT))
    body = with_model(ODD, b"m").replace(b'"n":null', b'"stream":true,"n":null')
    got = sent(gw, up, body).body
    added = b'"stream_options":{"include_usage":true}'
    assert json.loads(got)["stream_options"] == {"include_usage": True}
    assert got.count(added) == 1
    at = got.index(added)
    rest = got[:at] + got[at + len(added):]
    # The comma that it needed.
    for candidate in (got[:at - 1] + got[at + len(added):], got[:at] + got[at + len(added) + 1:]):
        if candidate == with_model(body, b"real-model"):
            return
    assert rest == with_model(body, b"real-model")


def test_stream_options_of_the_client_are_kept(gw, up):
    up.answer(sse(x.STREAM_TEXT))
    body = b'{"model":"same","messages":[{"role":"user","content":""}],"stream":true,"stream_options" : { "include_obfuscation":false }}'
    got = sent(gw, up, body).body
    assert json.loads(got)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert b'"include_obfuscation":false' in got
    asked = body.replace(b"false }", b'false,"include_usage":true}')
    assert sent(gw, up, asked).body == asked
    refused = body.replace(b"false }", b'false,"include_usage":false}')
    assert sent(gw, up, refused).body == refused.replace(b'usage":false', b'usage":true')


def test_a_provider_that_cannot_give_usage_is_not_asked(gw, up):
    up.answer(sse(x.STREAM_PLAIN))
    body = b'{"model":"quiet","messages":[{"role":"user","content":""}],"stream":true}'
    assert sent(gw, up, body).body == body


@pytest.mark.parametrize("path, body", [
    ("/v1/embeddings", b'{ "input":[[1,2,3 ]],"model":"m" ,"x":1e400}'),
    ("/v1/completions", b'{"prompt":["a" ],"model":"m", "max_tokens":16}'),
    ("/v1/responses", b'{"input":[ {"role":"user","content":"x"}],"model":"m","stream":false,"u":-0}'),
    ("/v1/moderations", b'{ "input" : "x" , "model":"m"}'),
    ("/v1/images/generations", b'{"prompt":"x","model":"m" }'),
    ("/v1/audio/speech", b'{"input":"x" ,"voice":"a","model":"m"}'),
    ("/v1/rerank", b'{"query":"x","documents":[ ],"model":"m"}'),
])
def test_other_endpoints_too(gw, up, path, body):
    got = sent(gw, up, body, path=path)
    assert got.target == path and got.method == "POST"
    assert got.body == body.replace(b'"m"', b'"real-model"')


@pytest.mark.parametrize("size", [100_000, 5_000_000])
@pytest.mark.parametrize("way", ["length", "chunks"])
def test_large_bodies_arrive_byte_for_byte(gw, up, size, way):
    random.seed(size)
    text = "".join(random.choice(["word ", "\\n", "é", "\\u00e9", "😀", "\\\"", "  "])
                   for _ in range(size // 4))
    body = ('{"messages":[{"role":"user","content":"%s"}], "model" : "m" ,"tail":[1 ,2]}'
            % text).encode()
    with gw.client() as c:
        if way == "length":
            r = c.post("/v1/chat/completions", body)
        else:
            pieces = [body[i:i + 7919] for i in range(0, len(body), 7919)]
            c.send(request_bytes("POST", "/v1/chat/completions", [
                ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")])
                + chunked(*pieces))
            r = c.read_response()
    assert r.status == 200
    assert up.last.body == with_model(body, b"real-model")


def test_a_body_that_trickles_in_arrives_whole(gw, up):
    body = ODD
    with gw.client() as c:
        c.send(request_bytes("POST", "/v1/chat/completions", [
            ("Content-Type", "application/json"), ("Content-Length", str(len(body)))]))
        for i in range(0, len(body), 40):
            c.send(body[i:i + 40])
            time.sleep(0.002)
        assert c.read_response().status == 200
    assert up.last.body == with_model(body, b"real-model")


@pytest.mark.parametrize("coding, encode", [
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("br", brotli.compress),
    ("zstd", lambda b: zstandard.ZstdCompressor().compress(b)),
    ("x-gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("identity", lambda b: b),
])
def test_compressed_bodies_are_decoded(gw, up, coding, encode):
    got = sent(gw, up, encode(ODD), [("Content-Encoding", coding)])
    assert got.body == with_model(ODD, b"real-model")
    assert got.get("content-encoding") is None


def test_a_zstd_body_without_its_size_is_decoded(gw, up):
    c = zstandard.ZstdCompressor().compressobj()
    packed = c.compress(ODD) + c.flush()
    assert sent(gw, up, packed, [("Content-Encoding", "zstd")]).body == with_model(ODD, b"real-model")


def test_several_gzip_members_are_one_body(gw, up):
    packed = gzip.compress(ODD[:50]) + gzip.compress(ODD[50:])
    got = sent(gw, up, packed, [("Content-Encoding", "gzip")])
    assert got.body == with_model(ODD, b"real-model")


def test_expect_100_continue(gw, up):
    with gw.client() as c:
        c.send(request_bytes("POST", "/v1/chat/completions", [
            ("Content-Type", "application/json"), ("Content-Length", str(len(ODD))),
            ("Expect", "100-continue")]))
        deadline = time.monotonic() + 5
        while b"\r\n\r\n" not in c.buffer and time.monotonic() < deadline:
            c._fill()
        assert c.buffer.startswith(b"HTTP/1.1 100")
        c.send(ODD)
        r = c.read_response()
    assert r.interim == [100] and r.status == 200
    assert up.last.body == with_model(ODD, b"real-model") and up.last.get("expect") is None


# Answers.

ODD_ANSWER = (b' {"choices" :[ {"message":{"content":"caf\xc3\xa9 \\u00e9","role":"assistant"},'
              b'"finish_reason":"stop","index":0 }],"x":1e400,"usage":{"prompt_tokens":1 },\r\n'
              b'"model":"whatever" ,"big":12345678901234567}\n\n')


def test_an_answer_arrives_byte_for_byte(gw, up):
    up.answer(reply(ODD_ANSWER))
    r = gw.chat()
    assert r.body == ODD_ANSWER and r.complete
    assert r.get("content-type") == "application/json"


def test_a_chunked_answer_arrives_byte_for_byte(gw, up):
    up.answer([head(200, [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")]),
               chunk(ODD_ANSWER[:10]), 0.02, chunk(ODD_ANSWER[10:11]), chunk(ODD_ANSWER[11:]),
               LAST_CHUNK])
    r = gw.chat()
    assert r.body == ODD_ANSWER and r.complete


def test_an_answer_that_ends_with_the_connection_arrives(gw, up):
    up.answer([head(200, [("Content-Type", "application/json"), ("Connection", "close")]),
               ODD_ANSWER, FIN])
    r = gw.chat()
    assert r.status == 200 and r.body == ODD_ANSWER and r.complete


def test_a_large_answer_arrives_byte_for_byte(gw, up):
    body = b'{"choices":[],"pad":"' + os.urandom(4_000_000).hex().encode() + b'"}'
    up.answer(reply(body))
    r = gw.chat()
    assert r.complete and r.body == body


def odd_stream(end):
    e = [x.chunk({"role": "assistant", "content": ""}), x.chunk({"content": "caf\u00e9"})]
    return end.join([
        b": a comment", b"", b"data:" + json.dumps(e[0], indent=None).encode(), b"",
        b"event: message", b"data: " + json.dumps(e[1], ensure_ascii=False).encode(), b"", b"",
        b"data:  " + x.dumps(x.chunk({}, "stop")).encode(), b"", b": ping", b"", b"data: [DONE]",
        b"", b""])


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("framing", ["chunks", "bytes", "close"])
def test_a_stream_arrives_byte_for_byte(gw, up, end, framing):
    stream = odd_stream(end)
    if framing == "chunks":
        up.answer(sse([stream[i:i + 17] for i in range(0, len(stream), 17)]))
    elif framing == "bytes":
        up.answer([*sse([])[:1], *(chunk(stream[i:i + 1]) for i in range(len(stream))), LAST_CHUNK])
    else:
        up.answer([SSE_HEAD_CLOSE, stream, FIN])
    r = gw.chat(stream=True)
    assert r.status == 200 and r.complete
    assert r.body == stream


def test_a_stream_with_the_hidden_usage_loses_only_that_event(gw, up):
    up.answer(sse(x.STREAM_TEXT))
    r = gw.chat(stream=True)
    parts = x.STREAM_TEXT.split(b"\n\n")
    del parts[x.USAGE_EVENT_INDEX]
    assert r.body == b"\n\n".join(parts)
    r = gw.chat(stream=True, stream_options={"include_usage": True})
    assert r.body == x.STREAM_TEXT


def test_usage_on_the_last_content_chunk_is_not_hidden(gw, up):
    """As some compatible servers send it: it belongs to a chunk with choices."""
    stream = x.data(x.chunk({"role": "assistant", "content": "a"})) + x.data(
        x.chunk({}, "stop", usage=x.USAGE)) + x.DONE
    up.answer(sse(stream))
    assert gw.chat(stream=True).body == stream


def test_a_binary_answer_arrives_byte_for_byte(gw, up):
    audio = os.urandom(300_000)
    up.answer(reply(audio, content_type="audio/mpeg"))
    r = gw.post("/v1/audio/speech", {"model": "m", "voice": "alloy", "input": "x"})
    assert r.body == audio and r.get("content-type") == "audio/mpeg"


# Uploads.

def form(boundary, fields, file_name, size):
    """(bytes before the file, bytes after it)"""
    before = b"".join(b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
                      % (boundary, n, v) for n, v in fields)
    before += (b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
               b'Content-Type: audio/wav\r\n\r\n' % (boundary, file_name))
    return before, b"\r\n--%s--\r\n" % boundary


def test_a_form_arrives_byte_for_byte_but_for_the_model(gw, up):
    up.answer(reply({"text": "x"}))
    before, after = form(b"XbX", [(b"model", b"m"), (b"language", b"en")], b"a.wav", 0)
    body = before + os.urandom(200_000) + after
    r = gw.post("/v1/audio/transcriptions", body,
                [("Content-Type", "multipart/form-data; boundary=XbX")])
    assert r.status == 200
    assert up.last.body == body.replace(b"\r\n\r\nm\r\n", b"\r\n\r\nreal-model\r\n", 1)
    assert up.last.get("content-type") == "multipart/form-data; boundary=XbX"


def test_a_chunked_form_arrives_too(gw, up):
    up.answer(reply({"text": "x"}))
    before, after = form(b"XbX", [(b"model", b"m")], b"a.wav", 0)
    body = before + os.urandom(200_000) + after
    with gw.client() as c:
        c.send(request_bytes("POST", "/v1/audio/transcriptions", [
            ("Content-Type", 'multipart/form-data; boundary="XbX"'),
            ("Transfer-Encoding", "chunked")]) +
            chunked(*[body[i:i + 5000] for i in range(0, len(body), 5000)]))
        assert c.read_response().status == 200
    assert up.last.body == body.replace(b"\r\n\r\nm\r\n", b"\r\n\r\nreal-model\r\n", 1)


def test_a_file_upload_arrives_byte_for_byte(gw, up):
    up.answer(reply(x.FILE))
    before, after = form(b"XbX", [(b"purpose", b"batch")], b"a.jsonl", 0)
    body = before + os.urandom(100_000) + after
    r = gw.post("/v1/files", body, [("Content-Type", "multipart/form-data; boundary=XbX"),
                                    ("x-gateway-provider", "up")])
    assert r.status == 200 and up.last.body == body


@pytest.mark.slow
def test_a_gigabyte_of_audio_passes_in_eight_megabytes_of_memory(gateway, upstream, sanitized):
    upstream.keep_bodies = False
    upstream.answer(reply({"text": "x"}))
    gw = gateway({"workers": 1, "providers": {"up": upstream.provider()}, "models": {"m": "up/w"}})
    before, after = form(b"XbX", [(b"model", b"m")], b"a.wav", 0)
    block = os.urandom(1 << 20)

    def upload(megabytes):
        with gw.client(timeout=110) as c:
            c.send(request_bytes("POST", "/v1/audio/transcriptions", [
                ("Content-Type", "multipart/form-data; boundary=XbX"),
                ("Content-Length", str(len(before) + (megabytes << 20) + len(after)))]) + before)
            for _ in range(megabytes):
                c.send(block)
            c.send(after)
            assert c.read_response().status == 200

    upload(2)  # what is needed once: code, buffers, connections
    size = 128 if sanitized else 1024
    held = gw.status("VmHWM")
    upload(size)
    grown = gw.status("VmHWM") - held
    assert upstream.last.body_bytes == len(before) + len(after) + (size << 20) - len("m") + len("w")
    print(f"{size} MB went through with {grown} KiB more of memory")
    assert sanitized or grown < 8192


@pytest.mark.slow
def test_a_large_download_does_not_stay_in_memory(gateway, upstream, sanitized):
    block = os.urandom(1 << 20)
    count = 200
    upstream.answer([head(200, [("Content-Type", "application/octet-stream"),
                                ("Content-Length", str(count << 20))])] + [block] * count)
    gw = gateway({"workers": 1, "providers": {"up": upstream.provider()}})
    gw.get("/v1/models")
    held = gw.status("VmHWM")
    total = 0
    with gw.client() as c:
        c.send(request_bytes("GET", "/v1/files/file-1/content"))
        r = c.read_head()
        assert r.get("content-length") == str(count << 20)
        while total < count << 20:
            assert c.buffer or c._fill()
            total += len(c.buffer)
            c.buffer = b""
    grown = gw.status("VmHWM") - held
    assert sanitized or grown < 8192


def test_an_upload_to_a_slow_provider_waits_in_the_client(gateway, upstream, sanitized):
    """Backpressure: what the provider does not read is not read from the client."""
    def dawdle(request):
        async def stop(connection):
            connection.transport.pause_reading()
        return [stop, 1.0, reply({"text": "x"}), FIN]
    script = Early([])
    script_function = dawdle
    script_function.early = True
    upstream.answer(script_function)
    gw = gateway({"workers": 1, "providers": {"up": upstream.provider()}, "models": {"m": "up/w"}})
    before, after = form(b"XbX", [(b"model", b"m")], b"a.wav", 0)
    held = gw.status("VmRSS")
    sent = 0
    with gw.client(timeout=0.7) as c:
        c.send(request_bytes("POST", "/v1/audio/transcriptions", [
            ("Content-Type", "multipart/form-data; boundary=XbX"),
            ("Content-Length", str(len(before) + (1 << 30) + len(after)))]) + before)
        try:
            for _ in range(1024):
                sent += c.sock.send(b"x" * (1 << 20))
        except (TimeoutError, ConnectionError):
            pass
        assert sent < 64 << 20, "nobody read it, and yet it was taken"
        assert sanitized or gw.status("VmRSS") - held < 8192
