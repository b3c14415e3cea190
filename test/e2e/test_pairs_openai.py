"""OpenAI's official SDK on chat completions and legacy completions, through the gateway to providers of other
formats; and what providers of OpenAI's format get from clients of other formats.  The SDK's typed models
judge every body and every chunk, both ways."""
import base64
import json
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping

import anthropic
import openai
import pydantic
import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.completion_create_params import (CompletionCreateParamsNonStreaming,
                                                        CompletionCreateParamsStreaming)

from harness.gateway import BINARY, clean_environment, die_with_parent, free_port
from harness.upstream import reply, sse

KEY = "sk-gw-" + "c" * 40
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": name, "description": f"Tells the {name}.",
                                           "parameters": WEATHER}} for name in ("get_weather", "get_time")]
CUSTOM = [{"type": "custom", "custom": {"name": "shell", "description": "Runs a command."}}]
ASKED = [{"role": "user", "content": "Weather and time in Oslo?"}]
FOREIGN = {"anthropic": "claude/claude-sonnet-4-5", "gemini": "google/gemini-2.5-flash",
           "bedrock": "aws/anthropic.claude-sonnet-4-5-20250929-v1:0", "ollama": "local/qwen3",
           "responses": "openai/gpt-5.5"}  # the last by OpenAI's other API, for its tools


def strict(model):
    """The SDK builds its objects without looking; pydantic looks."""
    return type(model).model_validate(model.to_dict())


