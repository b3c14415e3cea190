"""The configuration: checked whole, with places and suggestions; from file, environment, command line."""
import re
import textwrap

import pytest
import yaml

from harness import exchanges as x
from harness.gateway import clean_environment, free_port, run_cli
from harness.upstream import reply

GOOD = """\
listen: 127.0.0.1:8080
providers:
  up: {type: openai-compatible, base_url: "http://127.0.0.1:9999/v1", api_key: sk-own-secret-value, models: [m]}
models:
  alias: up/m
"""


@pytest.fixture
def check(tmp_path):
    def run(text, *args, **env):
        file = tmp_path / "gateway.yaml"
        file.write_text(textwrap.dedent(text))
        return run_cli("check", "-c", str(file), *args, env=clean_environment(**env), cwd=tmp_path)
    return run


def problems(done):
    """{(line, path): text} of what check said."""
    out = {}
    for line in (done.stdout + done.stderr).splitlines():
        if m := re.match(r".*?gateway\.yaml:(\d+):(\d+): ([^:]+): (.*)", line):
            out[int(m[1]), m[3]] = m[4]
            assert int(m[2]) > 0
    return out


def test_a_good_file(check):
    done = check(GOOD)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ten_mistakes_in_one_run(check):
    done = check("""\
        listen: 127.0.0.1:99999
        wrokers: 2
        server:
          max_body: 12Potatoes
          header_timeout: -5s
          max_hedaers: 100
        providers:
          up:
            type: opnai
            base_url: http://127.0.0.1:9999/v1
          gpu:
            type: vllm
            base_url: ftp://example
            timeouts: {conect: 2s}
        models:
          a: nobody/x
          b:
            strategy: latncy
            targets: [up/x]
        keys:
          app: {key: short}
        """)
    assert done.returncode == 1
    found = problems(done)
    expected = [(1, "listen", ""), (2, "wrokers", "workers"), (4, "server.max_body", ""),
                (5, "server.header_timeout", ""), (6, "server.max_hedaers", "max_headers"),
                (9, "providers.up.type", "openai"), (13, "providers.gpu.base_url", ""),
                (14, "providers.gpu.timeouts.conect", "connect"), (16, "models.a", ""),
                (18, "models.b.strategy", "latency|strategy"), (21, "keys.app.key", "")]
    for line, path, suggestion in expected:
        text = [t for (n, p), t in found.items() if n == line and p.startswith(path)]
        assert text, f"{line}: {path} is not reported:\n{done.stdout}{done.stderr}"
        if suggestion and "|" not in suggestion:
            assert "did you mean" in text[0] and suggestion in text[0], text
    assert len(found) == len(expected), found


@pytest.mark.parametrize("text, says", [
    ("providers: [", "1"), ("providers:\n\t- x", "2"), ("a: b: c", "1"), ("{", "1"),
    ("listen: 127.0.0.1:1\nlisten: 127.0.0.1:2", "2"), ("- a", "1"), ("just text", "1"),
    ("providers: {up: {type: demo}}\n---\nlisten: x", ""), ("x: &a [*a]", ""),
    ("a: !!python/object:os.system x", "")], ids=repr)
def test_what_is_not_a_configuration(check, text, says):
    done = check(text)
    assert done.returncode == 1
    assert re.search(rf"gateway\.yaml:{says or ''}", done.stdout + done.stderr)


def test_a_bomb_of_aliases_is_refused(check):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12))
    assert check(bomb).returncode == 1


def test_an_empty_file_has_no_providers(check):
    done = check("")
    assert done.returncode in (0, 1)  # said, not crashed


def test_json_is_yaml(check):
    assert check('{"listen": "127.0.0.1:8080", "providers": {"up": {"type": "demo"}}}').returncode == 0


@pytest.mark.parametrize("option", ["cache: {}", "rules: []", "redis: {url: x}", "tracing: {}",
                                    "limits: {}", "budgets: {}", "storage: {type: sqlite}"])
def test_what_cannot_have_an_effect_yet_is_refused(check, option):
    done = check(GOOD + option + "\n")
    assert done.returncode == 1 and option.split(":")[0] in done.stdout + done.stderr


