"""Bad input of each kind in the list of spec section 4: 400 with the field's name, and nothing of it
reaches the provider."""
import gzip
import json

import pytest

from harness import exchanges as x
from harness.raw import RawClient
from harness.upstream import reply

MESSAGES = [{"role": "user", "content": "hi"}]
CHAT = {"model": "m", "messages": MESSAGES}


@pytest.fixture(scope="module")
def up(shared_upstream):
    shared_upstream.answer(reply(x.COMPLETION))
    return shared_upstream


@pytest.fixture(scope="module")
def gw(shared_gateway, up):
    return shared_gateway({"providers": {"up": up.provider()}, "models": {"m": "up/real"}})


def refused(gw, up, body, path="/v1/chat/completions", headers=(), status=400):
    before = len(up.requests)
    r = gw.post(path, body, headers)
    assert r.status == status, (r.status, r.body)
    assert r.get("content-type").startswith("application/json")
    assert r.get("x-request-id")
    assert set(r.error) >= {"message", "type", "param", "code"}
    assert r.error["message"]
    assert len(up.requests) == before, "it reached the provider"
    assert r.get("x-should-retry") != "true"
    return r.error


def accepted(gw, up, body, path="/v1/chat/completions", headers=()):
    r = gw.post(path, body, headers)
    assert r.status == 200, r.body
    return up.last


def chat(**more):
    return json.dumps({**CHAT, **more}).encode()


# JSON

@pytest.mark.parametrize("body", [
    b"", b" ", b"{", b"}", b"[]", b'"x"', b"null", b"1", b"{}}", b'{"a":1,}', b'{"a" 1}', b"{'a':1}",
    b'{"a":01}', b'{"a":+1}', b'{"a":.5}', b'{"a":1.}', b'{"a":1e}', b'{"a":NaN}', b'{"a":Infinity}',
    b'{"a":-}', b'{"a":tru}', b'{"a":True}', b'{"a":"\\x41"}', b'{"a":"\\u12"}', b'{"a":"\n"}',
    b'{"a":"\x00"}', b'{"a":"', b'{"a":[1,2}', b'{"a":{"b":1]}', b'{"a":1 "b":2}', b'{1:2}',
    b'{"a":1}{"b":2}', b'{"a":1} x', b"{/* */}", b'{"a":1,,"b":2}', b'{"a":[,1]}', b'{"a":[1,]}',
    b'{"a":\xa0 1}', b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\xf4\x90\x80\x80"}', b'{"a":"\xe2\x82"}', b'{"\xff":1}', b"\xff\xfe{\x00}\x00",
    b"<html></html>", b"model=m&messages=hi",
], ids=repr)
def test_what_is_not_json_is_refused(gw, up, body):
    if body.startswith(b'{"a"') and body.endswith(b"}") and b'"model"' not in body:
        # The rest of it would do, so that this is all that is wrong.
        body = body[:-1] + b"," + chat()[1:] if body.count(b"{") == body.count(b"}") == 1 else body
    error = refused(gw, up, body)
    assert error["type"] == "invalid_request_error" and error["code"] == "json_invalid"


def test_nesting_of_a_hundred_levels_passes_and_more_does_not(gw, up):
    def nested(levels):
        return chat()[:-1] + b',"x":' + b"[" * levels + b"]" * levels + b"}"
    accepted(gw, up, nested(99))
    assert refused(gw, up, nested(100))["type"] == "invalid_request_error"
    refused(gw, up, nested(100_000))


def test_numbers_beyond_all_measure_are_text(gw, up):
    body = chat()[:-1] + b',"x":1e999999999,"y":' + b"9" * 5000 + b"}"
    assert accepted(gw, up, body).body.endswith(b',"x":1e999999999,"y":' + b"9" * 5000 + b"}")


# Names

@pytest.mark.parametrize("extra, param", [
    (b'"model":"other"', "model"), (b'"stream":false,"stream":true', "stream"),
    (b'"x":1,"x":1', "x"), (b'"temperature":1,"temperature":0', "temperature"),
    (b'"messages":[]', "messages"), (b'"mod\\u0065l":"other"', "model"),
    (b'"Model":"other"', "Model"), (b'"MODEL":"other"', "MODEL"), (b'"Stream":true', "Stream"),
    (b'"sTREAM":true', "sTREAM"), (b'"Tools":[]', "Tools"), (b'"MAX_TOKENS":1', "MAX_TOKENS"),
    (b'"Max_Tokens":1', "Max_Tokens"), (b'"mODE\\u004c":"x"', None),
])
def test_members_that_come_twice_or_in_another_case_are_refused(gw, up, extra, param):
    error = refused(gw, up, chat()[:-1] + b"," + extra + b"}")
    assert error["type"] == "invalid_request_error"
    if param:
        assert error["param"].lower().replace("\\u0065", "e") == param.lower()


