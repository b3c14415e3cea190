"""Ollama: its own Python client as the judge of the mock and of what the gateway sends, and OpenAI's client
before the gateway.

mapping: §7 stream §8 tools §9 response_format §10 reasoning_effort §13 OLL §14 OLL §16.4 §17 OLL §19 OLL"""
import base64
import json
import socket
import struct
import subprocess
import time

import ollama
import openai
import pytest
from ollama import _types as shapes

from harness.gateway import BINARY, clean_environment, die_with_parent, free_port
from harness.upstream import FIN, chunk, head, reply

USER = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "of a city", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
LINES_HEAD = head(200, [("Content-Type", "application/x-ndjson"), ("Transfer-Encoding", "chunked")])
SENTENCE = "The gateway relays every token as it arrives, and adds nothing to the answer. Demo text. "


def line(content="", done=False, **more):
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    return json.dumps({"model": "qwen3", "created_at": "2026-11-01T10:00:00.1Z", "message": message,
                       "done": done, **more}).encode() + b"\n"


DONE = line(done=True, done_reason="stop", total_duration=812345678, load_duration=40123456,
            prompt_eval_count=14, prompt_eval_duration=90123456, eval_count=7, eval_duration=310123456)


def lines(*all_of_them, end=b"0\r\n\r\n"):
    return [LINES_HEAD, *[chunk(one) for one in all_of_them], end]


def whole(content="Hello", done_reason="stop", **more):
    return reply(json.loads(line(content, True, done_reason=done_reason, prompt_eval_count=14, eval_count=7,
                                 **more)))


# The mock, judged by Ollama's client.

