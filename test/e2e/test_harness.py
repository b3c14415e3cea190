"""The tools of these tests, tried on themselves: the SDK against the played provider directly."""
import openai
import pytest

from harness.provider import openai_like
from harness.raw import RawClient, chunked, request_bytes, sse_events
from harness.upstream import FIN, RST, SSE_HEAD, chunk, sse
from harness import exchanges as x


def test_the_played_provider_serves_the_sdk(upstream):
    upstream.answer(openai_like)
    user = [{"role": "user", "content": "hi"}]
    with openai.OpenAI(base_url=upstream.url, api_key="k", max_retries=0) as client:
        assert client.chat.completions.create(model="text", messages=user).id == "chatcmpl-1"
        stream = client.chat.completions.create(model="tools", messages=user, stream=True)
        assert len(list(stream)) == 6
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="status-429", messages=user)


def test_it_records_bodies_and_their_framing(upstream):
    upstream.answer(openai_like)
    with RawClient(upstream.port) as c:
        c.send(request_bytes("POST", "/v1/embeddings", [("Transfer-Encoding", "chunked")]) +
               chunked(b'{"model":"e",', b'"input":"a"}'))
        assert c.read_response().json()["model"] == "e"
    r = upstream.last
    assert r.chunked and r.body == b'{"model":"e","input":"a"}'
    assert r.raw_body == chunked(b'{"model":"e",', b'"input":"a"}')


def test_the_raw_client_knows_a_cut_answer_from_a_whole_one(upstream):
    event = b"data: 1\n\n"
    upstream.once(sse([event])).once([SSE_HEAD, chunk(event), FIN])
    upstream.once([SSE_HEAD, chunk(event), 0.05, RST])
    results = []
    for _ in range(3):
        with RawClient(upstream.port) as c:
            r = c.get("/x")
            results.append((r.complete, r.cut, sse_events(r.body)))
    assert results == [(True, "", ["1"]), (False, "fin", ["1"]), (False, "rst", ["1"])]


def test_ends_of_connections_are_seen_with_their_time(upstream):
    for leave, end in ((RawClient.fin, "fin"), (RawClient.rst, "rst")):
        before = len(upstream.connections)
        c = RawClient(upstream.port)
        c.send(b"GET / HTTP/1.1\r\n")
        connection = upstream.wait_connection(before + 1)
        leave(c)
        assert connection.ended.wait(2) and connection.end == end
        c.close()


def test_the_recorded_streams_are_what_sdks_read(upstream):
    upstream.answer(sse(x.STREAM_TEXT))
    with openai.OpenAI(base_url=upstream.url, api_key="k", max_retries=0) as client:
        chunks = list(client.chat.completions.create(model="m", messages=[], stream=True))
    assert len(chunks) == 5 and chunks[-1].usage.total_tokens == 17
