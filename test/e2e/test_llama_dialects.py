"""A real inference server behind the gateway, asked by every client dialect's official SDK, streamed and not."""
import pytest

from square.clients import CLIENTS, KEY


@pytest.fixture(scope="module")
def real(shared_gateway, llama):
    # llama.cpp speaks three of the formats itself; asked as a chat provider, the others are translated.
    return shared_gateway({
        "providers": {"local": {"type": "openai-compatible", "preset": "llamacpp", "base_url": llama.url}},
        "models": {"small": "local/smollm2"},
        "keys": {"square": {"key": KEY}},
    })


PROMPT = "Count on: one, two, three, four, five,"


def user(text):
    return {"role": "user", "text": text}


@pytest.mark.parametrize("stream", [False, True], ids=["buffered", "streamed"])
@pytest.mark.parametrize("client", CLIENTS, ids=[c.name for c in CLIENTS])
def test_a_real_model_answers(real, calls, client, stream):
    sdk = client(real.url)
    sdk.limit = 12
    first = sdk.ask("small", [user(PROMPT)], stream=stream)
    assert first.text.strip() and first.finish in ("stop", "length")
    assert first.input_tokens > 0 and first.output_tokens > 0
    calls(f"llama.cpp: {client.name}{' (stream)' if stream else ''}")
    if client.name == "completions":
        return
    turns = [user(PROMPT), {"role": "assistant", "answer": first}, user("Another one?")]
    second = sdk.ask("small", turns, stream=stream)
    assert second.text.strip() and second.input_tokens > first.input_tokens
