"""Keys of clients, from the file."""
import hashlib

import pytest

from harness import exchanges as x
from harness.upstream import reply

KEYS = {name: f"sk-gw-{name}-" + "0123456789abcdef" * 2 for name in
        ("plain", "hashed", "narrow", "denied", "endpoints", "elsewhere", "here", "expired", "valid",
         "off")}


@pytest.fixture(scope="module")
def gw(shared_gateway, shared_upstream):
    shared_upstream.answer(reply(x.COMPLETION))
    key = {name: {"key": secret} for name, secret in KEYS.items()}
    key["hashed"] = {"sha256": hashlib.sha256(KEYS["hashed"].encode()).hexdigest()}
    key["narrow"]["models"] = ["gpt-*", "exact"]
    key["denied"]["models_denied"] = ["gpt-secret*"]
    key["endpoints"]["endpoints"] = ["embeddings", "models*"]
    key["elsewhere"]["networks"] = ["10.0.0.0/8"]
    key["here"]["networks"] = ["127.0.0.0/8"]
    key["expired"]["expires"] = "2020-01-01"
    key["valid"]["expires"] = "2099-01-01"
    key["off"]["enabled"] = False
    key["plain"] |= {"tenant": "acme", "user": "ada", "tags": ["t"]}
    return shared_gateway({"keys": key, "providers": {"up": shared_upstream.provider()},
                           "models": {"gpt-x": "up/x", "gpt-secret": "up/s", "exact": "up/e",
                                      "other": "up/o"}})


def bearer(name):
    return [("Authorization", f"Bearer {KEYS[name]}")]


def denied(r, status, type, code=None):
    assert r.status == status, r.body
    assert r.error["type"] == type and (code is None or r.error["code"] == code)
    assert r.get("x-should-retry") in (None, "false")
    for secret in KEYS.values():
        assert secret not in r.body.decode()


@pytest.mark.parametrize("fields", [
    [("Authorization", "Bearer {}")], [("authorization", "bearer {}")],
    [("Authorization", "BEARER   {}")], [("x-api-key", "{}")], [("api-key", "{}")],
    [("x-goog-api-key", "{}")]], ids=lambda v: v[0][1] + " in " + v[0][0])
def test_a_key_through_any_field(gw, fields):
    r = gw.chat(model="gpt-x", headers=[(n, v.format(KEYS["plain"])) for n, v in fields])
    assert r.status == 200


def test_a_key_in_the_query(gw, shared_upstream):
    r = gw.post(f"/v1/chat/completions?key={KEYS['plain']}",
                {"model": "gpt-x", "messages": [{"role": "user", "content": "x"}]})
    assert r.status == 200
    assert KEYS["plain"] not in shared_upstream.last.target
    assert KEYS["plain"] not in gw.access_path.read_text() + gw.stderr()


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-x", "/v1/files", "/v1/batches/x",
                                  "/v1/responses/x"])
def test_every_route_needs_a_key(gw, shared_upstream, path):
    before = len(shared_upstream.requests)
    denied(gw.get(path), 401, "authentication_error", "missing_api_key")
    denied(gw.get(path, [("Authorization", "Bearer sk-gw-wrong")]), 401, "authentication_error",
           "invalid_api_key")
    assert len(shared_upstream.requests) == before


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions", "/v1/embeddings",
                                  "/v1/responses", "/v1/moderations", "/v1/images/generations",
                                  "/v1/images/edits", "/v1/audio/speech", "/v1/audio/transcriptions",
                                  "/v1/rerank", "/v1/files", "/v1/batches",
                                  "/openai/deployments/gpt-x/chat/completions?api-version=1",
                                  "/v1/responses/x/cancel", "//v1/chat/completions",
                                  "/v1/./chat/completions", "/v1/x/../chat/completions"])
def test_every_post_needs_a_key(gw, shared_upstream, path):
    before = len(shared_upstream.requests)
    r = gw.post(path, {"model": "gpt-x"})
    assert r.status in (400, 401, 404), (r.status, r.body)
    if "//" not in path and "/." not in path:
        denied(r, 401, "authentication_error", "missing_api_key")
    assert len(shared_upstream.requests) == before


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic abc", "Bearer sk-gw-",
                                   "Bearer " + KEYS["plain"] + "x", "Bearer " + KEYS["plain"][:-1],
                                   "Bearer " + KEYS["plain"].upper(),
                                   "Bearer " + hashlib.sha256(KEYS["plain"].encode()).hexdigest(),
                                   "Bearer " + hashlib.sha256(KEYS["hashed"].encode()).hexdigest(),
                                   "Bearer " + "x" * 5000])
def test_what_is_not_the_key_is_401(gw, value):
    r = gw.chat(model="gpt-x", headers=[("Authorization", value)])
    assert r.status == 401 and r.error["type"] == "authentication_error"


