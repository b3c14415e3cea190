"""Azure OpenAI: as a provider in both URL styles, and its SDK as a client."""
import openai
import pytest

from harness import exchanges as x
from harness.provider import AUDIO
from harness.upstream import reply, sse

USER = [{"role": "user", "content": "hi"}]


def azure(upstream, **more):
    return {"type": "azure", "base_url": upstream.url.removesuffix("/v1"), "api_key": "azure-secret",
            "discover": False, **more}


@pytest.fixture(scope="module")
def up(shared_upstream):
    return shared_upstream


@pytest.fixture(autouse=True)
def default_answer(up):
    up.answer(reply(x.COMPLETION))


@pytest.fixture(scope="module")
def gw(shared_gateway, up):
    return shared_gateway({
        "providers": {
            "old": azure(up, api_version="2024-10-21", deployments={"gpt-4o": "gpt4o-deployment"}),
            "new": azure(up, style="v1", deployments={"gpt-4o": "gpt4o-deployment"}),
            "by-url": {**azure(up), "base_url": up.url.replace("/v1", "/openai/v1/")},
            "plain": up.provider(),
        },
        "models": {"chat": "old/gpt-4o", "mine": "plain/my-model"},
    })


def test_the_deployment_style(gw, up):
    r = gw.chat(model="old/gpt-4o")
    assert r.status == 200
    got = up.last
    assert got.target == "/openai/deployments/gpt4o-deployment/chat/completions?api-version=2024-10-21"
    assert got.get("api-key") == "azure-secret" and got.get("authorization") is None


def test_a_model_without_an_entry_is_its_own_deployment(gw, up):
    gw.chat(model="old/some model+x")
    assert up.last.target.startswith("/openai/deployments/some%20model%2Bx/chat/completions?")


@pytest.mark.parametrize("path, body, target", [
    ("/v1/embeddings", {"input": "x"}, "/openai/deployments/gpt4o-deployment/embeddings"),
    ("/v1/completions", {"prompt": "x"}, "/openai/deployments/gpt4o-deployment/completions"),
    ("/v1/images/generations", {"prompt": "x"}, "/openai/deployments/gpt4o-deployment/images/generations"),
    ("/v1/audio/speech", {"input": "x", "voice": "a"}, "/openai/deployments/gpt4o-deployment/audio/speech"),
    ("/v1/responses", {"input": "x"}, "/openai/responses"),
])
def test_places_of_the_other_endpoints(gw, up, path, body, target):
    assert gw.post(path, {"model": "old/gpt-4o", **body}).status == 200
    assert up.last.target == target + "?api-version=2024-10-21"
    if path == "/v1/responses":
        assert up.last.json()["model"] == "gpt4o-deployment"


@pytest.mark.parametrize("provider", ["new", "by-url"])
def test_the_v1_style(gw, up, provider):
    gw.chat(model=f"{provider}/gpt-4o")
    got = up.last
    assert got.target.split("?")[0] == "/openai/v1/chat/completions"
    assert got.json()["model"] == ("gpt4o-deployment" if provider == "new" else "gpt-4o")
    assert got.get("api-key") == "azure-secret"


def test_a_stream(gw, up):
    filtered = x.data({"id": "", "object": "", "created": 0, "model": "", "choices": [],
                       "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]})
    up.answer(sse(filtered + x.STREAM_TEXT))
    r = gw.chat(model="chat", stream=True)
    assert r.status == 200 and r.body.startswith(filtered), "its filter results are not usage"
    assert r.body.endswith(x.DONE)


def test_refusals_of_the_content_filter_come_through(gw, up):
    body = {"error": {"code": "content_filter", "message": "The response was filtered", "param": "prompt",
                      "type": None, "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}
    up.answer(reply(body, 400))
    r = gw.chat(model="chat")
    assert r.status == 400 and r.json() == body


# The Azure class of the SDK in front of the gateway

@pytest.fixture(scope="module")
def client(gw):
    with openai.AzureOpenAI(azure_endpoint=gw.url, api_key="client-key", api_version="2024-10-21",
                            max_retries=0) as c:
        yield c


def test_the_azure_sdk_chats(client, up, calls):
    answer = client.chat.completions.create(model="mine", messages=USER)
    assert answer.id == "chatcmpl-1"
    assert up.last.target == "/v1/chat/completions" and up.last.json()["model"] == "my-model"
    calls("AzureOpenAI: chat.completions.create")


def test_the_azure_sdk_streams(client, up, calls):
    up.answer(sse(x.STREAM_TEXT))
    chunks = list(client.chat.completions.create(model="mine", messages=USER, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Good morning."
    calls("AzureOpenAI: chat.completions.create(stream=True)")


def test_the_azure_sdk_to_azure(client, up, calls):
    client.chat.completions.create(model="chat", messages=USER)
    assert up.last.target == "/openai/deployments/gpt4o-deployment/chat/completions?api-version=2024-10-21"
    calls("AzureOpenAI: chat to a deployment behind")


def test_the_azure_sdk_transcribes(client, up, calls):
    up.answer(reply({"text": "x"}))
    assert client.audio.transcriptions.create(model="mine", file=("a.wav", AUDIO)).text == "x"
    assert up.last.target == "/v1/audio/transcriptions" and b"my-model" in up.last.body
    calls("AzureOpenAI: audio.transcriptions.create")


def test_the_azure_sdk_asks_for_responses_and_models(client, up, calls):
    up.answer(reply(x.RESPONSE))
    assert client.responses.create(model="mine", input="x").output_text == "Let me check."
    up.answer(reply(x.MODELS))
    assert "mine" in [m.id for m in client.models.list()]
    calls("AzureOpenAI: responses.create, models.list")


def test_the_plain_sdk_on_the_v1_path(gw, up, calls):
    with openai.OpenAI(base_url=gw.url + "/openai/v1", api_key="k", max_retries=0) as c:
        assert c.chat.completions.create(model="mine", messages=USER).id == "chatcmpl-1"
    calls("OpenAI on /openai/v1: chat.completions.create")
