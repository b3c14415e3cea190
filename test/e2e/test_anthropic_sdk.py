"""Anthropic's official SDK, whose typed models judge what it gets: against the mock alone (is it like the
vendor?), through the gateway to it (untouched), and through the gateway to a provider of another format."""
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import anthropic
import pytest
from anthropic import types

from harness.gateway import BINARY, clean_environment, die_with_parent, free_port

USER = [{"role": "user", "content": "Say good morning"}]
TOOLS = [{"name": name, "description": f"Tells the {name}.",
          "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
         for name in ("get_weather", "get_time")]
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
THINKING = {"type": "adaptive", "display": "summarized"}


def strict(model):
    """The SDK builds its objects without looking; pydantic looks."""
    return type(model).model_validate(model.to_dict())


@pytest.fixture(scope="module")
def mock():
    port = free_port()
    process = subprocess.Popen([BINARY, "mock", "--listen", f"127.0.0.1:{port}"],
                               env=clean_environment(), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
    url = f"http://127.0.0.1:{port}"
    for _ in range(100):
        try:
            urllib.request.urlopen(url + "/v1/models", timeout=1).read()
            break
        except OSError:
            time.sleep(0.05)
    yield url
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def gw(shared_gateway, mock):
    return shared_gateway({
        "providers": {
            "claude": {"type": "anthropic", "base_url": mock, "api_key": "sk-ant-mock"},
            "openai": {"type": "openai", "base_url": mock + "/v1", "api_key": "sk-mock"},
        },
        "models": {"new": "claude/claude-sonnet-5", "old": "claude/claude-haiku-4-5",
                   "claude-best": "claude/claude-opus-5-5", "gpt": "openai/gpt-4.1"},
    })


# Where the SDK points, and which models it asks for there: of the vendor's shape, all three.
@pytest.fixture(params=["mock", "same", "translated"])
def place(request, mock, gw):
    url = mock if request.param == "mock" else gw.url
    model = {"mock": "claude-sonnet-5", "same": "new", "translated": "gpt"}[request.param]
    with anthropic.Anthropic(base_url=url, api_key="sk-test", max_retries=0) as client:
        client.place, client.model = request.param, model
        yield client


def test_a_message(place):
    answer = strict(place.messages.create(model=place.model, max_tokens=100, messages=USER,
                                          system="Be brief."))
    assert isinstance(answer, types.Message)
    assert answer.content[0].text.startswith("The gateway relays")
    assert answer.stop_reason == "end_turn"
    assert answer.id.startswith(("msg_", "chatcmpl-"))
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0


def test_a_stream(place):
    with place.messages.stream(model=place.model, max_tokens=100, messages=USER) as stream:
        pieces = list(stream.text_stream)
        final = strict(stream.get_final_message())
    assert len(pieces) > 3
    assert "".join(pieces) == final.content[0].text
    assert final.stop_reason == "end_turn"
    assert final.usage.input_tokens > 0 and final.usage.output_tokens > 0


def test_raw_events_are_all_of_the_formats_types(place):
    kinds = []
    for event in place.messages.create(model=place.model, max_tokens=100, messages=USER, tools=TOOLS,
                                       stream=True, extra_headers={"x-mock-tool": "2"},
                                       **({"thinking": THINKING} if place.place != "translated" else {})):
        strict(event)
        kinds.append(event.type)
    assert kinds[0] == "message_start" and kinds[-2:] == ["message_delta", "message_stop"]


def test_a_length_stop(place):
    answer = place.messages.create(model=place.model, max_tokens=3, messages=USER)
    assert answer.stop_reason == "max_tokens"
    assert answer.usage.output_tokens == 3


def model_with(place, wish):
    """Wishes travel behind the model's name, so that they pass through the gateway."""
    if place.place == "mock":
        return f"claude-sonnet-5?{wish}"
    return {"same": "claude/claude-sonnet-5", "translated": "openai/gpt-4.1"}[place.place] + "?" + wish


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_loop(place, streamed):
    model = model_with(place, "tool=2")
    asked = {"model": model, "max_tokens": 2000, "tools": TOOLS}
    if place.place != "translated":
        asked["thinking"] = THINKING

    def ask(messages):
        if not streamed:
            return strict(place.messages.create(messages=messages, **asked))
        with place.messages.stream(messages=messages, **asked) as stream:
            for _ in stream:
                pass
            return strict(stream.get_final_message())

    first = ask(USER)
    calls = [b for b in first.content if b.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert [(c.name, c.input) for c in calls] == [("get_weather", {"city": "Oslo"}),
                                                  ("get_time", {"city": "Bergen"})]
    if place.place != "translated":
        assert first.content[0].type == "thinking" and first.content[0].signature
    results = [{"type": "tool_result", "tool_use_id": c.id, "content": "4 °C"} for c in calls]
    second = ask(USER + [{"role": "assistant", "content": first.to_dict()["content"]},
                         {"role": "user", "content": results}])
    assert second.stop_reason == "end_turn"
    assert any(b.type == "text" and b.text for b in second.content)


def test_a_signature_that_was_changed_is_refused(place):
    if place.place == "translated":
        pytest.skip("nobody signs there")
    answer = place.messages.create(model=place.model, max_tokens=2000, messages=USER,
                                   thinking=THINKING)
    content = answer.to_dict()["content"]
    content[0]["thinking"] += "!"
    with pytest.raises(anthropic.BadRequestError, match="Invalid `signature` in `thinking` block"):
        place.messages.create(model=place.model, max_tokens=2000,
                              messages=USER + [{"role": "assistant", "content": content}] + USER)


def test_everything_the_sdk_can_say(place):
    answer = place.messages.create(
        model=place.model, max_tokens=500, stop_sequences=["END"], metadata={"user_id": "u1"},
        service_tier="standard_only", tools=TOOLS,
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
        system=[{"type": "text", "text": "S", "cache_control": {"type": "ephemeral"}}],
        output_config={"effort": "low"},
        messages=[{"role": "user", "content": [
            {"type": "text", "text": "Look", "cache_control": {"type": "ephemeral", "ttl": "5m"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "document", "title": "a.txt",
             "source": {"type": "text", "media_type": "text/plain", "data": "Text"}}]}])
    assert strict(answer).stop_reason == "end_turn"


def test_structured_output(place):
    schema = {"type": "object", "properties": {"answer": {"type": "string"}},
              "required": ["answer"], "additionalProperties": False}
    answer = place.messages.create(model=place.model, max_tokens=500, messages=USER,
                                   output_config={"format": {"type": "json_schema", "schema": schema}})
    assert json.loads(answer.content[0].text)["answer"] == "mock"


def test_counting(place):
    count = place.messages.count_tokens(model=place.model, messages=USER, system="S", tools=TOOLS)
    assert strict(count).input_tokens > 5


def test_models(place):
    page = place.models.list(limit=1000)
    assert page.data
    for model in page.data:
        strict(model)
    assert {m.id for m in page.data} >= ({"claude-opus-5"} if place.place == "mock"
                                         else {"new", "gpt", "claude-best"})
    assert place.models.retrieve(page.data[0].id).id == page.data[0].id


@pytest.mark.parametrize("status, error", [
    (400, anthropic.BadRequestError), (404, anthropic.NotFoundError),
    (413, anthropic.RequestTooLargeError), (429, anthropic.RateLimitError),
    (529, anthropic.OverloadedError)])
def test_errors_have_their_classes(place, status, error):
    with pytest.raises(error) as caught:
        place.messages.create(model=model_with(place, f"fail={status}"), max_tokens=9, messages=USER)
    assert caught.value.status_code == status
    assert caught.value.body["type"] == "error" and caught.value.body["error"]["message"]


@pytest.mark.parametrize("wish", ["cut-after=6", "error-after=6"])
def test_a_broken_stream_raises(place, wish):
    # A cut connection alone comes out of the SDK as its transport's error, whichever that is.
    with pytest.raises(Exception if place.place == "mock" else anthropic.APIError):
        with place.messages.stream(model=model_with(place, wish), max_tokens=500,
                                   messages=USER) as stream:
            for _ in stream:
                pass
            stream.get_final_message()


def test_both_forms_of_the_key_and_both_versions(gw):
    for header in ({"x-api-key": "sk"}, {"authorization": "Bearer sk"}):
        for version in ("2023-06-01", "2026-10-21"):
            with gw.client() as c:
                body = {"model": "new", "max_tokens": 9, "messages": USER}
                answer = c.post("/v1/messages?beta=true", body,
                                headers=list({**header, "anthropic-version": version}.items()))
                assert answer.status == 200, answer.body


def test_the_other_address(gw):
    with anthropic.Anthropic(base_url=gw.url + "/anthropic", api_key="sk", max_retries=0) as client:
        assert client.messages.create(model="new", max_tokens=9, messages=USER).content


def test_probes_of_agents(gw):
    with gw.client() as c:
        assert c.request("HEAD", "/").status < 500
        assert c.request("HEAD", "/api/hello").status < 500


def test_a_thread_is_not_kept_here(gw):
    with anthropic.Anthropic(base_url=gw.url, api_key="sk", max_retries=0) as client:
        with pytest.raises(anthropic.NotFoundError) as caught:
            client.messages.create(model="gpt", max_tokens=9, messages=USER, extra_body={
                "thread": {"type": "continue", "previous_message_id": "msg_1"}})
        assert caught.value.body["error"]["details"]["error_code"] == "thread_not_found"
        assert client.messages.create(model="gpt", max_tokens=9, messages=USER,
                                      extra_body={"thread": {"type": "create"}}).content


def test_what_the_target_lacks_is_named(gw):
    with anthropic.Anthropic(base_url=gw.url, api_key="sk", max_retries=0) as client:
        raw = client.messages.with_raw_response.create(
            model="gpt", max_tokens=9, messages=USER,
            extra_body={"top_k": 5, "context_management": {"edits": []}})
        assert raw.headers["x-gateway-unsupported"] == "top_k, context_management"


# --- The same package for Node.js: node/anthropic.mjs runs the scenarios.

SCRIPT = Path(__file__).parent / "node" / "anthropic.mjs"
NAMES = re.findall(r'^  async "([^"]+)"\(\) \{$', SCRIPT.read_text(), re.M)


@pytest.fixture(scope="module", params=["claude/claude-sonnet-5", "openai/gpt-4.1"])
def node_results(request, gw):
    node = shutil.which("node")
    assert node, "Node.js is not installed"
    done = subprocess.run([node, str(SCRIPT)], capture_output=True, text=True, timeout=100,
                          env={"PATH": os.environ["PATH"], "BASE_URL": gw.url, "MODEL": request.param})
    assert done.returncode == 0, done.stderr
    return {line["name"]: line["problem"] for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", NAMES)
def test_node(node_results, name):
    assert node_results[name] is None, node_results[name]
