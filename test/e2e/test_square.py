"""The square: every client dialect × every provider type × buffered and streamed × every scenario.

The clients are the official SDKs, the providers the mock, which judges what it gets by each vendor's rules.
A cell passes, or it is an impossibility of IMPOSSIBLE, and then gives a clear error.  The matrix is printed
at the end."""
import json
import struct
import zlib

import pytest

from harness.gateway import BINARY, clean_environment, die_with_parent, free_port
from square.clients import CLIENTS, KEY, Refused

import socket
import subprocess
import time

# Provider type -> its entry, the model's name there, and what `thinking` needs of a model's name.
PROVIDERS = {
    "openai": ({"type": "openai", "base_url": "{mock}/v1"}, "gpt-4.1"),
    "anthropic": ({"type": "anthropic", "base_url": "{mock}"}, "claude-sonnet-4-5"),
    "gemini": ({"type": "gemini", "base_url": "{mock}"}, "gemini-2.5-flash"),
    "bedrock": ({"type": "bedrock", "base_url": "{mock}", "region": "us-east-1"},
                "anthropic.claude-sonnet-4-5-20250929-v1:0"),
    "azure": ({"type": "azure", "base_url": "{mock}", "api_version": "2024-10-21"}, "gpt-4.1"),
    "vllm": ({"type": "vllm", "base_url": "{mock}/v1"}, "meta-llama/Llama-3.3-70B-Instruct"),
    "ollama": ({"type": "ollama", "base_url": "{mock}"}, "qwen3"),
    "together": ({"type": "together", "base_url": "{mock}/v1"}, "deepseek-ai/DeepSeek-R1"),
}

# Models that see, where the usual one does not.
SEEING = {"vllm": "Qwen/Qwen2.5-VL-7B-Instruct", "ollama": "qwen2.5vl",
          "together": "meta-llama/Llama-4-Scout-17B-16E-Instruct"}

# Models that reason, and let it be seen, where the usual one does not.
THINKING = {"openai": "gpt-5.5", "azure": "gpt-5.5", "vllm": "Qwen/Qwen3-8B"}

# (client, scenario) or (client, provider, scenario) -> why it cannot be.
IMPOSSIBLE = {
    ("completions", "tools"): "the legacy API has no tools",
    ("completions", "image"): "the legacy API takes text only",
    ("completions", "schema"): "the legacy API has no structured output",
    ("completions", "reasoning"): "the legacy API has no reasoning",
    ("chat", "openai", "reasoning"): "OpenAI's chat shows no reasoning",
    ("chat", "azure", "reasoning"): "OpenAI's chat shows no reasoning",
}

SCENARIOS = ["text", "tools", "image", "schema", "reasoning", "error_before", "error_within", "truncation"]


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b""))