@pytest.fixture(scope="module")
def mock():
    port = free_port()
    process = subprocess.Popen([BINARY, "mock", "--listen", f"127.0.0.1:{port}"],
                               env=clean_environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
    for _ in range(500):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def gw(shared_gateway, mock):
    up = {"discover": False, "api_key": "sk-upstream"}
    return shared_gateway({
        "keys": {"app": {"key": KEY}},
        "providers": {
            "openai": {"type": "openai", "base_url": mock + "/v1"} | up,
            "claude": {"type": "anthropic", "base_url": mock} | up,
            "google": {"type": "gemini", "base_url": mock} | up,
            "aws": {"type": "bedrock", "base_url": mock, "region": "us-east-1", "discover": False,
                    "aws": {"access_key_id": "AKIDMOCK", "secret_access_key": "mock-secret"}},
            "local": {"type": "ollama", "base_url": mock, "discover": False},
        },
    })


@pytest.fixture(params=FOREIGN)
def foreign(request, gw):
    with openai.OpenAI(base_url=gw.url + "/v1", api_key=KEY, max_retries=0) as client:
        client.place, client.model = request.param, FOREIGN[request.param]
        yield client


def chunks_of(client, model, custom=False, **arguments):
    """All chunks, each valid, of one answer, in the order that clients want.  custom: calls of a type that
    OpenAI sends, and the SDK's model of chunks does not have yet."""
    chunks = list(client.chat.completions.create(model=model, stream=True,
                                                 stream_options={"include_usage": True}, **arguments))
    for c in chunks if not custom else ():
        ChatCompletionChunk.model_validate(c.to_dict())
    assert len({(c.id, c.created, c.model) for c in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert all(c.choices[0].delta.role is None for c in chunks[1:] if c.choices)
    assert [bool(c.choices) for c in chunks] == [True] * (len(chunks) - 1) + [False]
    assert chunks[-1].usage.completion_tokens > 0
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert finishes[-1] and not any(finishes[:-1])
    assert chunks[-2].choices[0].delta.to_dict() == {}
    return chunks


def test_a_text(foreign):
    done = strict(foreign.chat.completions.create(
        model=foreign.model, messages=[{"role": "developer", "content": "Be brief."}, *ASKED]))
    assert done.choices[0].message.content.startswith("The gateway relays")
    assert done.choices[0].finish_reason == "stop" and done.object == "chat.completion"
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 0


def test_a_streamed_text(foreign):
    chunks = chunks_of(foreign, foreign.model + ";tokens=9", messages=ASKED)
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    whole = foreign.chat.completions.create(model=foreign.model + ";tokens=9", messages=ASKED)
    assert text == whole.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].usage.completion_tokens, chunks[-1].usage.total_tokens > 0) == \
        (whole.usage.completion_tokens, True)


def test_no_usage_without_the_wish(foreign):
    chunks = list(foreign.chat.completions.create(model=foreign.model, messages=ASKED, stream=True))
    assert all(c.choices and c.usage is None for c in chunks)


@pytest.mark.parametrize("stream", [False, True])
def test_two_calls_and_their_results(foreign, stream):
    model = foreign.model + ";tool=2"
    if stream:
        with foreign.chat.completions.stream(model=model, messages=ASKED, tools=TOOLS) as s:
            for _ in s:
                pass
            message = s.get_final_completion().choices[0].message
    else:
        message = strict(foreign.chat.completions.create(model=model, messages=ASKED,
                                                         tools=TOOLS)).choices[0].message
    assert [c.function.name for c in message.tool_calls] == ["get_weather", "get_time"]
    assert [json.loads(c.function.arguments) for c in message.tool_calls] == [{"city": "Oslo"},
                                                                             {"city": "Bergen"}]
    turns = [*ASKED, message.to_dict()]
    turns += [{"role": "tool", "tool_call_id": c.id, "content": "fine"} for c in reversed(message.tool_calls)]
    done = strict(foreign.chat.completions.create(model=model, messages=turns, tools=TOOLS))
    assert done.choices[0].message.content and done.choices[0].finish_reason == "stop"


def test_chunks_of_calls(foreign):
    chunks = chunks_of(foreign, foreign.model + ";tool=2", messages=ASKED, tools=TOOLS)
    seen = {}
    for c in (c for chunk in chunks if chunk.choices for c in chunk.choices[0].delta.tool_calls or []):
        said = c.to_dict()
        if c.index not in seen:
            assert said["id"] and said["type"] == "function" and said["function"]["name"]
            seen[c.index] = ""
        else:
            assert set(said) == {"index", "function"} and set(said["function"]) == {"arguments"}
        seen[c.index] += c.function.arguments
    assert list(seen) == [0, 1] and all(json.loads(a)["city"] for a in seen.values())
    assert chunks[-2].choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
def test_a_custom_tool(foreign, stream):
    if foreign.place == "ollama":
        pytest.skip("Ollama has no tools of free text")
    model, asked = foreign.model + ";tool=1", [{"role": "user", "content": "List files."}]
    if stream:
        calls = [c.to_dict() for chunk in chunks_of(foreign, model, True, messages=asked, tools=CUSTOM)
                 if chunk.choices for c in chunk.choices[0].delta.tool_calls or []]
        assert calls[0]["type"] == "custom" and calls[0]["custom"]["name"] == "shell"
        call = {"id": calls[0]["id"], "type": "custom",
                "custom": {"name": "shell", "input": "".join(c["custom"]["input"] for c in calls)}}
    else:
        done = strict(foreign.chat.completions.create(model=model, messages=asked, tools=CUSTOM))
        [call] = [c.to_dict() for c in done.choices[0].message.tool_calls]
    assert call["type"] == "custom" and "Oslo" in call["custom"]["input"]
    turns = [*asked, {"role": "assistant", "content": None, "tool_calls": [call]},
             {"role": "tool", "tool_call_id": call["id"], "content": "a b"}]
    assert foreign.chat.completions.create(model=model, messages=turns, tools=CUSTOM).choices[0].message.content


def test_parse(foreign):
    class Answer(pydantic.BaseModel):
        answer: str
        number: int

    done = foreign.chat.completions.parse(model=foreign.model, response_format=Answer,
                                          messages=[{"role": "user", "content": "Answer in JSON."}])
    assert done.choices[0].message.parsed == Answer(answer="mock", number=42)


def test_a_picture(foreign):
    url = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 40).decode()
    model = {"ollama": "local/qwen2.5vl"}.get(foreign.place, foreign.model)
    done = foreign.chat.completions.create(model=model, messages=[{"role": "user", "content": [
        {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]}])
    assert done.choices[0].message.content


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("maker", ["anthropic", "gemini", "bedrock"])
def test_reasoning_goes_round(gw, maker, stream):
    """The mock refuses signatures that are not its own, byte for byte."""
    client = openai.OpenAI(base_url=gw.url + "/v1", api_key=KEY, max_retries=0)
    asked = dict(model=FOREIGN[maker] + ";tool=1", tools=TOOLS, reasoning_effort="medium")
    if stream:
        chunks = chunks_of(client, messages=ASKED, **asked)
        deltas = [c.choices[0].delta.to_dict() for c in chunks if c.choices]
        text = "".join(d.get("reasoning_content", "") for d in deltas)
        message = {"role": "assistant", "content": None,
                   "thinking_blocks": [b for d in deltas for b in d.get("thinking_blocks", [])],
                   "tool_calls": []}
        for d in (d for delta in deltas for d in delta.get("tool_calls", [])):
            if "id" in d:
                message["tool_calls"].append({k: v for k, v in d.items() if k != "index"})
            else:
                message["tool_calls"][-1]["function"]["arguments"] += d["function"]["arguments"]
    else:
        done = strict(client.chat.completions.create(messages=ASKED, **asked))
        message = done.choices[0].message.to_dict()
        text = message["reasoning_content"]
    assert text == "Let me think about this."
    proven = message.get("thinking_blocks") or [c for c in message["tool_calls"] if "extra_content" in c]
    assert proven
    turns = [*ASKED, message, {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"],
                               "content": "fine"}]
    assert client.chat.completions.create(messages=turns, **asked).choices[0].message.content
    client.close()


def test_several_answers(foreign):
    if foreign.place == "responses":
        pytest.skip("the same API on both sides")
    done = strict(foreign.chat.completions.create(model=foreign.model, messages=ASKED, n=3))
    assert [c.index for c in done.choices] == [0, 1, 2]
    chunks = list(foreign.chat.completions.create(model=foreign.model, messages=ASKED, n=2, stream=True))
    assert sorted(c.choices[0].index for c in chunks if c.choices[0].finish_reason) == [0, 1]


def test_what_was_cut_says_length(foreign):
    done = foreign.chat.completions.create(model=foreign.model + ";tokens=50", messages=ASKED,
                                           max_completion_tokens=16)
    if foreign.place == "ollama" and done.choices[0].finish_reason == "stop":
        pytest.skip("this mock does not cut")
    assert done.choices[0].finish_reason == "length"


@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_openais(foreign, stream):
    with pytest.raises(openai.RateLimitError) as e:
        foreign.chat.completions.create(model=foreign.model + ";fail=429", messages=ASKED, stream=stream)
    assert e.value.code and e.value.message
    if foreign.place == "responses":
        return  # whose provider words and judges it
    assert e.value.type == "rate_limit_error"
    with pytest.raises(openai.BadRequestError) as e:
        foreign.chat.completions.create(model=foreign.model, tools=TOOLS, messages=ASKED, stream=stream,
                                        tool_choice="sometimes")
    assert e.value.param == "tool_choice"


def test_a_failure_in_mid_stream_is_raised(foreign):
    stream = foreign.chat.completions.create(model=foreign.model + ";error-after=8;tokens=20;token-rate=100",
                                             messages=ASKED, stream=True)
    said = ""
    with pytest.raises(openai.APIError) as e:
        for chunk in stream:
            said += chunk.choices[0].delta.content or ""
    assert said and "told to fail" in e.value.message


def test_legacy_completions(foreign):
    asked = dict(model=foreign.model + ";tokens=8", prompt="Once upon", max_tokens=50)
    done = strict(foreign.completions.create(**asked))
    assert done.object == "text_completion" and done.choices[0].text
    chunks = list(foreign.completions.create(stream=True, **asked))
    for c in chunks:
        Completion.model_validate(c.to_dict() | {"choices": [
            {**x, "finish_reason": x["finish_reason"] or "stop"} for x in c.to_dict()["choices"]]})
    assert "".join(c.choices[0].text for c in chunks) == done.choices[0].text
    assert chunks[-1].choices[0].finish_reason == "stop"
    if foreign.place in ("responses", "ollama"):
        return  # providers with an endpoint for them
    with pytest.raises(openai.BadRequestError) as e:
        foreign.completions.create(**asked | {"prompt": ["a", "b"]})
    assert e.value.param == "prompt"
    with pytest.raises(openai.BadRequestError) as e:
        foreign.completions.create(suffix="end", **asked)
    assert e.value.param == "suffix"


# --- What providers of OpenAI's format get

def walk(value):
    """Pydantic looks into iterables only as they are walked."""
    if isinstance(value, Mapping):
        for v in value.values():
            walk(v)
    elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        for v in value:
            walk(v)


PARAMETERS = {False: pydantic.TypeAdapter(CompletionCreateParamsNonStreaming),
              True: pydantic.TypeAdapter(CompletionCreateParamsStreaming)}
KNOWN = set(CompletionCreateParamsStreaming.__annotations__) | set(
    k for base in CompletionCreateParamsStreaming.__orig_bases__ for k in getattr(base, "__annotations__", {}))


def judge(body):
    walk(PARAMETERS[body.get("stream", False)].validate_python(body))
    assert set(body) <= KNOWN, set(body) - KNOWN


HELLO = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-5.1", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "Hello", "refusal": None}, "logprobs": None,
     "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}}
PNG = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()}
TURNS = [
    {"role": "user", "content": [{"type": "text", "text": "Look", "cache_control": {"type": "ephemeral"}},
                                 {"type": "image", "source": PNG}]},
    {"role": "assistant", "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "EqQB"}, {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "see", "input": {"x": 1}},
        {"type": "tool_use", "id": "toolu_2", "name": "see", "input": {}}]},
    {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True, "content": "no"},
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": [
            {"type": "text", "text": "seen"}, {"type": "image", "source": PNG}]},
        {"type": "text", "text": "So?"}]}]


