"""Google's official SDK, whose typed models forbid what they do not know: against the mock alone (is it like
the vendor?), through the gateway to it (untouched), through the gateway to providers of other formats, and as
the judge of what the gateway sends to Gemini.

mapping: §24 Gemini inbound §15 emitting GEM §4 §5 §7 §8 §9 §10 GEM"""
import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import google.auth.credentials
import httpx
import pytest
from google import genai
from google.genai import errors, types

from harness.gateway import BINARY, clean_environment, die_with_parent, free_port
from harness.upstream import reply

KEY = "AIza-test-0123456789"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
TOOL = types.Tool(function_declarations=[
    types.FunctionDeclaration(name=name, description=f"Tells the {name}.", parameters=types.Schema(
        type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]))
    for name in ("get_weather", "get_time")])
SENTENCE = "The gateway relays every token as it arrives, and adds nothing to the answer. Demo text. "
GEMINI = ["gemini-3.6-flash", "gemini-2.5-flash", "gemini-4-argon"]
NAMED = [f"google/{m}" for m in GEMINI]  # by the provider, so that wishes may follow
FOREIGN = ["openai/gpt-4.1", "claude/claude-opus-5"]


def client_of(url, **more):
    return genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=url, timeout=20_000, **more))


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
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def gw(shared_gateway, mock, shared_upstream):
    return shared_gateway({
        "providers": {
            "google": {"type": "gemini", "base_url": mock, "api_key": KEY},
            "played": {"type": "gemini", "base_url": shared_upstream.url.removesuffix("/v1"), "api_key": KEY,
                       "discover": False},
            "openai": {"type": "openai", "base_url": mock + "/v1", "api_key": KEY},
            "claude": {"type": "anthropic", "base_url": mock, "api_key": KEY},
        },
        "models": {**{m: f"google/{m}" for m in GEMINI}, "embedder": "google/gemini-embedding-001",
                   "gpt": "openai/gpt-4.1",
                   "played3": "played/gemini-3.6-flash", "played25": "played/gemini-2.5-flash"},
        "defaults": {"retry": {"attempts": 0}},
    })


@pytest.fixture(scope="module", params=["mock", "gateway"])
def client(request, mock, gw):
    return client_of(mock if request.param == "mock" else gw.url)


def strict(answer):
    """Everything that came is known to the SDK's own types, which forbid the rest."""
    return types.GenerateContentResponse.model_validate(
        answer.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"sdk_http_response"}))


# --- The mock, alone and behind the gateway.

@pytest.mark.parametrize("model", GEMINI)
def test_whole_answers_and_streams(client, model):
    answer = strict(client.models.generate_content(model=model, contents="Hi"))
    assert answer.text == SENTENCE
    assert answer.candidates[0].finish_reason == "STOP"
    chunks = [strict(c) for c in client.models.generate_content_stream(model=model, contents="Hi")]
    assert "".join(c.text or "" for c in chunks) == SENTENCE
    assert chunks[-1].candidates[0].finish_reason == "STOP"
    assert chunks[-1].usage_metadata.total_token_count > 0


@pytest.mark.parametrize("model", [*NAMED, *FOREIGN])
@pytest.mark.parametrize("stream", [False, True])
def test_a_loop_of_tools(gw, model, stream):
    client = client_of(gw.url)
    chat = client.chats.create(model=model + ";tool=2", config=types.GenerateContentConfig(
        tools=[TOOL], automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True)))

    def send(message):
        if not stream:
            answer = strict(chat.send_message(message))
            return answer.function_calls or [], answer.text
        calls, text = [], ""
        for chunk in chat.send_message_stream(message):
            calls += strict(chunk).function_calls or []
            text += "".join(p.text or "" for p in (chunk.parts or []) if not p.thought)
        return calls, text

    calls, _ = send("Weather?")
    assert [(c.name, c.args) for c in calls] == [("get_weather", {"city": "Oslo"}), ("get_time", {"city": "Bergen"})]
    results = [types.Part(function_response=types.FunctionResponse(id=c.id, name=c.name, response={"output": "4"}))
               for c in calls]
    calls, text = send(results)
    assert not calls and text == SENTENCE
    calls, text = send("Thanks")  # the whole history once more
    assert [c.name for c in calls] == ["get_weather", "get_time"]


