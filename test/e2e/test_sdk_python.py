"""The official Python SDK against the gateway, as an application uses it."""
import io

import httpx
import openai
import pytest

from harness.provider import AUDIO, MODELS, VECTOR, openai_like

KEY = "sk-gw-" + "k" * 40
NARROW = "sk-gw-" + "n" * 40


@pytest.fixture(scope="module")
def gw(shared_gateway, shared_upstream):
    shared_upstream.answer(openai_like)
    return shared_gateway({
        "providers": {
            "up": shared_upstream.provider(),
            "other": shared_upstream.provider(models=["other-model"]),
        },
        "models": {name: f"up/{name}" for name in MODELS},
        "keys": {"app": {"key": KEY}, "narrow": {"key": NARROW, "models": ["text"]}},
    })


@pytest.fixture(scope="module")
def client(gw):
    with gw.openai(api_key=KEY) as c:
        yield c


USER = [{"role": "user", "content": "Say good morning"}]
TOOLS = [{"type": "function", "function": {"name": n, "parameters": {"type": "object"}}}
         for n in ("get_weather", "get_time")]


def test_a_chat(client, calls):
    answer = client.chat.completions.create(model="text", messages=USER, temperature=0.5)
    assert answer.choices[0].message.content == "Good morning."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == 17
    calls("chat.completions.create")


def test_a_chat_with_everything_the_sdk_can_say(client, shared_upstream, calls):
    answer = client.chat.completions.create(
        model="text", messages=USER, tools=TOOLS, tool_choice="auto", parallel_tool_calls=False,
        response_format={"type": "json_object"}, seed=7, stop=["\n"], logit_bias={"50256": -100},
        logprobs=True, top_logprobs=3, n=1, user="u", metadata={"a": "b"}, store=False,
        max_completion_tokens=50, presence_penalty=0.1, frequency_penalty=-0.1, top_p=0.9,
        extra_body={"unknown_field": [1, None, "x"]}, extra_headers={"x-trace": "1"})
    assert answer.id == "chatcmpl-1"
    assert shared_upstream.last.json()["unknown_field"] == [1, None, "x"]
    calls("chat.completions.create(…every field…)")