@pytest.mark.parametrize("kind,model", [("openai", "gpt-4.1"), ("openai", "gpt-5.1"), ("azure", "gpt-5.1"),
                                        ("openai-compatible", "small")])
def test_what_anthropics_sdk_asks_is_valid_for_openais(gateway, upstream, kind, model):
    entry = upstream.provider(type=kind)
    upstream.answer(reply(HELLO))
    gw = gateway({"providers": {"up": entry}, "keys": {"app": {"key": KEY}}})
    client = anthropic.Anthropic(base_url=gw.url, api_key=KEY, max_retries=0)
    done = client.messages.create(
        model="up/" + model, max_tokens=300, system=[{"type": "text", "text": "A"}, {"type": "text", "text": "B"}],
        messages=TURNS, tools=[{"name": "see", "description": "Sees.", "input_schema": WEATHER}],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        stop_sequences=["a", "b", "c", "d", "e"], metadata={"user_id": "u" * 200})
    assert done.content[0].text == "Hello" and done.usage.input_tokens == 3
    body = upstream.last.json()
    if kind == "openai-compatible":
        assert [m.pop("reasoning_content", None) for m in body["messages"]].count("Hm.") == 1
    judge(body)
    roles = [m["role"] for m in body["messages"]]
    assert roles[1:] == ["user", "assistant", "tool", "tool", "user", "user"]
    assert [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"] == ["toolu_1", "toolu_2"]
    client.close()


def test_a_stream_of_a_compatible_server_with_bad_habits(gateway, upstream):
    def chunk(delta, **more):
        return "data: " + json.dumps({"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [
            {"index": 0, "delta": delta, "finish_reason": None, **more}]}) + "\n\n"

    call = lambda id, name, arguments: {"role": "assistant", "content": "", "tool_calls": [
        {"index": 0, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}]}
    upstream.answer(sse((": hello\n\n" + chunk({"role": "assistant", "content": None}) +
                         chunk({"reasoning": "Hm."}) + chunk(call("a", "see", "{}")) +
                         chunk(call("b", "see", '{"city":"Oslo"}')) + chunk({}, finish_reason="stop") +
                         "data: [DONE]\n\n").encode()))
    gw = gateway({"providers": {"up": upstream.provider()}, "keys": {"app": {"key": KEY}}})
    client = anthropic.Anthropic(base_url=gw.url, api_key=KEY, max_retries=0)
    with client.messages.stream(model="up/m", max_tokens=99, messages=[{"role": "user", "content": "Hi"}],
                                tools=[{"name": "see", "input_schema": WEATHER}]) as stream:
        final = stream.get_final_message()
    assert [b.type for b in final.content] == ["thinking", "tool_use", "tool_use"]
    assert [b.input for b in final.content[1:]] == [{}, {"city": "Oslo"}]
    assert final.stop_reason == "tool_use"
    judge(upstream.last.json())
    client.close()
