"""A real server behind the gateway, driven through every client dialect by the official SDKs.

    REAL_PROVIDER='{"type": "ollama", "base_url": "http://127.0.0.1:11434"}' REAL_MODEL=smol pytest test/real

The scripts beside this file start servers and run it.  The model may be small: what it says does not matter,
only that it is carried as it should be.  REAL_EMBEDDING: a model for embeddings, default REAL_MODEL; "": none."""
import base64
import json
import os
import struct
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness.gateway import Gateway  # noqa: E402
from square.clients import CLIENTS, KEY, Refused  # noqa: E402

MODEL = "real/" + os.environ["REAL_MODEL"]
EMBEDDING = os.environ.get("REAL_EMBEDDING", os.environ["REAL_MODEL"])
# Rather than a minute: a small machine, perhaps busy with other things, and models that have to be loaded.
SLOW = {"first_byte": "280s", "idle": "280s"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    provider = json.loads(os.environ["REAL_PROVIDER"]) | {"timeouts": SLOW}
    g = Gateway(tmp_path_factory.mktemp("real") / "gateway", {
        "providers": {"real": provider}, "keys": {"real": {"key": KEY}}})
    yield g
    g.stop()


@pytest.fixture(params=[c.name for c in CLIENTS])
def client(request, gateway):
    made = next(c for c in CLIENTS if c.name == request.param)(gateway.url)
    made.max_tokens = 12  # where it has to be said; else the server's own limit
    return made


@pytest.fixture(params=[False, True], ids=["buffered", "streamed"])
def stream(request):
    return request.param


def user(text):
    return {"role": "user", "text": text}


def check(answer):
    assert answer.text or answer.calls
    assert answer.finish in ("stop", "length", "calls")
    assert answer.input_tokens > 0 and answer.output_tokens > 0


def chats(client):
    if client.name == "completions":
        pytest.skip("the legacy API has a prompt only")


def test_text(client, stream):
    check(client.ask(MODEL, [user("Say hello.")], stream=stream))


def test_a_conversation(client, stream):
    chats(client)
    turns = [user("My name is Ada. Say hello.")]
    first = client.ask(MODEL, turns, stream=stream)
    turns += [{"role": "assistant", "answer": first}, user("What is my name?")]
    second = client.ask(MODEL, turns, stream=stream)
    check(second)
    assert second.input_tokens > first.input_tokens


def test_tools_are_offered(client, stream):
    chats(client)
    check(client.ask(MODEL, [user("What is the weather in Oslo?")], stream=stream, tools=True))


def test_structured_output(client, stream):
    chats(client)
    a = client.ask(MODEL, [user('Answer with {"answer": "yes", "number": 1}.')], stream=stream, schema=True)
    check(a)
    assert a.text.lstrip().startswith("{")
    if a.finish == "stop":
        assert set(json.loads(a.text)) == {"answer", "number"}


def test_thinking_asked_of_a_model_that_cannot(client, stream):
    """Told on purpose the server may refuse; what agents ask of any model must not fail."""
    chats(client)
    try:
        check(client.ask(MODEL, [user("Say hello.")], stream=stream, thinking=True))
    except Refused as e:
        assert client.name in ("chat", "responses") and e.status == 400 and "think" in e.message.lower()


def test_a_model_that_is_not_there(client, stream):
    with pytest.raises(Refused) as e:
        client.ask("real/no-such-model", [user("Say hello.")], stream=stream)
    assert e.value.status == 404 and "no-such-model" in e.value.message


@pytest.mark.skipif(not EMBEDDING, reason="REAL_EMBEDDING is empty")
def test_embeddings(gateway):
    def embed(**more):
        r = gateway.post("/v1/embeddings", {"model": "real/" + EMBEDDING, **more},
                         [("authorization", "Bearer " + KEY)])
        assert r.status == 200, r.body
        return r.json()
    one = embed(input="hello")
    several = embed(input=["good morning", "hello"], encoding_format="base64")
    assert [d["index"] for d in several["data"]] == [0, 1] and several["usage"]["prompt_tokens"] > 0
    raw = base64.b64decode(several["data"][1]["embedding"])
    floats = struct.unpack(f"<{len(raw) // 4}f", raw)
    assert floats == pytest.approx(one["data"][0]["embedding"], abs=0.02)


@pytest.mark.skipif(not EMBEDDING, reason="REAL_EMBEDDING is empty")
def test_embeddings_by_google_genai(gateway):
    from google import genai
    from google.genai import types
    sdk = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=gateway.url))
    got = sdk.models.embed_content(model="real/" + EMBEDDING, contents=["good morning", "hello"])
    assert len(got.embeddings) == 2 and len(got.embeddings[0].values) == len(got.embeddings[1].values) > 8


def test_its_models_are_listed(gateway):
    names = [m.id for m in gateway.openai(api_key=KEY).models.list()]
    assert any(os.environ["REAL_MODEL"] in name for name in names), names