@pytest.fixture(scope="module")
def mock():
    port = free_port()
    process = subprocess.Popen([BINARY, "mock", "--listen", f"127.0.0.1:{port}"], env=clean_environment(),
                               preexec_fn=die_with_parent, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    for _ in range(500):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def client(mock):
    return ollama.Client(host=mock)


def test_the_mock_answers_whole_and_in_lines(client):
    answer = client.chat("mock-llama", messages=USER)
    assert answer.message.content == SENTENCE
    assert answer.done and answer.done_reason == "stop" and answer.eval_count == 16
    parts = list(client.chat("mock-llama", messages=USER, stream=True))
    assert "".join(p.message.content for p in parts) == SENTENCE
    assert [p.done for p in parts] == [False] * 16 + [True]
    assert parts[-1].prompt_eval_count > 0 and parts[-1].total_duration > 0


def test_the_mock_thinks_when_told_to_and_some_of_its_models_by_themselves(client):
    parts = list(client.chat("mock-llama", messages=USER, stream=True, think="high"))
    assert "".join(p.message.thinking or "" for p in parts) == "Let me think about this."
    assert client.chat("mock-think", messages=USER).message.thinking
    assert not client.chat("mock-think", messages=USER, think=False).message.thinking
    with pytest.raises(ollama.ResponseError, match="does not support thinking"):
        client.chat("mock-plain", messages=USER, think=True)


def test_the_mock_calls_tools_whole(client):
    for stream in (False, True):
        got = client._client.post("/api/chat", headers={"x-mock-tool": "2"}, json={
            "model": "mock-llama", "stream": stream, "messages": USER, "tools": [TOOL]})
        answers = [ollama.ChatResponse(**json.loads(one)) for one in got.text.splitlines()]
        calls = [c.function for a in answers for c in a.message.tool_calls or []]
        assert [c.name for c in calls] == ["get_weather"] * 2
        assert [c.arguments["city"] for c in calls] == ["Oslo", "Bergen"]


def test_the_mock_embeds_and_lists(client):
    got = client.embed("mock-embed", input=["a", "bb"], dimensions=3)
    assert len(got.embeddings) == 2 and len(got.embeddings[0]) == 3
    assert got.embeddings[0] != got.embeddings[1]
    assert sum(x * x for x in got.embeddings[0]) == pytest.approx(1)
    assert "mock-llama:latest" in [m.model for m in client.list().models]
    assert client._client.get("/api/version").json()["version"]


@pytest.mark.parametrize("body", [
    {"messages": USER},
    {"model": "m", "messages": []},
    {"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
    {"model": "m", "messages": [{"role": "developer", "content": "x"}]},
    {"model": "m", "messages": [{"role": "user", "content": "x", "images": ["data:image/png;base64,AA=="]}]},
    {"model": "m", "messages": [{"role": "assistant", "content": "", "tool_calls": [
        {"function": {"name": "f", "arguments": "{}"}}]}]},
    {"model": "m", "messages": [*USER, {"role": "tool", "content": "x"}]},
    {"model": "m", "messages": USER, "max_tokens": 5},
    {"model": "m", "messages": USER, "think": "xhigh"},
    {"model": "m", "messages": USER, "format": "text"},
    {"model": "m", "messages": USER, "options": {"temperature": "hot"}},
    {"model": "m", "messages": USER, "tools": [{"name": "f"}]},
])
def test_the_mock_refuses_what_is_not_ollamas(client, body):
    got = client._client.post("/api/chat", json=body)
    assert got.status_code == 400 and isinstance(got.json()["error"], str)


# The gateway, with a provider that the test plays.

@pytest.fixture(scope="module")
def up(shared_upstream):
    return shared_upstream


@pytest.fixture(scope="module")
def gw(shared_gateway, up, mock):
    return shared_gateway({
        "providers": {
            "ollama": {"type": "ollama", "base_url": up.url.removesuffix("/v1"), "discover": False,
                       "num_ctx": 8192, "keep_alive": "10m"},
            "v1": {"type": "ollama", "base_url": up.url, "api": "openai", "discover": False},
            "mocked": {"type": "ollama", "base_url": mock},
        },
        "models": {"local": "ollama/qwen3", "eyes": "ollama/qwen3-vl", "embed": "ollama/nomic-embed-text"},
    })


def test_what_is_sent_is_a_request_by_ollamas_own_types(gw, up):
    up.answer(whole())
    gw.openai().chat.completions.create(
        model="eyes", temperature=0.5, top_p=0.9, max_completion_tokens=50, seed=7, stop=["a", "b"],
        presence_penalty=0.1, frequency_penalty=0.2, reasoning_effort="low", logprobs=True, top_logprobs=2,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {
            "type": "object", "properties": {"a": {"type": "integer"}}}}},
        tools=[TOOL], extra_body={"ollama": {"options": {"repeat_penalty": 1.1}, "keep_alive": 60}},
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {
                "url": "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()}}]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {
                    "name": "get_weather", "arguments": '{"city": "Oslo"}'}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"}])
    got = up.last
    assert (got.method, got.target) == ("POST", "/api/chat")
    assert got.get("authorization") is None and got.get("origin") is None
    assert got.get("host") == f"127.0.0.1:{up.port}"
    sent = got.json()
    assert sent["stream"] is False
    assert sent["messages"][3] == {"role": "tool", "content": "rain", "tool_name": "get_weather",
                                   "tool_call_id": "call_1"}
    assert sent["messages"][2]["tool_calls"][0]["id"] == "call_1"
    assert sent["options"] == {"num_ctx": 8192, "num_predict": 50, "temperature": 0.5, "top_p": 0.9, "seed": 7,
                               "presence_penalty": 0.1, "frequency_penalty": 0.2, "stop": ["a", "b"],
                               "repeat_penalty": 1.1}
    assert sent["keep_alive"] == 60 and sent["think"] == "low"
    # Ollama's Python types do not have the ids; everything else must be known there.
    for message in sent["messages"]:
        message.pop("tool_call_id", None)
        for call in message.get("tool_calls") or []:
            call.pop("id")
        for image in message.pop("images", []):
            assert shapes.Image(value=image).model_dump() == image
    messages = [shapes.Message.model_validate(m) for m in sent["messages"]]
    assert [m.model_dump(exclude_none=True) for m in messages] == sent["messages"]
    assert shapes.Options.model_validate(sent["options"]).model_dump(exclude_none=True) == sent["options"]
    assert shapes.Tool.model_validate(sent["tools"][0]).model_dump(exclude_none=True) == sent["tools"][0]
    read = shapes.ChatRequest.model_validate(sent)
    assert set(sent) <= set(type(read).model_fields)


def test_a_buffered_answer(gw, up):
    up.answer(whole('{"a": 1}', message={"thinking": "Hm."}))
    r = gw.openai().chat.completions.create(model="local", messages=USER)
    assert r.choices[0].message.content == '{"a": 1}'
    assert r.choices[0].message.reasoning_content == "Hm."
    assert r.choices[0].finish_reason == "stop"
    assert (r.usage.prompt_tokens, r.usage.completion_tokens, r.usage.total_tokens) == (14, 7, 21)


def test_a_stream_of_lines_however_they_are_cut(gw, up):
    all_of_it = line(message={"thinking": "Hm."}) + line("Hel") + line("lo é") + DONE
    for step in (1, 7, 100000):
        pieces = [all_of_it[i:i + step] for i in range(0, len(all_of_it), step)]
        up.answer(lines(*pieces))
        parts = list(gw.openai().chat.completions.create(model="local", messages=USER, stream=True,
                                                         stream_options={"include_usage": True}))
        deltas = [c.delta for p in parts for c in p.choices]
        assert "".join(d.content or "" for d in deltas) == "Hello é"
        assert "".join(getattr(d, "reasoning_content", None) or "" for d in deltas) == "Hm."
        assert parts[-1].usage.total_tokens == 21
        assert up.last.json()["stream"] is True


def test_calls_come_whole_and_are_numbered_over_lines(gw, up):
    def called(name, i):
        return line(message={"tool_calls": [{"id": f"call_{i}", "function": {
            "index": 0, "name": name, "arguments": {"city": "Oslo"}}}]})
    up.answer(lines(called("get_weather", 1), called("get_time", 2), DONE))
    with gw.openai().chat.completions.stream(model="local", messages=USER) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert [(c.id, c.function.name) for c in calls] == [("call_1", "get_weather"), ("call_2", "get_time")]
    assert json.loads(calls[1].function.arguments) == {"city": "Oslo"}
    assert final.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("ending", [
    [b'{"error":"an error was encountered while running the model: unexpected EOF"}\n'],  # it says so
    [line(done=True, done_reason="")],  # the runner was lost
    [line(done=True)],
    [],  # it just ends
], ids=["error", "empty reason", "no reason", "no end"])
def test_a_failure_in_the_middle_is_never_an_end(gw, up, ending):
    up.answer([LINES_HEAD, chunk(line("Par")), 0.2, *[chunk(e) for e in ending], b"0\r\n\r\n"])
    got = []
    with pytest.raises(openai.APIError):
        for part in gw.openai().chat.completions.create(model="local", messages=USER, stream=True):
            got += [c.delta.content for c in part.choices]
    assert "".join(filter(None, got)) == "Par"


def test_a_connection_that_breaks_is_never_an_end(gw, up):
    up.answer([LINES_HEAD, chunk(line("Par")), 0.2, FIN])
    with pytest.raises(openai.APIError):
        list(gw.openai().chat.completions.create(model="local", messages=USER, stream=True))


@pytest.mark.parametrize("status, text, error, code", [
    (400, '"qwen3" does not support tools', openai.BadRequestError, None),
    (404, "model 'qwen3' not found", openai.NotFoundError, None),
    (500, "llama runner process has terminated: exit status 2", openai.InternalServerError, "upstream_status"),
    (503, "server busy, please try again.  maximum pending requests exceeded", openai.InternalServerError,
     "upstream_overloaded"),
])
def test_errors_before_the_answer(gw, up, status, text, error, code):
    up.answer(reply({"error": text}, status))
    for stream in (False, True):
        with pytest.raises(error) as e:
            gw.openai().chat.completions.create(model="local", messages=USER, stream=stream)
        # What the client did is said in the server's words; its own failures by their kind.
        assert e.value.code == code if code else text in str(e.value)


def test_a_forced_tool_is_refused_and_none_takes_the_tools_away(gw, up):
    up.answer(whole())
    up.forget()
    with pytest.raises(openai.BadRequestError) as e:
        gw.openai().chat.completions.create(model="local", messages=USER, tools=[TOOL], tool_choice="required")
    assert e.value.param == "tool_choice" and not up.requests
    gw.openai().chat.completions.create(model="local", messages=USER, tools=[TOOL], tool_choice="none")
    assert "tools" not in up.last.json()
    raw = gw.openai().chat.completions.with_raw_response.create(
        model="local", messages=USER, tools=[TOOL],
        tool_choice={"type": "function", "function": {"name": "get_weather"}})
    assert "tool_choice" in raw.headers["x-gateway-unsupported"]
    assert len(up.last.json()["tools"]) == 1


def test_embeddings_by_its_own_api(gw, up):
    up.answer(reply({"model": "nomic-embed-text", "embeddings": [[0.6, -0.8], [1, 0]], "prompt_eval_count": 8}))
    r = gw.openai().embeddings.create(model="embed", input=["a", "b"], dimensions=2)  # asks for base64
    assert r.data[0].embedding == pytest.approx([0.6, -0.8]) and r.data[1].index == 1
    assert (r.usage.prompt_tokens, r.usage.total_tokens) == (8, 8)
    got = up.last
    assert got.target == "/api/embed"
    sent = got.json()
    assert sent == {"model": "nomic-embed-text", "input": ["a", "b"], "dimensions": 2, "keep_alive": "10m"}
    again = shapes.EmbedRequest.model_validate(sent).model_dump(exclude_none=True)
    assert again == sent
    plain = gw.openai().embeddings.create(model="embed", input=["a", "b"], encoding_format="float")
    assert plain.data[0].embedding == [0.6, -0.8]
    raw = gw.post("/v1/embeddings", {"model": "embed", "input": ["a", "b"], "encoding_format": "base64"}).json()
    assert struct.unpack("<2f", base64.b64decode(raw["data"][1]["embedding"])) == (1.0, 0.0)
    with pytest.raises(openai.InternalServerError) as e:  # two vectors for one text
        gw.openai().embeddings.create(model="embed", input="a")
    assert e.value.code == "upstream_malformed"


def test_token_ids_cannot_be_embedded(gw, up):
    up.forget()
    with pytest.raises(openai.BadRequestError) as e:
        gw.openai().embeddings.create(model="embed", input=[[1, 2], [3]])
    assert e.value.param == "input[0]" and not up.requests


def test_its_openai_form_is_passed_through(gw, up):
    up.answer(reply({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "qwen3", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]}))
    gw.openai().chat.completions.create(model="v1/qwen3", messages=USER, seed=1)
    assert up.last.target == "/v1/chat/completions"
    assert up.last.json() == {"messages": USER, "model": "qwen3", "seed": 1}


def test_models_are_listed_by_its_own_api(gw):
    deadline = time.monotonic() + 10
    while True:
        names = [m.id for m in gw.openai().models.list()]
        if "mocked/mock-llama:latest" in names or "mock-llama:latest" in names:
            return
        assert time.monotonic() < deadline, names
        time.sleep(0.05)


def test_through_the_gateway_to_the_mock(gw):
    sdk = gw.openai()
    r = sdk.chat.completions.create(model="mocked/mock-think", messages=USER)
    assert r.choices[0].message.content == SENTENCE
    assert r.choices[0].message.reasoning_content == "Let me think about this."
    parts = list(sdk.chat.completions.create(model="mocked/mock-llama", messages=USER, stream=True))
    assert "".join(c.delta.content or "" for p in parts for c in p.choices) == SENTENCE
    got = sdk.embeddings.create(model="mocked/mock-embed", input=["a", "bb"])
    assert len(got.data) == 2 and got.data[0].embedding != got.data[1].embedding
    called = sdk.chat.completions.create(model="mocked/mock-llama", messages=USER, tools=[TOOL],
                                         extra_headers={"x-mock-tool": "1"})
    assert called.choices[0].finish_reason in ("tool_calls", "stop")