def test_a_stream(client, calls):
    chunks = list(client.chat.completions.create(model="text", messages=USER, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Good morning."
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(c.choices for c in chunks), "the usage chunk was not asked for"
    calls("chat.completions.create(stream=True)")


def test_a_stream_with_usage(client, calls):
    chunks = list(client.chat.completions.create(model="text", messages=USER, stream=True,
                                                 stream_options={"include_usage": True}))
    assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 17
    assert "".join(c.choices[0].delta.content or "" for c in chunks[:-1]) == "Good morning."
    calls("chat.completions.create(stream=True, include_usage)")


def test_a_stream_through_the_helper(client, calls):
    with client.chat.completions.stream(model="text", messages=USER) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "Good morning."
    calls("chat.completions.stream")


def test_tool_calls_buffered(client, calls):
    answer = client.chat.completions.create(model="tools", messages=USER, tools=TOOLS)
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"Oslo"}')
    calls("chat.completions.create(tools)")


def test_tool_calls_streamed_in_pieces(client, calls):
    with client.chat.completions.stream(model="tools", messages=USER, tools=TOOLS) as stream:
        for _ in stream:
            pass
        made = stream.get_final_completion().choices[0].message.tool_calls
    assert [(c.id, c.function.name, c.function.arguments) for c in made] == [
        ("call_aa", "get_weather", '{"city":"Oslo"}'), ("call_bb", "get_time", "{}")]
    calls("chat.completions.stream(tools)")


def test_a_refusal_streamed(client, calls):
    with client.chat.completions.stream(model="refusal", messages=USER) as stream:
        for _ in stream:
            pass
        message = stream.get_final_completion().choices[0].message
    assert message.refusal == "I can't help with that." and message.content is None
    calls("chat.completions.stream(refusal)")


def test_embeddings_as_the_sdk_asks_for_them(client, shared_upstream, calls):
    answer = client.embeddings.create(model="up/text-embedding-3-small", input=["a", "b"])
    assert [e.embedding for e in answer.data] == [VECTOR, VECTOR]
    assert shared_upstream.last.json()["encoding_format"] == "base64"
    calls("embeddings.create")


def test_embeddings_as_numbers(client, calls):
    answer = client.embeddings.create(model="up/text-embedding-3-small", input="a",
                                      encoding_format="float")
    assert answer.data[0].embedding == VECTOR
    calls("embeddings.create(encoding_format=float)")


def test_the_list_of_models(client, calls):
    ids = [m.id for m in client.models.list()]
    assert "text" in ids and "other-model" in ids
    calls("models.list")


@pytest.mark.parametrize("id", ["text", "up/meta-llama/Llama-3.3-70B-Instruct",
                                "up/ft:gpt-4.1:acme::x1"])
def test_one_model(client, calls, id):
    assert client.models.retrieve(id).id == id
    calls(f"models.retrieve({id})")


def test_a_legacy_completion(client, calls):
    assert client.completions.create(model="text", prompt="Hel").choices[0].text == "lo"
    calls("completions.create")


def test_a_legacy_completion_streamed(client, calls):
    chunks = list(client.completions.create(model="text", prompt="x", stream=True))
    assert "".join(c.choices[0].text for c in chunks) == "Hello"
    calls("completions.create(stream=True)")


def test_a_response(client, calls):
    answer = client.responses.create(model="text", input="hi")
    assert answer.output_text == "Let me check."
    calls("responses.create")


def test_a_response_streamed(client, calls):
    events = list(client.responses.create(model="text", input="hi", stream=True))
    assert [e.type for e in events][0] == "response.created"
    assert events[-1].type == "response.completed"
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "Let me check."
    calls("responses.create(stream=True)")


def test_a_response_through_the_helper(client, calls):
    with client.responses.stream(model="text", input="hi") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == "Let me check."
    calls("responses.stream")


def test_moderation(client, calls):
    assert client.moderations.create(input="hi").results[0].flagged is False
    calls("moderations.create")


def test_an_image(client, calls):
    assert client.images.generate(model="up/gpt-image-2", prompt="a cat").data[0].b64_json == "aGk="
    calls("images.generate")


def test_an_image_edit(client, shared_upstream, calls):
    answer = client.images.edit(model="up/gpt-image-2", image=("a.png", b"\x89PNG\r\n--x\r\n"),
                                prompt="a hat")
    assert answer.data[0].b64_json == "aGk="
    assert b"\x89PNG\r\n--x\r\n" in shared_upstream.last.body
    calls("images.edit")


def test_speech(client, calls):
    answer = client.audio.speech.create(model="up/tts-1", voice="alloy", input="hi")
    assert answer.read() == AUDIO
    with client.audio.speech.with_streaming_response.create(
            model="up/tts-1", voice="alloy", input="hi") as streamed:
        assert b"".join(streamed.iter_bytes()) == AUDIO
    calls("audio.speech.create")


def test_a_transcription(client, shared_upstream, calls):
    audio = AUDIO * 20
    answer = client.audio.transcriptions.create(model="up/whisper-1", file=("a.wav", io.BytesIO(audio)),
                                                language="en")
    assert answer.text == f"{len(audio)} bytes for whisper-1"
    calls("audio.transcriptions.create")


def test_a_translation(client, calls):
    answer = client.audio.translations.create(model="up/whisper-1", file=("a.wav", AUDIO))
    assert answer.text == f"{len(AUDIO)} bytes for whisper-1"
    calls("audio.translations.create")


def pinned(gw, shared=None):
    """Files and batches name no model: the provider is named by a header."""
    return gw.openai(api_key=KEY, default_headers={"x-gateway-provider": "up"})


def test_files_and_batches(gw, calls):
    with pinned(gw) as client:
        made = client.files.create(file=("a.jsonl", b"x" * 100_000), purpose="batch")
        assert made.bytes == 100_000
        assert client.files.retrieve("file-1").id == "file-1"
        assert [f.id for f in client.files.list()] == ["file-1"]
        assert client.files.content("file-1").read() == AUDIO
        assert client.files.delete("file-1").deleted
        batch = client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions",
                                      completion_window="24h")
        assert batch.id == "batch_1"
        assert client.batches.retrieve("batch_1").status == "validating"
        assert client.batches.cancel("batch_1").id == "batch_1"
    calls("files.create, retrieve, list, content, delete; batches.create, retrieve, cancel")


def test_stored_responses(gw, calls):
    with pinned(gw) as client:
        assert client.responses.retrieve("resp_E").output_text == "Let me check."
        assert client.responses.cancel("resp_E").id == "resp_E"
        client.responses.delete("resp_E")
    calls("responses.retrieve, cancel, delete")


def test_rerank(gw, calls):
    answer = gw.post("/v1/rerank", {"model": "up/rerank-1", "query": "a", "documents": ["b", "c"]},
                     [("Authorization", f"Bearer {KEY}")])
    assert answer.status == 200 and answer.json()["results"][0]["index"] == 1
    calls("POST /v1/rerank")