def test_print_masks_secrets(check):
    text = GOOD + textwrap.dedent("""\
        admin: {token: admin-secret-value-123}
        keys:
          app: {key: sk-gw-client-secret-value}
        """)
    done = check(text.replace("models: [m]", "models: [m], headers: {x-auth: header-secret}"), "--print")
    assert done.returncode == 0, done.stdout + done.stderr
    out = done.stdout + done.stderr
    for secret in ("sk-own-secret-value", "admin-secret-value-123", "sk-gw-client-secret-value",
                   "header-secret"):
        assert secret not in out
    shown = yaml.safe_load(done.stdout)
    assert shown["providers"]["up"]["base_url"] == "http://127.0.0.1:9999/v1"
    assert shown["server"]["max_body"] in ("32MiB", 33554432)
    assert shown["providers"]["up"]["timeouts"]["first_byte"] in ("60s", "1m")


def test_what_print_shows_is_a_configuration(check, tmp_path):
    shown = check(GOOD, "--print").stdout
    again = tmp_path / "again.yaml"
    again.write_text(shown)
    done = run_cli("check", "-c", str(again), "--print")
    assert done.returncode == 0, done.stdout + done.stderr
    assert yaml.safe_load(done.stdout) == yaml.safe_load(shown)


def test_secrets_are_not_shown_in_complaints_either(check):
    done = check(GOOD.replace("api_key: sk-own-secret-value", "api_key: [sk-own-secret-value, {a: sk-other-secret}]"))
    assert "sk-own-secret" not in done.stdout + done.stderr
    assert "sk-other-secret" not in done.stdout + done.stderr


def printed(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return yaml.safe_load(done.stdout)


def test_interpolation(check, tmp_path):
    (tmp_path / "port").write_text("7777\n")
    text = GOOD.replace("8080", "${file:" + str(tmp_path / "port") + "}") + "workers: ${WORKERS:-3}\n"
    assert printed(check(text, "--print"))["workers"] in (3, "3")
    shown = printed(check(text, "--print", WORKERS="5"))
    assert shown["workers"] in (5, "5") and "7777" in str(shown["listen"])


def test_an_unset_variable_is_an_error_with_its_line(check):
    done = check(GOOD.replace("sk-own-secret-value", "${NOT_SET_AT_ALL}"))
    assert done.returncode == 1
    text = [t for (line, _), t in problems(done).items() if line == 3]
    assert text and "NOT_SET_AT_ALL" in text[0]


def test_a_variables_value_is_never_syntax(check):
    text = GOOD.replace('sk-own-secret-value', '"${KEY}"')
    done = check(text, "--print", KEY='x", admin: {token: "y')
    assert "admin-" not in done.stdout
    if done.returncode == 0:
        assert yaml.safe_load(done.stdout)["providers"]["up"]["base_url"]


def test_the_environment_overrides_the_file_and_the_command_line_both(check):
    env = {"LLM_GATEWAY__SERVER__MAX_BODY": "2MiB", "LLM_GATEWAY__WORKERS": "2"}
    assert printed(check(GOOD, "--print", **env))["server"]["max_body"] in ("2MiB", 2097152)
    shown = printed(check(GOOD, "--print", "--set", "server.max_body=3MiB", "--workers", "4", **env))
    assert shown["server"]["max_body"] in ("3MiB", 3145728) and shown["workers"] in (4, "4")


@pytest.mark.parametrize("args, env", [(["--set", "server.max_bodi=1MiB"], {}), (["--set", "nonsense"], {}),
                                       (["--set", "server.max_body=x"], {}),
                                       ([], {"LLM_GATEWAY__SERVER__MAX_BODI": "1MiB"}),
                                       ([], {"LLM_GATEWAY__SERVER__MAX_BODY": "much"})])
def test_mistakes_there_are_named_too(check, args, env):
    done = check(GOOD, *args, **env)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "max_bod" in said or "nonsense" in said


def test_where_the_file_is_looked_for(tmp_path):
    def ports(**kw):
        done = run_cli("check", "--print", **kw)
        return done.stdout
    for n, name in enumerate(("by-variable", "here", "xdg")):
        text = GOOD.replace("8080", f"700{n}")
        path = {"by-variable": tmp_path / "v.yaml", "here": tmp_path / "cwd" / "llm-gateway.yaml",
                "xdg": tmp_path / "xdg" / "llm-gateway" / "config.yaml"}[name]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "empty").mkdir()
    env = clean_environment(HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path / "xdg"))
    assert "7000" in ports(env={**env, "LLM_GATEWAY_CONFIG": str(tmp_path / "v.yaml")}, cwd=tmp_path / "cwd")
    assert "7001" in ports(env=env, cwd=tmp_path / "cwd")
    assert "7002" in ports(env=env, cwd=tmp_path / "empty")


