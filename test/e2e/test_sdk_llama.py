"""The official Python SDK, the gateway, and a real inference server with a real model behind it."""
import openai
import pytest

USER = [{"role": "user", "content": "Name a colour."}]
# The same answer each time, and as long as it may be.
FIXED = {"temperature": 0, "extra_body": {"ignore_eos": True}}


@pytest.fixture(scope="module")
def client(shared_gateway, llama):
    gw = shared_gateway({
        "providers": {"local": {"type": "openai-compatible", "base_url": llama.url}},
        "models": {"small": "local/smollm2"},
    })
    with gw.openai(timeout=60) as c:
        yield c


def test_chat(client, calls):
    answer = client.chat.completions.create(model="small", messages=USER, max_tokens=8, **FIXED)
    assert answer.choices[0].message.content.strip()
    assert answer.usage.completion_tokens == 8 and answer.choices[0].finish_reason == "length"
    calls("llama.cpp: chat.completions.create")


@pytest.mark.parametrize("usage", [False, True])
def test_stream(client, calls, usage):
    options = {"stream_options": {"include_usage": True}} if usage else {}
    chunks = list(client.chat.completions.create(model="small", messages=USER, max_tokens=8,
                                                 stream=True, **FIXED, **options))
    with_choices = [c for c in chunks if c.choices]
    assert "".join(c.choices[0].delta.content or "" for c in with_choices).strip()
    assert with_choices[-1].choices[0].finish_reason == "length"
    assert [c.usage is not None for c in chunks if not c.choices] == ([True] if usage else [])
    calls(f"llama.cpp: chat.completions.create(stream{', include_usage' if usage else ''})")


def test_the_same_answer_as_without_the_gateway(client, llama, calls):
    asked = dict(model="smollm2", messages=USER, max_tokens=12, temperature=0, seed=1)
    with openai.OpenAI(base_url=llama.url, api_key="x") as direct:
        expected = direct.chat.completions.create(**asked).choices[0].message.content
    assert client.chat.completions.create(**asked).choices[0].message.content == expected
    calls("llama.cpp: the same text directly and through the gateway")


def test_embeddings(client, calls):
    for more in ({}, {"encoding_format": "float"}):
        answer = client.embeddings.create(model="small", input=["red", "blue"], **more)
        assert [len(e.embedding) for e in answer.data] == [576, 576]
    calls("llama.cpp: embeddings.create, base64 and float")


def test_models(client, calls):
    ids = [m.id for m in client.models.list()]
    assert "small" in ids
    assert client.models.retrieve("local/smollm2").id == "local/smollm2"
    calls("llama.cpp: models.list, retrieve")


def test_completions(client, calls):
    answer = client.completions.create(model="small", prompt="The sky is", max_tokens=4)
    assert answer.choices[0].text
    text = "".join(c.choices[0].text for c in client.completions.create(
        model="small", prompt="The sky is", max_tokens=4, stream=True))
    assert text
    calls("llama.cpp: completions.create, buffered and streamed")


def test_responses(client, calls):
    answer = client.responses.create(model="small", input="Name a colour.", max_output_tokens=8)
    assert answer.output_text.strip()
    events = list(client.responses.create(model="small", input="Name a colour.",
                                          max_output_tokens=8, stream=True))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    calls("llama.cpp: responses.create, buffered and streamed")


def test_its_refusals_come_through(client, calls):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="small", max_tokens=4, messages=[
            {"role": "user", "content": "word " * 6000}])
    assert caught.value.type == "exceed_context_size_error"
    calls("llama.cpp: BadRequestError for a prompt beyond the context")


def test_a_client_that_leaves_frees_the_server(client, llama, calls):
    """The server has two slots; ten abandoned long answers would block the next for long."""
    for _ in range(10):
        stream = client.chat.completions.create(model="small", messages=USER, max_tokens=3000,
                                                stream=True, extra_body={"ignore_eos": True})
        next(iter(stream))
        stream.close()
    answer = client.with_options(timeout=20).chat.completions.create(
        model="small", messages=USER, max_tokens=4)
    assert answer.choices[0].message.content
    calls("llama.cpp: ten abandoned streams, then a chat")