@pytest.mark.parametrize("model", [*NAMED, *FOREIGN])
def test_structured_output_thoughts_and_pictures(gw, model):
    client = client_of(gw.url)
    answer = strict(client.models.generate_content(
        model=model, contents=[types.Part.from_bytes(data=PNG, mime_type="image/png"), "What?"],
        config=types.GenerateContentConfig(
            system_instruction="Be brief.", response_mime_type="application/json", max_output_tokens=3000,
            response_schema=types.Schema(type="OBJECT", properties={
                "answer": types.Schema(type="STRING"), "number": types.Schema(type="INTEGER")}))))
    assert json.loads(answer.text) == {"answer": "mock", "number": 42}


@pytest.mark.parametrize("model, config", [
    ("gemini-3.6-flash", {"thinking_level": "LOW"}), ("gemini-2.5-flash", {"thinking_budget": 1024}),
    ("claude/claude-opus-5", {"thinking_level": "LOW"})])
def test_thoughts(gw, model, config):
    config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(include_thoughts=True, **config),
                                         max_output_tokens=3000)
    client = client_of(gw.url)
    chunks = [strict(c) for c in client.models.generate_content_stream(model=model, contents="Hi", config=config)]
    parts = [p for c in chunks for p in c.parts or []]
    assert "".join(p.text for p in parts if p.thought) == "Let me think about this."
    assert "".join(p.text for p in parts if not p.thought) == SENTENCE
    assert chunks[-1].usage_metadata.thoughts_token_count > 0


@pytest.mark.parametrize("model", [*GEMINI[:1], *FOREIGN])
def test_counts_of_tokens(gw, model):
    client = client_of(gw.url)
    assert client.models.count_tokens(model=model, contents="Hi there").total_tokens > 0


def test_embeddings(client, gw):
    name = "embedder" if client._api_client._http_options.base_url.startswith(gw.url) else "gemini-embedding-001"
    got = client.models.embed_content(model=name, contents=["a", "b"],
                                      config=types.EmbedContentConfig(output_dimensionality=4))
    assert [len(e.values) for e in got.embeddings] == [4, 4]
    assert got.embeddings[0].values != got.embeddings[1].values


def test_lists_of_models(client):
    names = [m.name for m in client.models.list()]
    assert "models/gemini-4-argon" in names


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_all_versions_of_the_path(gw, version):
    client = client_of(gw.url, api_version=version)
    answer = client.models.generate_content(model=GEMINI[0], contents="Hi")
    assert answer.text == SENTENCE


def test_vertex_paths(gw):
    client = genai.Client(vertexai=True, project="p", location="global",
                          credentials=google.auth.credentials.AnonymousCredentials(),
                          http_options=types.HttpOptions(base_url=gw.url))
    client._api_client._access_token = lambda *a, **k: "token"
    for model in (GEMINI[0], "gpt"):
        answer = client.models.generate_content(model=model, contents="Hi")
        assert answer.text == SENTENCE


# --- Failures.

@pytest.mark.parametrize("model", [NAMED[0], *FOREIGN])
def test_an_error_has_its_status(gw, model):
    client = client_of(gw.url)
    for status, seen in ((400, 400), (429, 429), (503, 503)):
        with pytest.raises(errors.APIError) as e:
            client.models.generate_content(model=f"{model};fail={status}", contents="Hi")
        assert e.value.code == seen and e.value.status


@pytest.mark.parametrize("model", [NAMED[0], *FOREIGN])
@pytest.mark.parametrize("wish", ["error-after=6", "cut-after=6"])
def test_a_failure_in_the_stream_raises(gw, model, wish):
    client = client_of(gw.url)
    with pytest.raises(errors.APIError):
        list(client.models.generate_content_stream(model=f"{model};{wish}", contents="Hi"))


def test_what_a_target_cannot_have_is_refused_with_the_clients_field(gw):
    client = client_of(gw.url)
    with pytest.raises(errors.ClientError) as e:
        client.models.generate_content(
            model=FOREIGN[1], contents="Hi", config=types.GenerateContentConfig(cached_content="cachedContents/x"))
    assert e.value.code == 400 and "cachedContent" in json.dumps(e.value.details)