def test_other_members_may_differ_in_case(gw, up):
    accepted(gw, up, chat(User="a", user="b", X=1, x=2))


def test_a_case_variant_alone_is_refused_too(gw, up):
    refused(gw, up, json.dumps({"Model": "m", "messages": MESSAGES}).encode())


def test_names_inside_may_come_twice(gw, up):
    accepted(gw, up, chat()[:-1] + b',"metadata":{"model":1,"model":2,"Model":3}}')


# Fields

@pytest.mark.parametrize("model", ["", "x" * 257, 5, True, [], {}, ["m"]], ids=lambda v: repr(v)[:20])
def test_model(gw, up, model):
    assert refused(gw, up, chat(model=model))["param"] == "model"


def test_a_model_of_256_characters_passes(gw, up):
    accepted(gw, up, chat(model="x" * 256))  # with a single provider every name goes to it


@pytest.mark.parametrize("body", [{"messages": MESSAGES}, {"messages": MESSAGES, "model": None}])
def test_a_missing_model(gw, up, body):
    error = refused(gw, up, json.dumps(body).encode())
    assert error["param"] == "model" and error["code"] == "missing_required_parameter"


@pytest.mark.parametrize("messages", [None, [], {}, "hi", 5, [5], ["hi"], [None], [[]], [{}],
                                      [{"content": "x"}], [{"role": None}], [{"role": "robot"}],
                                      [{"role": "User"}], [{"role": ""}], [{"role": 5}],
                                      [{"role": "user", "content": ""}, {"role": "x"}]],
                         ids=lambda v: repr(v)[:40])
def test_messages(gw, up, messages):
    assert refused(gw, up, chat(messages=messages))["param"].startswith("messages")


def test_the_role_that_is_wrong_is_named(gw, up):
    error = refused(gw, up, chat(messages=MESSAGES * 3 + [{"role": "robot", "content": ""}]))
    assert error["param"] == "messages[3].role"


def test_missing_messages(gw, up):
    assert refused(gw, up, b'{"model":"m"}')["param"] == "messages"


def test_a_hundred_thousand_messages_pass_and_one_more_does_not(gw, up):
    one = b'{"role":"user","content":""}'

    def body(n):
        return b'{"model":"m","messages":[' + b",".join([one] * n) + b"]}"
    accepted(gw, up, body(100_000))
    assert refused(gw, up, body(100_001))["param"] == "messages"


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function"])
def test_known_roles_pass(gw, up, role):
    accepted(gw, up, chat(messages=[{"role": role, "content": "x"}]))


RANGES = [
    ("temperature", [-0.1, 2.1, "1", True, [], {}, -1e-9, 2.0000001], [0, 2, 1.5, None, 2.0, 0.0]),
    ("top_p", [-0.1, 1.1, "1", False], [0, 1, 0.5, None]),
    ("presence_penalty", [-2.1, 2.1, "0"], [-2, 2, 0, None]),
    ("frequency_penalty", [-2.1, 2.1, "0"], [-2, 2, 0, None]),
    ("n", [0, -1, 129, 1.5, "1", True], [1, 128, None]),
    ("max_tokens", [0, -1, 1.5, "10", True], [1, 10, 1_000_000, None]),
    ("max_completion_tokens", [0, -1, 1.5, "10"], [1, 10, None]),
    ("top_logprobs", [-1, 21, 1.5, "1"], [0, 20, None]),
    ("stop", [["a", "b", "c", "d", "e"], 5, [5], {}, [None], ["a", 1]],
     ["x", [], ["a"], ["a", "b", "c", "d"], None]),
    ("logit_bias", [{"1": 101}, {"1": -101}, {"1": "x"}, [], "x", {"1": None}, {"1": 1, "2": 200}],
     [{}, {"1": 100}, {"1": -100, "2": 0.5}, None]),
    ("stream", ["true", 1, 0, [], {}, "yes"], [False, None]),
]


@pytest.mark.parametrize("field, value", [(f, v) for f, bad, _ in RANGES for v in bad],
                         ids=lambda v: repr(v)[:30])
