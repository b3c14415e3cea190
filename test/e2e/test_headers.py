"""Header fields: what goes to the provider, what comes back, and nothing else."""
import re

import pytest

from harness import exchanges as x
from harness.raw import RawClient
from harness.upstream import LAST_CHUNK, SSE_HEAD, chunk, head, reply, sse

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


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
            "up": up.provider(headers={"x-team": "search"}, forward_headers=["x-trace-me"]),
            "org": up.provider(type="openai", organization="org-own", project="proj_own"),
            "pass-org": up.provider(forward_organization=True),
            "through": {"type": "openai-compatible", "base_url": up.url,
                        "credentials": "passthrough", "discover": False},
            "custom": {**up.provider(), "auth": {"header": "x-custom-key", "prefix": "Key "}},
            "open": {"type": "openai-compatible", "base_url": up.url, "discover": False},
        },
        "models": {"m": "up/real"},
    })


SECRETS = [("Authorization", "Bearer sk-client-1"), ("x-api-key", "sk-client-2"),
           ("api-key", "sk-client-3"), ("x-goog-api-key", "sk-client-4"),
           ("Cookie", "session=sk-client-5"), ("Proxy-Authorization", "Basic sk-client-6")]
OTHERS = [("x-gateway-metadata", '{"a":"b"}'), ("x-gateway-cache", "no-cache"),
          ("x-gateway-retries", "0"), ("x-gateway-timeout", "10s"),
          ("x-stainless-lang", "python"), ("x-forwarded-for", "1.2.3.4"), ("forwarded", "for=1.2.3.4"),
          ("x-real-ip", "1.2.3.4"), ("via", "1.1 x"), ("x-custom", "1"), ("openai-organization", "org-x"),
          ("openai-project", "proj-x"), ("user-agent", "spy/1"), ("referer", "http://x/"),
          ("origin", "http://x"), ("accept-encoding", "gzip, br"), ("te", "trailers"),
          ("connection", "keep-alive, x-hop"), ("x-hop", "1"), ("keep-alive", "timeout=5"),
          ("anthropic-version", "2023-06-01"), ("range", "bytes=0-1"), ("if-none-match", "x")]


def test_only_what_is_on_the_list_goes_to_the_provider(gw, up):
    r = gw.chat(headers=SECRETS + OTHERS)
    assert r.status == 200
    got = up.last
    allowed = {"host", "content-type", "content-length", "authorization", "accept", "user-agent",
               "x-request-id", "x-team", "accept-encoding"}
    assert got.names() <= allowed, got.names() - allowed
    assert got.get("authorization") == "Bearer sk-upstream-secret"
    assert b"sk-client" not in got.raw_head and b"spy" not in got.raw_head
    assert got.get("host") == f"127.0.0.1:{up.port}"
    assert got.get("x-team") == "search"
    assert got.get("accept-encoding") in (None, "identity"), "answers are read, so not compressed"


def test_what_is_on_the_list_goes(gw, up):
    fields = {"accept": "text/event-stream", "openai-beta": "assistants=v2",
              "idempotency-key": "k-1", "tracestate": "a=b", "x-trace-me": "yes",
              "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
              "content-type": "application/json; charset=utf-8"}
    gw.chat(headers=list(fields.items()))
    got = up.last
    for name, value in fields.items():
        if name == "traceparent":
            assert got.get(name).split("-")[1] == value.split("-")[1]
        else:
            assert got.get(name) == value, name


def test_organisation_and_project(gw, up):
    asked = [("openai-organization", "org-client"), ("openai-project", "proj-client")]
    gw.chat(model="org/x", headers=asked)
    assert (up.last.get("openai-organization"), up.last.get("openai-project")) == ("org-own", "proj_own")
    gw.chat(model="pass-org/x", headers=asked)
    assert (up.last.get("openai-organization"), up.last.get("openai-project")) == ("org-client", "proj-client")


def test_credentials_that_pass_through(gw, up):
    gw.chat(model="through/x", headers=[("Authorization", "Bearer sk-client")])
    assert up.last.get("authorization") == "Bearer sk-client"


def test_another_header_for_the_key(gw, up):
    gw.chat(model="custom/x", headers=SECRETS)
    assert up.last.get("x-custom-key") == "Key sk-upstream-secret"
    assert up.last.get("authorization") is None


def test_a_provider_without_a_key_gets_none(gw, up):
    gw.chat(model="open/x", headers=SECRETS)
    assert up.last.names().isdisjoint({"authorization", "x-api-key", "api-key"})


