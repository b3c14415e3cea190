"""No configuration, no keys: the first curl answers."""
import re
import shutil
import subprocess

import openai
import pytest

from harness import exchanges as x
from harness.gateway import clean_environment, free_port, run_cli
from harness.upstream import reply, sse
from square.clients import CLIENTS


@pytest.fixture
def bare(gateway, tmp_path):
    port = free_port()
    return gateway(config_file=False, port=port, args=["--listen", f"127.0.0.1:{port}", "--set",
                                                       f"admin.listen=127.0.0.1:{free_port()}"],
                   env={"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "none")})


def test_the_first_curl_answers_on_a_bare_machine(bare):
    curl = shutil.which("curl")
    done = subprocess.run(
        [curl, "-sS", "-i", f"{bare.url}/v1/chat/completions", "-H", "content-type: application/json", "-d",
         '{"model": "demo", "messages": [{"role": "user", "content": "hello"}]}'],
        capture_output=True, text=True, timeout=10)
    assert done.returncode == 0 and " 200 " in done.stdout.splitlines()[0], done.stdout + done.stderr
    assert '"content"' in done.stdout


def test_the_sdk_streams_from_it(bare, calls):
    with bare.openai() as client:
        model = next(iter(client.models.list())).id
        text = "".join(c.choices[0].delta.content or "" for c in client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "hello"}], stream=True) if c.choices)
    assert text
    calls("demo: models.list, chat.completions.create(stream=True)")


def test_the_start_text_says_what_was_found_and_what_to_try(bare):
    text = bare.stderr()
    assert f"127.0.0.1:{bare.port}" in text and "demo" in text and "curl" in text


def test_it_answers_within_fifty_milliseconds_of_its_start(gateway, tmp_path, sanitized):
    """Measured at the answer, so with the process's creation and a connection."""
    import time
    took = []
    for _ in range(5):
        port = free_port()
        g = gateway(config_file=False, port=port, ready=None, env={"HOME": str(tmp_path)},
                    args=["--listen", f"127.0.0.1:{port}", "--set", "admin.enabled=false",
                          "--set", "providers.demo.type=demo"])
        g.wait_ready()
        took.append(time.monotonic() - g.t_start)
        g.stop()
    print([f"{t * 1000:.0f} ms" for t in took])
    assert sanitized or min(took) < 0.2


def test_keys_in_the_environment_become_providers(gateway, tmp_path):
    port = free_port()
    g = gateway(config_file=False, port=port, args=["--listen", f"127.0.0.1:{port}", "--set",
                                                    f"admin.listen=127.0.0.1:{free_port()}"],
                env={"HOME": str(tmp_path), "OPENAI_API_KEY": "sk-from-environment",
                     "TOGETHER_API_KEY": "tg-from-environment"})
    text = g.stderr()
    assert "openai" in text and "together" in text and "demo" not in text.lower()
    assert "from-environment" not in text
    names = {p.get("name", p.get("provider")) for p in _providers(g)}
    assert {"openai", "together"} <= names


def _providers(g):
    data = g.get("/health/providers").json()
    for key in ("providers", "data"):
        if key in data:
            data = data[key]
    return data if isinstance(data, list) else [{"name": n} for n in data]


def test_version_and_help():
    version = run_cli("version")
    assert version.returncode == 0 and re.search(r"\d+\.\d+", version.stdout)
    text = run_cli("help").stdout + run_cli("--help").stdout
    for command in ("serve", "check", "init", "mock", "chat", "models", "health", "version", "completions"):
        assert command in text
    wrong = run_cli("serv")
    assert wrong.returncode != 0 and "serve" in wrong.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(shell):
    done = run_cli("completions", shell)
    assert done.returncode == 0 and "serve" in done.stdout
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=done.stdout, text=True).returncode == 0


# Commands against a running gateway

@pytest.fixture
def running(gateway, upstream):
    upstream.answer(lambda q: sse(x.STREAM_TEXT) if b'"stream":true' in q.body.replace(b" ", b"")
                    else reply(x.MODELS if q.target == "/v1/models" else x.COMPLETION))
    return gateway({"providers": {"up": upstream.provider()}, "models": {"m": "up/real"},
                    "keys": {"k": {"key": "sk-gw-0123456789abcdef"}}})


def cli(gw, *args):
    return run_cli(*args, env=clean_environment(LLM_GATEWAY_URL=gw.url,
                                                LLM_GATEWAY_KEY="sk-gw-0123456789abcdef"))


def test_chat_streams_and_counts(running):
    done = cli(running, "chat", "-m", "m", "-s", "Be brief", "hello")
    assert done.returncode == 0, done.stderr
    assert "Good morning." in done.stdout
    assert re.search(r"17|12|5", done.stderr + done.stdout)


def test_chat_with_an_error_says_so_and_fails(running):
    done = cli(running, "chat", "-m", "m\u0000x" if False else "", "hello")
    assert done.returncode in (0, 1, 2)
    done = run_cli("chat", "-m", "m", "--url", running.url, "--key", "sk-gw-wrong-wrong-wrong", "hello",
                   env=clean_environment())
    assert done.returncode != 0 and done.stderr.strip()


def test_models_and_health(running):
    import json
    done = cli(running, "models")
    assert done.returncode == 0 and "m" in done.stdout.split()
    ids = json.loads(cli(running, "models", "--json").stdout)
    assert "m" in json.dumps(ids)
    assert cli(running, "health").returncode == 0
    json.loads(cli(running, "health", "--json").stdout)
    nobody = run_cli("health", "--url", f"http://127.0.0.1:{free_port()}", env=clean_environment())
    assert nobody.returncode == 1 and nobody.stderr


def test_init_writes_a_file_that_checks(tmp_path):
    env = clean_environment(OPENAI_API_KEY="sk-from-environment", HOME=str(tmp_path))
    file = tmp_path / "new.yaml"
    done = run_cli("init", "-o", str(file), "--no-probe", env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = file.read_text()
    assert "openai" in text and "sk-from-environment" not in text and "#" in text
    assert run_cli("check", "-c", str(file), env=env).returncode == 0
    again = run_cli("init", "-o", str(file), "--no-probe", env=env, cwd=tmp_path)
    assert again.returncode != 0 and file.read_text() == text
    assert run_cli("init", "-f", "-o", str(file), "--no-probe", env=env, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("stream", [False, True], ids=["buffered", "streamed"])
def test_every_client_reaches_it(bare, calls, stream):
    for client in CLIENTS:
        answer = client(bare.url).ask("demo", [{"role": "user", "text": "hello"}], stream=stream)
        assert answer.text and answer.finish == "stop", client.name
        calls(f"demo: {client.name}{' (stream)' if stream else ''}")