def test_a_file_that_is_not_there(tmp_path):
    done = run_cli("check", "-c", str(tmp_path / "none.yaml"))
    assert done.returncode == 1 and "none.yaml" in done.stderr + done.stdout
    done = run_cli("serve", "-c", str(tmp_path / "none.yaml"))
    assert done.returncode != 0 and "none.yaml" in done.stderr


def test_serve_with_a_broken_file_says_why_and_ends(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("wrokers: 2\n")
    done = run_cli("serve", "-c", str(file))
    assert done.returncode != 0 and "workers" in done.stderr


def test_a_busy_port_says_so(gateway, upstream):
    first = gateway({"providers": {"up": upstream.provider()}})
    import socket
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        file = first.folder / "busy.yaml"
        file.write_text(yaml.safe_dump({"listen": f"127.0.0.1:{port}", "admin": {"enabled": False},
                                        "providers": {"up": upstream.provider()}}))
        done = run_cli("serve", "-c", str(file))
        assert done.returncode != 0 and str(port) in done.stderr


# Where a model's name goes

@pytest.fixture(scope="module")
def routed(shared_gateway, shared_upstream):
    shared_upstream.answer(reply(x.COMPLETION))
    p = shared_upstream.provider
    return shared_gateway({
        "providers": {"a": p(models=["listed", "org/slashed", "both"]), "b": p(models=["both"])},
        "models": {"exact": "a/target-1", "gpt-*": "a/*", "gpt-4*": "b/*", "gpt-4o": "a/target-2",
                   "org/aliased": "b/target-3",
                   "list": {"targets": [{"provider": "b", "model": "t"}]},
                   "spread": {"strategy": "round_robin", "targets": ["a/x", "b/x"]},
                   "first": {"strategy": "priority", "targets": ["b/x", "a/x"]},
                   "heavy": {"strategy": "weighted", "targets": [
                       {"provider": "a", "model": "x", "weight": 3}, {"provider": "b", "model": "x"}]}},
    })


@pytest.mark.parametrize("name, provider, model", [
    ("exact", "a", "target-1"), ("gpt-4o", "a", "target-2"), ("gpt-3.5", "a", "gpt-3.5"),
    ("gpt-4-turbo", "b", "gpt-4-turbo"), ("a/any/thing:at@all.1", "a", "any/thing:at@all.1"),
    ("listed", "a", "listed"), ("org/slashed", "a", "org/slashed"), ("org/aliased", "b", "target-3"),
    ("list", "b", "t"), ("first", "b", "x"), ("b/listed", "b", "listed")])
def test_where_a_name_goes(routed, shared_upstream, name, provider, model):
    r = routed.chat(model=name)
    assert r.status == 200, r.body
    assert (r.get("x-gateway-provider"), r.get("x-gateway-model")) == (provider, model)
    assert shared_upstream.last.json()["model"] == model


@pytest.mark.parametrize("name", ["Exact", "exact ", "c/x", "/x", "a/", "nothing", "*", "gpt"])
def test_names_that_go_nowhere(routed, name):
    r = routed.chat(model=name)
    assert r.status == 404 and r.error["code"] == "model_not_found"


def test_targets_take_turns(routed):
    seen = [routed.chat(model="spread").get("x-gateway-provider") for _ in range(20)]
    assert seen.count("a") == seen.count("b") == 10 or abs(seen.count("a") - 10) <= 2
    seen = [routed.chat(model="heavy").get("x-gateway-provider") for _ in range(40)]
    assert 26 <= seen.count("a") <= 34
    assert {routed.chat(model="both").get("x-gateway-provider") for _ in range(8)} == {"a", "b"}


def test_several_keys_of_a_provider_take_turns(gateway, upstream):
    upstream.answer(reply(x.COMPLETION))
    p = upstream.provider()
    del p["api_key"]
    gw = gateway({"workers": 1, "providers": {"up": {**p, "api_keys": ["sk-upstream-1", "sk-upstream-2"]}}})
    for _ in range(6):
        gw.chat(model="up/m")
    seen = [q.get("authorization") for q in upstream.requests]
    assert seen.count("Bearer sk-upstream-1") == seen.count("Bearer sk-upstream-2") == 3


def test_a_key_that_is_refused_rests(gateway, upstream):
    upstream.answer(lambda q: reply(x.COMPLETION) if q.get("authorization").endswith("-2")
                    else reply(x.error("bad key", "authentication_error"), 401))
    p = upstream.provider()
    del p["api_key"]
    gw = gateway({"workers": 1, "defaults": {"retry": {"attempts": 2, "total": 3}},
                  "providers": {"up": {**p, "api_keys": ["sk-upstream-1", "sk-upstream-2"]}}})
    assert {gw.chat(model="up/m").status for _ in range(8)} == {200}
    seen = [q.get("authorization")[-1] for q in upstream.requests]
    assert seen.count("1") <= 2


def test_models_are_asked_of_the_provider(gateway, upstream):
    upstream.answer(lambda q: reply(x.MODELS if q.target == "/v1/models" else x.COMPLETION))
    gw = gateway({"providers": {"up": upstream.provider(discover=True), "other": upstream.provider(models=["o"])}})
    import time
    deadline = time.monotonic() + 5
    while "gpt-5.1" not in str(ids := [m["id"] for m in gw.get("/v1/models").json()["data"]]):
        assert time.monotonic() < deadline, ids
        time.sleep(0.05)
    assert gw.chat(model="meta-llama/Llama-3.3-70B-Instruct").get("x-gateway-provider") == "up"


def test_a_provider_that_is_down_does_not_hinder_the_start(gateway, upstream):
    upstream.answer(reply(x.COMPLETION))
    gw = gateway({"providers": {
        "down": {"type": "openai-compatible", "base_url": f"http://127.0.0.1:{free_port()}/v1"},
        "up": upstream.provider(models=["m"])}})
    assert gw.chat(model="m").status == 200
    assert gw.get("/v1/models").status == 200


def test_a_level_silences_what_is_below_it(gateway, upstream):
    upstream.answer(reply(x.COMPLETION))
    loud = gateway({"log": {"level": "info"}, "providers": {"up": upstream.provider()}})
    quiet = gateway({"log": {"level": "error"}, "providers": {"up": upstream.provider()}})
    for gw in (loud, quiet):
        assert gw.chat(model="up/m").status == 200
        gw.stop()
    assert "stopping" in loud.stderr() and "stopping" not in quiet.stderr()


def test_a_preset_brings_its_address(check):
    done = check("""\
        providers: {fast: {type: openai-compatible, preset: groq, api_key: sk-own-secret-value}}
        """, "--print")
    assert done.returncode == 0, done.stdout + done.stderr
    provider = yaml.safe_load(done.stdout)["providers"]["fast"]
    assert provider["base_url"] == "https://api.groq.com/openai/v1"


@pytest.mark.parametrize("limit, tries", [("500ms", 1), ("5s", 2)])
def test_a_wish_to_wait_is_granted_up_to_a_limit(gateway, upstream, limit, tries):
    upstream.answer(reply(x.error("slow down", "rate_limit_exceeded"), 429, headers=[("retry-after", "1")]))
    gw = gateway({"workers": 1, "defaults": {"retry": {"attempts": 1, "total": 2, "retry_after_max": limit}},
                  "providers": {"up": upstream.provider()}})
    assert gw.chat(model="up/m").status == 429
    assert len(upstream.requests) == tries