def test_the_client_cannot_move_the_upstream(gw, up):
    for name, value in (("Host", "evil.example"), ("x-forwarded-host", "evil.example"),
                        ("x-gateway-provider", "http://127.0.0.1:1/"), ("x-portkey-custom-host", "http://127.0.0.1:1")):
        before = len(up.requests)
        r = gw.chat(headers=[(name, value)])
        if r.status == 200:
            assert up.last.get("host") == f"127.0.0.1:{up.port}" and len(up.requests) == before + 1
        else:
            assert 400 <= r.status < 500
    before = len(up.requests)
    r = gw.chat(api_base="http://127.0.0.1:1", base_url="http://127.0.0.1:1")
    assert r.status == 200 and len(up.requests) == before + 1


def test_a_provider_can_be_pinned_by_header(gw, up):
    r = gw.chat(model="some-model", headers=[("x-gateway-provider", "open")])
    assert r.get("x-gateway-provider") == "open" and up.last.json()["model"] == "some-model"
    r = gw.chat(headers=[("x-gateway-provider", "nobody")])
    assert r.status in (400, 404) and "x-gateway-provider" in r.error["message"]


# Request ids

def test_an_id_is_made_sent_back_and_sent_on(gw, up):
    r = gw.chat()
    assert UUID7.fullmatch(r.get("x-request-id"))
    assert up.last.get("x-request-id") == r.get("x-request-id")
    assert gw.chat().get("x-request-id") != r.get("x-request-id")


@pytest.mark.parametrize("id", ["abc", "a" * 128, "!~", "req_123-x/y:z", "[{}]"])
def test_a_good_id_of_the_client_is_kept(gw, up, id):
    r = gw.chat(headers=[("X-Request-Id", id)])
    assert r.get("x-request-id") == id and up.last.get("x-request-id") == id


@pytest.mark.parametrize("id", ["", "a" * 129, "a b", "caf\u00e9", "a\tb"])
def test_a_bad_id_is_replaced(gw, up, id):
    r = gw.chat(headers=[("X-Request-Id", id)])
    assert UUID7.fullmatch(r.get("x-request-id"))


def test_every_answer_has_an_id(gw, up):
    with gw.client() as c:
        for r in (c.get("/v1/models"), c.get("/v1/nothing"), c.get("/v1/chat/completions"),
                  c.post("/v1/chat/completions", b"{"), c.get("/health/live")):
            assert r.get("x-request-id")


# Answers

PROVIDER_FIELDS = [
    ("x-request-id", "req_upstream"), ("openai-organization", "acme"), ("openai-project", "proj_1"),
    ("openai-processing-ms", "12"), ("openai-version", "2020-10-01"), ("Set-Cookie", "a=b"),
    ("alt-svc", 'h3=":443"'), ("strict-transport-security", "max-age=1"), ("cf-ray", "x"),
    ("server", "cloudflare"), ("x-ratelimit-limit-requests", "60"),
    ("x-ratelimit-remaining-requests", "59"), ("x-ratelimit-reset-requests", "1s"),
    ("x-ratelimit-remaining-tokens", "149984"), ("connection", "keep-alive, x-hop"), ("x-hop", "1"),
    ("keep-alive", "timeout=5"), ("x-powered-by", "x"), ("x-gateway-provider", "forged"),
    ("x-should-retry", "true"), ("location", "/x"), ("access-control-allow-origin", "*"),
    ("www-authenticate", "Basic")]


@pytest.mark.parametrize("stream", [False, True])
def test_fields_of_the_provider(gw, up, stream):
    if stream:
        up.answer([SSE_HEAD[:-2] + head(200, PROVIDER_FIELDS).split(b"\r\n", 1)[1]]
                  + [chunk(x.STREAM_PLAIN), LAST_CHUNK])
    else:
        up.answer(reply(x.COMPLETION, 200, PROVIDER_FIELDS))
    r = gw.chat(stream=stream)
    assert r.status == 200
    assert r.get("x-upstream-x-ratelimit-remaining-requests") == "59"
    assert r.get("x-upstream-x-ratelimit-remaining-tokens") == "149984"
    assert r.get("x-upstream-x-ratelimit-reset-requests") == "1s"
    for name in ("openai-organization", "openai-project", "set-cookie", "alt-svc", "x-hop", "cf-ray",
                 "x-powered-by", "strict-transport-security", "location", "keep-alive",
                 "access-control-allow-origin", "www-authenticate", "x-ratelimit-limit-requests",
                 "x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens"):
        assert r.get(name) is None, name
    assert r.get("x-gateway-provider") == "up"
    assert r.get("x-request-id") != "req_upstream"


