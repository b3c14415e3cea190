"""Cohere: the types of its own Python client as the judge of what the gateway sends; a provider that the test
plays answers."""
import json

import cohere
import openai
import pytest
from cohere.v2.types import V2ChatResponse
from cohere.v2.types.v2chat_stream_response import ToolCallStartV2ChatStreamResponse
from pydantic import TypeAdapter

from harness.upstream import chunk, head, reply

USER = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "of a city", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
USAGE = {"billed_units": {"input_tokens": 5, "output_tokens": 7}, "tokens": {"input_tokens": 14, "output_tokens": 7}}


@pytest.fixture(scope="module")
def up(shared_upstream):
    return shared_upstream


@pytest.fixture(scope="module")
def gw(shared_gateway, up):
    return shared_gateway({
        "providers": {"cohere": {"type": "cohere", "base_url": up.url.removesuffix("/v1"), "discover": False,
                                 "api_key": "co-key"}},
        "models": {"local": "cohere/command-a-03-2025", "eyes": "cohere/command-a-vision-07-2025",
                   "thinker": "cohere/command-a-reasoning-08-2025", "embed": "cohere/embed-v4.0"},
    })


def whole(message, finish="COMPLETE"):
    body = {"id": "c14c80c3", "finish_reason": finish, "message": {"role": "assistant", **message}, "usage": USAGE}
    assert V2ChatResponse.model_validate(body).finish_reason == finish  # the script is Cohere's, too
    return reply(body)


def stream(*events):
    lines = [b"event: %s\ndata: %s\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events]
    return [head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]),
            *[chunk(one) for one in lines], b"0\r\n\r\n"]


def same(kind, value):
    """The value read by Cohere's types and written again is the same: nothing in it is unknown or missing."""
    read = TypeAdapter(kind).validate_python(value)
    fields = set(type(read).model_fields)
    assert set(value) - {"role", "type"} <= fields, set(value) - fields
    assert not [n for n, f in type(read).model_fields.items() if f.is_required() and n not in value]
    assert json.loads(read.model_dump_json(exclude_none=True)) == value


MESSAGES = {"system": cohere.SystemChatMessageV2, "user": cohere.UserChatMessageV2,
            "assistant": cohere.AssistantChatMessageV2, "tool": cohere.ToolChatMessageV2}


def test_what_is_sent_is_a_request_by_coheres_own_types(gw, up):
    up.answer(whole({"content": [{"type": "text", "text": "ok"}]}))
    gw.openai().chat.completions.create(
        model="local", temperature=0.5, top_p=0.9, max_completion_tokens=50, seed=7, stop=["a", "b"],
        presence_penalty=0.1, tools=[TOOL], tool_choice={"type": "function", "function": {"name": "get_weather"}},
        extra_body={"cohere": {"safety_mode": "CONTEXTUAL"}},
        messages=[
            {"role": "developer", "content": "Be brief."}, *USER,
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {
                    "name": "get_weather", "arguments": '{"city": "Oslo"}'}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"}])
    got = up.last
    assert (got.method, got.target) == ("POST", "/v2/chat")
    assert got.get("authorization") == "Bearer co-key"
    sent = got.json()
    assert [m["role"] for m in sent["messages"]] == ["system", "user", "assistant", "tool"]
    for message in sent["messages"]:
        same(MESSAGES[message["role"]], message)
    same(cohere.ToolV2, sent["tools"][0])
    assert sent["tool_choice"] == "REQUIRED" and sent["safety_mode"] == "CONTEXTUAL"
    assert (sent["p"], sent["max_tokens"], sent["stop_sequences"]) == (0.9, 50, ["a", "b"])


def test_images_schemas_and_thinking_are_coheres(gw, up):
    up.answer(whole({"content": [{"type": "text", "text": '{"a": 1}'}]}))
    gw.openai().chat.completions.create(
        model="eyes", response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {
            "type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}},
        messages=[{"role": "user", "content": [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}]}])
    sent = up.last.json()
    same(cohere.UserChatMessageV2, sent["messages"][0])
    for part, kind in zip(sent["messages"][0]["content"], (cohere.TextContent, cohere.ImageUrlContent)):
        same(kind, part)
    same(cohere.JsonObjectResponseFormatV2, sent["response_format"])
    gw.openai().chat.completions.create(model="thinker", messages=USER, reasoning_effort="none")
    same(cohere.Thinking, up.last.json()["thinking"])


def test_a_whole_answer(gw, up):
    up.answer(whole({"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Hello"}]}))
    r = gw.openai().chat.completions.create(model="thinker", messages=USER)
    assert (r.choices[0].message.content, r.choices[0].message.reasoning_content) == ("Hello", "Hm.")
    assert (r.usage.prompt_tokens, r.usage.completion_tokens) == (14, 7)


def test_a_stream_with_a_call(gw, up):
    call = {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": {
        "id": "w1", "type": "function", "function": {"name": "get_weather", "arguments": ""}}}}}
    assert ToolCallStartV2ChatStreamResponse.model_validate(call).delta.message.tool_calls.id == "w1"
    up.answer(stream(
        {"type": "message-start", "id": "29f1", "delta": {"message": {"role": "assistant"}}},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I look."}}}, call,
        {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {
            "arguments": '{"city": "Oslo"}'}}}}},
        {"type": "tool-call-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": USAGE}}))
    with gw.openai().chat.completions.stream(model="local", messages=USER, tools=[TOOL]) as events:
        for _ in events:
            pass
        final = events.get_final_completion()
    call = final.choices[0].message.tool_calls[0]
    assert (call.id, call.function.name, call.function.arguments) == ("w1", "get_weather", '{"city": "Oslo"}')
    assert final.choices[0].finish_reason == "tool_calls"


def test_a_stream_without_its_end_is_an_error(gw, up):
    up.answer([*stream({"type": "message-start", "id": "i"}, {"type": "content-delta", "index": 0, "delta": {
        "message": {"content": {"text": "Hel"}}}})])
    with pytest.raises(openai.APIError):
        list(gw.openai().chat.completions.create(model="local", messages=USER, stream=True))


def test_embeddings_and_errors(gw, up):
    up.answer(reply({"id": "e", "embeddings": {"float": [[0.5, 0.25], [1, 0]]}, "texts": ["a", "b"],
                     "meta": {"billed_units": {"input_tokens": 2}}, "response_type": "embeddings_by_type"}))
    r = gw.openai().embeddings.create(model="embed", input=["a", "b"], encoding_format="float")
    assert [d.embedding for d in r.data] == [[0.5, 0.25], [1, 0]] and r.usage.prompt_tokens == 2
    assert up.last.target == "/v2/embed" and up.last.json()["embedding_types"] == ["float"]
    up.answer(reply({"id": "1", "message": "model 'x' not found"}, 404))
    with pytest.raises(openai.NotFoundError, match="not found"):
        gw.openai().chat.completions.create(model="local", messages=USER)