@pytest.fixture(scope="module")
def mock():
    port = free_port()
    process = subprocess.Popen([BINARY, "mock", "--listen", f"127.0.0.1:{port}"], env=clean_environment(),
                               preexec_fn=die_with_parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(500):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def square(shared_gateway, mock):
    providers = {}
    for name, (entry, _) in PROVIDERS.items():
        entry = {k: v.replace("{mock}", mock) if isinstance(v, str) else v for k, v in entry.items()}
        if name == "bedrock":
            entry |= {"aws": {"access_key_id": "AKIDMOCK", "secret_access_key": "mock-secret"}}
        elif name not in ("ollama", "vllm"):
            entry["api_key"] = "sk-upstream"
        providers[name] = entry | {"discover": False}
    return shared_gateway({"providers": providers, "keys": {"square": {"key": KEY}}})


@pytest.fixture(scope="module")
def clients(square):
    return {c.name: c(square.url) for c in CLIENTS}


def user(text, **more):
    return {"role": "user", "text": text, **more}


class Scenario:
    """What is asked, and what must come."""

    def __init__(self, ask, provider):
        self.ask, self.provider = ask, provider
        self.model = f"{provider}/{PROVIDERS[provider][1]}"

    def text(self):
        a = self.ask(self.model + ";tokens=12", [user("Say something.")])
        assert a.text and not a.calls and a.finish == "stop"
        assert a.input_tokens > 0 and a.output_tokens > 0

    def tools(self):
        turns = [user("What is the weather, and the time?")]
        a = self.ask(self.model + ";tool=2", turns, tools=True)
        assert [c.name for c in a.calls] == ["weather", "time"] and a.finish == "calls"
        assert all(c.arguments.get("city") for c in a.calls)
        assert len({c.id for c in a.calls}) == 2 or self.ask.__self__.name == "gemini"
        turns += [{"role": "assistant", "answer": a},
                  {"role": "tool", "results": [(c, f"{c.name}: fine") for c in a.calls]}]
        b = self.ask(self.model + ";tool=2", turns, tools=True)
        assert b.text and not b.calls and b.finish == "stop"

    def image(self):
        model = SEEING.get(self.provider, PROVIDERS[self.provider][1])
        a = self.ask(f"{self.provider}/{model}", [user("What is this?", image=png())])
        assert a.text and a.finish == "stop"

    def schema(self):
        a = self.ask(self.model, [user("Answer in JSON.")], schema=True)
        assert json.loads(a.text) == {"answer": "mock", "number": 42}, a.text
        assert not a.calls and a.finish == "stop"

    def reasoning(self):
        turns = [user("Think, then call a tool.")]
        self.model = f"{self.provider}/{THINKING.get(self.provider, PROVIDERS[self.provider][1])}"
        a = self.ask(self.model + ";tool=1", turns, tools=True, thinking=True)
        assert a.reasoning and len(a.calls) == 1 and a.finish == "calls"
        turns += [{"role": "assistant", "answer": a}, {"role": "tool", "results": [(a.calls[0], "fine")]}]
        b = self.ask(self.model + ";tool=1", turns, tools=True, thinking=True)
        assert b.text and not b.calls

    def error_before(self):
        with pytest.raises(Refused) as e:
            self.ask(self.model + ";fail=429", [user("Fail.")])
        assert e.value.status == 429

    def error_within(self):
        with pytest.raises(Refused) as e:
            self.ask(self.model + ";error-after=6;tokens=12", [user("Fail.")])
        assert e.value.status is None or e.value.status >= 500

    def truncation(self):
        with pytest.raises(Refused) as e:
            self.ask(self.model + ";cut-after=6;tokens=200", [user("Break off.")])
        assert e.value.status is None or e.value.status >= 500


def refuses_clearly(run):
    """An impossibility is told: by the SDK itself, or by a 400 that names the field."""
    try:
        run()
    except Refused as e:
        assert e.status in (400, 404) and len(e.message) > 10, e
    except (TypeError, KeyError, AssertionError):
        pass


MATRIX = {}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("stream", [False, True], ids=["buffered", "streamed"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("client", [c.name for c in CLIENTS])
def test_cell(clients, client, provider, stream, scenario):
    sdk = clients[client]
    bound = lambda model, turns, **wishes: sdk.ask(model, turns, stream=stream, **wishes)
    bound.__self__ = sdk
    run = getattr(Scenario(bound, provider), scenario)
    cell = (client, provider, stream, scenario)
    why = IMPOSSIBLE.get((client, scenario)) or IMPOSSIBLE.get((client, provider, scenario))
    if scenario == "error_within" and not stream:
        MATRIX[cell] = "–"  # a buffered answer has no middle: truncation is its only one
        return
    if why:
        MATRIX[cell] = "–"
        refuses_clearly(run)
        return
    MATRIX[cell] = "FAIL"
    run()
    MATRIX[cell] = "ok"


EMBEDDING_MODELS = {"openai": "text-embedding-3-small", "gemini": "gemini-embedding-001",
                    "bedrock": "amazon.titan-embed-text-v2:0", "azure": "text-embedding-3-small",
                    "vllm": "BAAI/bge-m3", "ollama": "nomic-embed-text", "together": "BAAI/bge-base-en-v1.5",
                    "anthropic": None}


@pytest.mark.parametrize("base64", [False, True], ids=["float", "base64"])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("provider", EMBEDDING_MODELS)
def test_embeddings_openai(clients, provider, count, base64):
    sdk = clients["chat"].sdk
    model = EMBEDDING_MODELS[provider]
    cell = ("embeddings", provider, False, f"embed {count}")
    MATRIX[cell] = "FAIL"
    if model is None:
        import openai
        with pytest.raises(openai.NotFoundError, match="offers"):
            sdk.embeddings.create(model=f"{provider}/claude-sonnet-4-5", input="a")
        MATRIX[cell] = "–"
        return
    done = sdk.embeddings.create(model=f"{provider}/{model}", input=["one", "two", "three"][:count],
                                 encoding_format="base64" if base64 else "float")
    assert [d.index for d in done.data] == list(range(count))
    assert len({len(d.embedding) for d in done.data}) == 1
    MATRIX[cell] = "ok"


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("provider", [p for p in EMBEDDING_MODELS if EMBEDDING_MODELS[p]])
def test_embeddings_gemini(clients, provider, count):
    sdk = clients["gemini"].sdk
    done = sdk.models.embed_content(model=f"{provider}/{EMBEDDING_MODELS[provider]}",
                                    contents=["one", "two", "three"][:count])
    assert len(done.embeddings) == count and all(e.values for e in done.embeddings)
    MATRIX[("embeddings (gemini)", provider, False, f"embed {count}")] = "ok"


def test_the_matrix_is_printed(capsys):
    if not MATRIX:
        pytest.skip("no cell was run")
    names = list(dict.fromkeys(c[0] for c in MATRIX))
    with capsys.disabled():
        for client in names:
            rows = sorted({(c[2], c[3]) for c in MATRIX if c[0] == client},
                          key=lambda r: (r[0], SCENARIOS.index(r[1]) if r[1] in SCENARIOS else 99, r[1]))
            print(f"\n{client:<28}" + "".join(f"{p:>11}" for p in PROVIDERS))
            for stream, scenario in rows:
                cells = [MATRIX.get((client, p, stream, scenario), "") for p in PROVIDERS]
                print(f"  {scenario + (' (stream)' if stream else ''):<26}" + "".join(f"{c:>11}" for c in cells))
        total = len(MATRIX)
        print(f"\n{total} cells, {sum(v == 'ok' for v in MATRIX.values())} pass, "
              f"{sum(v == '–' for v in MATRIX.values())} impossible and told, "
              f"{sum(v == 'FAIL' for v in MATRIX.values())} fail")