@pytest.mark.parametrize("name", ["plain", "hashed", "here", "valid"])
def test_keys_that_hold(gw, name):
    assert gw.chat(model="gpt-x", headers=bearer(name)).status == 200


@pytest.mark.parametrize("name", ["expired", "off"])
def test_keys_that_no_longer_hold(gw, name):
    denied(gw.chat(model="gpt-x", headers=bearer(name)), 401, "authentication_error", "invalid_api_key")


def test_models_of_a_key(gw, shared_upstream):
    assert gw.chat(model="gpt-x", headers=bearer("narrow")).status == 200
    assert gw.chat(model="exact", headers=bearer("narrow")).status == 200
    before = len(shared_upstream.requests)
    for model in ("other", "up/x", "up/gpt-x", "exact2", "Exact"):
        denied(gw.chat(model=model, headers=bearer("narrow")), 403, "permission_error")
    assert len(shared_upstream.requests) == before


def test_models_denied_to_a_key(gw):
    assert gw.chat(model="other", headers=bearer("denied")).status == 200
    denied(gw.chat(model="gpt-secret", headers=bearer("denied")), 403, "permission_error")


def test_models_are_listed_by_key(gw):
    def ids(name):
        return {m["id"] for m in gw.get("/v1/models", bearer(name)).json()["data"]}
    assert {"gpt-x", "other", "exact"} <= ids("plain")
    assert ids("narrow") & {"gpt-x", "exact", "other"} == {"gpt-x", "exact"}
    assert "gpt-secret" not in ids("denied")
    r = gw.get("/v1/models/other", bearer("narrow"))
    assert r.status in (403, 404)


def test_endpoints_of_a_key(gw):
    r = gw.post("/v1/embeddings", {"model": "gpt-x", "input": "x"}, bearer("endpoints"))
    assert r.status == 200, r.body
    assert gw.get("/v1/models", bearer("endpoints")).status == 200
    denied(gw.chat(model="gpt-x", headers=bearer("endpoints")), 403, "permission_error")


def test_networks_of_a_key(gw):
    denied(gw.chat(model="gpt-x", headers=bearer("elsewhere")), 403, "permission_error")
    # Nobody said that this peer may speak for others.
    denied(gw.chat(model="gpt-x", headers=bearer("elsewhere") + [("X-Forwarded-For", "10.1.2.3")]),
           403, "permission_error")


def test_a_trusted_proxy_may_speak_for_others(gateway, upstream):
    upstream.answer(reply(x.COMPLETION))
    gw = gateway({"keys": {"k": {"key": KEYS["plain"], "networks": ["10.0.0.0/8"]}},
                  "server": {"trusted_proxies": ["127.0.0.0/8"]},
                  "providers": {"up": upstream.provider()}})
    for forwarded, status in (("10.1.2.3", 200), ("192.0.2.1", 403), ("10.1.2.3, 192.0.2.1", 403),
                              ("192.0.2.1, 10.1.2.3", 200), ("10.1.2.3, 127.0.0.5", 200), (None, 403)):
        more = [("X-Forwarded-For", forwarded)] if forwarded else []
        assert gw.chat(model="x", headers=bearer("plain") + more).status == status, forwarded


def test_health_needs_no_key(gw):
    for path in ("/health", "/health/live", "/health/ready", "/health/providers"):
        r = gw.get(path)
        assert r.status in (200, 503) and "sk-" not in r.body.decode()


def test_the_keys_name_is_in_the_access_log_and_the_key_is_not(gw):
    r = gw.chat(model="gpt-x", headers=bearer("plain"))
    id = r.get("x-request-id")
    import time
    deadline = time.monotonic() + 5
    while not (lines := [l for l in gw.access_log() if l.get("request_id", l.get("id")) == id]):
        assert time.monotonic() < deadline
    assert lines[0]["key"] == "plain" and lines[0]["tenant"] == "acme"
    text = gw.access_path.read_text() + gw.stderr()
    for secret in [*KEYS.values(), "sk-upstream-secret"]:
        assert secret not in text


def test_metrics_and_the_process_list_hold_no_key(gw):
    text = gw.metrics_text()
    with open(f"/proc/{gw.pid}/cmdline") as f:
        text += f.read()
    for secret in [*KEYS.values(), "sk-upstream-secret"]:
        assert secret not in text


def test_without_keys_only_loopback_is_served(tmp_path, upstream):
    import yaml
    from harness.gateway import free_port, run_cli
    config = {"listen": f"0.0.0.0:{free_port()}", "providers": {"up": upstream.provider()}}
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(config))
    refused = run_cli("check", "-c", str(file))
    assert refused.returncode == 1 and "allow_anonymous" in refused.stdout + refused.stderr
    assert run_cli("serve", "-c", str(file)).returncode != 0
    config["allow_anonymous"] = True
    file.write_text(yaml.safe_dump(config))
    assert run_cli("check", "-c", str(file)).returncode == 0