def test_a_value_out_of_range(gw, up, field, value):
    error = refused(gw, up, chat(**{field: value}))
    assert error["param"].startswith(field)
    assert field in error["message"]


@pytest.mark.parametrize("field, value", [(f, v) for f, _, good in RANGES for v in good],
                         ids=lambda v: repr(v)[:30])
def test_a_value_at_the_edge_passes(gw, up, field, value):
    got = accepted(gw, up, chat(**{field: value})).json()
    assert field in got and got[field] == value


@pytest.mark.parametrize("value", ["x", 1, [], True])
def test_stream_options_of_a_stream(gw, up, value):
    assert refused(gw, up, chat(stream=True, stream_options=value))["param"].startswith("stream_options")


@pytest.mark.parametrize("text", [b"1e400", b"-1e400", b"1e-400000", b"2.00000000000000000000001",
                                  b"1e999999999"])
def test_temperatures_that_no_double_holds(gw, up, text):
    body = chat()[:-1] + b',"temperature":' + text + b"}"
    if text == b"1e-400000":
        assert accepted(gw, up, body).body.endswith(text + b"}")
    elif text == b"2.00000000000000000000001":
        gw.post("/v1/chat/completions", body)  # either way, but without harm
    else:
        assert refused(gw, up, body)["param"] == "temperature"


def test_absent_and_null_stay_what_they_are(gw, up):
    body = chat(temperature=None, stop=None, tools=None)
    assert accepted(gw, up, body).body == body.replace(b'"m"', b'"real"')
    assert "temperature" not in accepted(gw, up, chat()).json()


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/embeddings", "/v1/responses",
                                  "/v1/moderations", "/v1/images/generations", "/v1/audio/speech",
                                  "/v1/rerank"])
@pytest.mark.parametrize("body", [b"{", b'{"model":"m","model":"n"}', b'{"model":5}', b'{"Model":"m"}',
                                  b'{"model":""}', b'{"model":"m","a":"\xff"}'], ids=repr)
def test_all_endpoints_check_their_json(gw, up, path, body):
    refused(gw, up, body, path=path)


# Bodies that do not decode

@pytest.mark.parametrize("coding, body, status", [
    ("gzip", b"not gzip", 400), ("gzip", gzip.compress(chat())[:-9], 400),
    ("gzip", gzip.compress(chat()) + b"tail", 400), ("br", b"\xff\xff\xff", 400),
    ("zstd", b"xxxx", 400), ("deflate", b"xxxx", 400), ("gzip", b"", 400),
    ("compress", b"x", 415), ("gzip, gzip", b"x", 415), ("foo", b"x", 415),
])
def test_content_encodings(gw, up, coding, body, status):
    error = refused(gw, up, body, headers=[("Content-Encoding", coding)], status=status)
    assert error["type"] == "invalid_request_error"


def test_a_compressed_body_that_swells_beyond_the_limit_is_413(gateway, upstream):
    gw = gateway({"server": {"max_body": "1MiB"}, "providers": {"up": upstream.provider()}})
    bomb = gzip.compress(b" " * (300 << 20))
    held = gw.status("VmRSS")
    error = refused(gw, upstream, bomb, headers=[("Content-Encoding", "gzip")], status=413)
    assert error["code"] == "request_too_large"
    assert gw.status("VmRSS") - held < 16384


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x",
                                  "application/x-www-form-urlencoded"])
def test_another_type_than_json_is_415(gw, up, kind):
    error = refused(gw, up, chat(), headers=[("Content-Type", kind)], status=415)
    assert error["param"] in (None, "content-type")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8",
                                  "APPLICATION/JSON", "application/vnd.x+json"])
def test_spellings_of_json_pass(gw, up, kind):
    accepted(gw, up, chat(), headers=[("Content-Type", kind)])


@pytest.mark.parametrize("kind, body", [
    ("multipart/form-data", b"x"), ("application/json", b"{}"), ("multipart/form-data; boundary=", b"x")])
def test_forms_need_a_boundary(gw, up, kind, body):
    refused(gw, up, body, path="/v1/audio/transcriptions", headers=[("Content-Type", kind)],
            status=415)


@pytest.mark.parametrize("body", [
    b"no form at all", b"--XbX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--XbX--\r\n",
    b"--XbX\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm"], ids=["none", "no model", "cut"])
def test_forms_that_cannot_be_read(gw, up, body):
    refused(gw, up, body, path="/v1/audio/transcriptions",
            headers=[("Content-Type", "multipart/form-data; boundary=XbX")])