def test_headers_come_through_the_raw_response(client, calls):
    raw = client.chat.completions.with_raw_response.create(model="text", messages=USER)
    assert raw.headers["x-gateway-provider"] == "up"
    assert raw.headers["x-gateway-model"] == "text"
    assert raw.headers["x-request-id"] == raw.parse()._request_id
    calls("chat.completions.with_raw_response.create")


def test_many_calls_use_one_connection(gw, calls):
    with gw.openai(api_key=KEY) as client:
        for _ in range(20):
            assert client.chat.completions.create(model="text", messages=USER).id == "chatcmpl-1"
    calls("20 × chat.completions.create on one client")


# Errors: the class that the SDK raises, and what it says.


@pytest.mark.parametrize("model, kind, says", [
    ("status-400", openai.BadRequestError, {"code": "unsupported_value", "param": "temperature"}),
    ("status-404", openai.NotFoundError, {"code": "model_not_found"}),
    ("status-422", openai.UnprocessableEntityError, {}),
    ("status-429", openai.RateLimitError, {}),
    ("status-401", openai.InternalServerError, {"type": "upstream_authentication_error"}),
    ("status-403", openai.InternalServerError, {"type": "upstream_authentication_error"}),
    ("status-500", openai.InternalServerError, {"type": "upstream_error"}),
    ("status-503", openai.InternalServerError, {"type": "upstream_error"}),
])
@pytest.mark.parametrize("stream", [False, True])
def test_an_error_of_the_provider(client, calls, model, kind, says, stream):
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=model, messages=USER, stream=stream)
    assert type(caught.value) is kind
    for field, value in says.items():
        assert getattr(caught.value, field) == value
    assert caught.value.request_id
    calls(f"chat.completions.create({model}{', stream' if stream else ''}): {kind.__name__}")


def test_a_rate_limit_says_when(client, calls):
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="status-429", messages=USER)
    assert caught.value.response.headers["retry-after"] == "7"
    calls("RateLimitError with retry-after")


def test_no_key_is_an_authentication_error(gw, calls):
    with gw.openai(api_key="sk-gw-" + "w" * 40) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.chat.completions.create(model="text", messages=USER)
    assert caught.value.code == "invalid_api_key"
    calls("AuthenticationError")


def test_a_model_that_the_key_may_not_use_is_permission_denied(gw, calls):
    with gw.openai(api_key=NARROW) as client:
        assert client.chat.completions.create(model="text", messages=USER).id
        with pytest.raises(openai.PermissionDeniedError) as caught:
            client.chat.completions.create(model="tools", messages=USER)
    assert caught.value.type == "permission_error"
    calls("PermissionDeniedError")


def test_an_unknown_model_is_not_found(client, calls):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="txet", messages=USER)
    assert caught.value.code == "model_not_found" and "text" in str(caught.value)
    calls("NotFoundError")


def test_a_bad_field_is_a_bad_request(client, calls):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="text", messages=USER, temperature=3)
    assert caught.value.param == "temperature"
    calls("BadRequestError")


def test_a_client_that_has_no_patience(client, calls):
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="slow", messages=USER, timeout=httpx.Timeout(0.3))
    calls("APITimeoutError")


def test_nobody_there_is_a_connection_error(calls):
    with openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="x", max_retries=0) as client:
        with pytest.raises(openai.APIConnectionError):
            client.models.list()
    calls("APIConnectionError")


def test_a_stream_that_breaks_off_raises(client, calls):
    seen = []
    with pytest.raises(openai.APIError):
        for c in client.chat.completions.create(model="dies", messages=USER, stream=True):
            seen.append(c)
    assert seen, "what came before was delivered"
    calls("a stream that breaks off: APIError")


def test_an_error_inside_a_stream_raises(client, calls):
    with pytest.raises(openai.APIError) as caught:
        for _ in client.chat.completions.create(model="breaks", messages=USER, stream=True):
            pass
    assert caught.value.type == "server_error"
    calls("an error in a stream: APIError")


async def _many(gw, count):
    async with openai.AsyncOpenAI(base_url=gw.base_url, api_key=KEY, max_retries=0) as client:
        import asyncio

        async def one():
            text = ""
            async for c in await client.chat.completions.create(model="text", messages=USER,
                                                                stream=True):
                text += c.choices[0].delta.content or ""
            return text
        return await asyncio.gather(*(one() for _ in range(count)))


def test_fifty_streams_at_once_by_the_asynchronous_client(gw, calls):
    import asyncio
    assert set(asyncio.run(_many(gw, 50))) == {"Good morning."}
    calls("AsyncOpenAI: 50 streams at once")