@pytest.mark.parametrize("stream", [False, True])
def test_fields_of_the_gateway(gw, up, stream):
    if stream:
        up.answer(sse(x.STREAM_TEXT))
    r = gw.chat(stream=stream)
    assert (r.get("x-gateway-provider"), r.get("x-gateway-model")) == ("up", "real")
    assert r.get("x-gateway-attempts") == "1"
    timing = dict(part.strip().split(";dur=") for part in r.get("server-timing").split(","))
    assert set(timing) >= {"gateway", "queue", "upstream"}
    assert all(float(v) >= 0 for v in timing.values())
    assert float(timing["gateway"]) < 50


def test_the_time_of_the_provider_is_told(gw, up):
    up.answer([0.2, reply(x.COMPLETION)])
    timing = dict(p.strip().split(";dur=") for p in gw.chat().get("server-timing").split(","))
    assert 190 < float(timing["upstream"]) < 1000 and float(timing["gateway"]) < 50


def test_streams_say_that_nobody_is_to_hold_them_back(gw, up):
    up.answer(sse(x.STREAM_TEXT))
    r = gw.chat(stream=True, headers=[("Accept-Encoding", "gzip")])
    assert r.get("content-type").startswith("text/event-stream")
    assert r.get("cache-control") == "no-cache" and r.get("x-accel-buffering") == "no"
    assert r.get("content-encoding") is None and r.get("content-length") is None


def test_nothing_can_be_written_into_the_answers_head(gw, up):
    r = gw.chat(headers=[("X-Request-Id", "a%0d%0aSet-Cookie: x")])
    assert r.get("set-cookie") is None
    for model in ("no\r\nx-injected: y", "up/evil\r\nx-injected: y", "up/\x00", "up/\x7f"):
        r = gw.chat(model=model)
        assert r.status < 500, (model, r.body)
        assert r.get("x-injected") is None and b"\r\nx-injected" not in r.raw_head


def test_a_date_and_no_server_secrets(gw, up):
    r = gw.chat()
    assert r.get("date")
    assert "sk-" not in r.raw_head.decode("latin-1")


# CORS

def test_cors(gateway, upstream):
    upstream.answer(reply(x.COMPLETION))
    gw = gateway({"server": {"cors": {"origins": ["https://app.example.com"]}},
                  "providers": {"up": upstream.provider()}})
    asked = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "POST"),
             ("Access-Control-Request-Headers", "authorization, content-type")]
    with gw.client() as c:
        r = c.request("OPTIONS", "/v1/chat/completions", asked)
        assert r.status in (200, 204)
        assert r.get("access-control-allow-origin") == "https://app.example.com"
        assert "POST" in r.get("access-control-allow-methods")
        assert "authorization" in r.get("access-control-allow-headers").lower()
    r = gw.chat(headers=asked[:1])
    assert r.get("access-control-allow-origin") == "https://app.example.com"
    r = gw.chat(headers=[("Origin", "https://evil.example")])
    assert r.get("access-control-allow-origin") is None
    assert gw.chat(temperature=9, headers=asked[:1]).get("access-control-allow-origin")


def test_no_cors_unless_asked_for(gw, up):
    assert gw.chat(headers=[("Origin", "https://x")]).get("access-control-allow-origin") is None


# Models

def test_the_list_of_models(gw, up):
    up.answer(lambda q: reply(x.MODELS))
    r = gw.get("/v1/models")
    assert r.status == 200 and r.json()["object"] == "list"
    for m in r.json()["data"]:
        assert m["object"] == "model" and isinstance(m["created"], int) and m["owned_by"]
    assert "m" in [m["id"] for m in r.json()["data"]]


@pytest.mark.parametrize("path", ["/v1/models/up/meta-llama/Llama-3.3", "/v1/models/up%2Fmeta-llama%2FLlama-3.3"])
def test_a_models_id_may_hold_slashes(gateway, upstream, path):
    gw = gateway({"providers": {"up": upstream.provider(models=["meta-llama/Llama-3.3"])}})
    assert gw.get(path).json()["id"] in ("up/meta-llama/Llama-3.3", "meta-llama/Llama-3.3")
    r = gw.get("/v1/models/nope")
    assert r.status == 404 and r.error["code"] == "model_not_found"