TEXT = [{"role": "user", "parts": [{"text": "Hi"}]}]
CALL = {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "f", "args": {}}}]}
SIGNED = {"role": "model", "parts": [{**CALL["parts"][0], "thoughtSignature": "skip_thought_signature_validator"}]}
RESULT = {"role": "user", "parts": [{"functionResponse": {"id": "a", "name": "f", "response": {"output": "x"}}}]}


@pytest.mark.parametrize("body", [
    {},
    {"contents": []},
    {"contents": TEXT, "max_tokens": 5},
    {"contents": [{"role": "system", "parts": [{"text": "x"}]}]},
    {"contents": [{"role": "user", "parts": [{}]}]},
    {"contents": [*TEXT, CALL, RESULT]},  # no signature
    {"contents": [*TEXT, SIGNED, *TEXT]},
    {"contents": [*TEXT, SIGNED, {"role": "user", "parts": [*RESULT["parts"], *RESULT["parts"]]}]},
    {"contents": [*TEXT, {"role": "model", "parts": [{"text": "The answer is"}]}]},
    {"contents": TEXT, "generationConfig": {"thinkingConfig": {"thinkingBudget": 5}}},
    {"contents": TEXT, "generationConfig": {"seed": 2 ** 40}},
    {"contents": TEXT, "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"$ref": "x"}}]}]},
    {"contents": TEXT, "tools": [{"functionDeclarations": [{"name": "a b"}]}]},
], ids=lambda b: json.dumps(b)[:40])
def test_the_mock_refuses_what_google_refuses(mock, body):
    got = httpx.post(mock + "/v1beta/models/gemini-3.6-flash:generateContent", json=body,
                     headers={"x-goog-api-key": KEY})
    assert got.status_code == 400 and got.json()["error"]["status"] == "INVALID_ARGUMENT"


# --- What is sent to Gemini, judged by the SDK's types.

WIRE = {"contents": list[types.Content], "systemInstruction": types.Content, "tools": list[types.Tool],
        "toolConfig": types.ToolConfig, "generationConfig": types.GenerationConfig,
        "labels": dict, "store": bool, "serviceTier": str}
ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
          "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7},
          "modelVersion": "gemini-3.6-flash", "responseId": "r1"}


@pytest.mark.parametrize("model", ["played3", "played25"])
def test_what_is_sent_is_a_request_by_googles_own_types(gw, shared_upstream, model):
    shared_upstream.answer(reply(ANSWER))
    gw.openai().chat.completions.create(
        model=model, temperature=0.5, top_p=0.9, max_completion_tokens=50, seed=7, stop=["a", "b"],
        reasoning_effort="low", user="u-1", metadata={"team": "a"}, store=False, service_tier="flex",
        tool_choice="auto",
        tools=[{"type": "function", "function": {"name": "get weather", "description": "of a city", "parameters": {
            "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": False,
            "properties": {"city": {"type": "string", "enum": ["Oslo"]}, "at": {"$ref": "#/$defs/At"}},
            "$defs": {"At": {"type": "object", "properties": {"next": {"$ref": "#/$defs/At"}}}}}}}],
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {
                "url": "data:image/png;base64," + base64.b64encode(PNG).decode(), "detail": "low"}}]},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {
                    "name": "get weather", "arguments": '{"city": "Oslo"}'}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"sky": "grey"}'}])
    got = shared_upstream.last
    assert got.target == f"/v1beta/models/gemini-{'3.6' if model == 'played3' else '2.5'}-flash:generateContent"
    assert got.get("x-goog-api-key") == KEY and got.get("authorization") is None
    sent = got.json()
    assert set(sent) <= set(WIRE)
    from pydantic import TypeAdapter
    for key, kind in WIRE.items():
        if key in sent:
            TypeAdapter(kind).validate_python(sent[key])
    call = sent["contents"][1]["parts"][0]
    assert ("id" in call["functionCall"]) == ("thoughtSignature" in call) == (model == "played3")


# --- The same package for Node.js: node/gemini.mjs runs the scenarios.

SCRIPT = Path(__file__).parent / "node" / "gemini.mjs"
NAMES = re.findall(r'^  async "([^"]+)"\(\) \{$', SCRIPT.read_text(), re.M)


@pytest.fixture(scope="module", params=[NAMED[0], *FOREIGN])
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
