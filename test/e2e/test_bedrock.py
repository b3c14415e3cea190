"""AWS Bedrock.  The judges are AWS's own: botocore's signer computes the signature again, its service model
checks each input, its parser reads the mock's frames.  The frames that the gateway reads are made here."""
import base64
import json
import socket
import struct
import subprocess
import time
import zlib

import anthropic
import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.eventstream
import botocore.session
import botocore.validate
import openai
import pytest
from botocore.config import Config

from harness.gateway import BINARY, clean_environment, die_with_parent, free_port
from harness.upstream import FIN, LAST_CHUNK, chunk, head, reply

REGION = "eu-west-1"
CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
ARN = f"arn:aws:bedrock:{REGION}:123456789012:inference-profile/{CLAUDE}"
USER = [{"role": "user", "content": "hi"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "W", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}}}}
PNG = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

ANSWER = {"output": {"message": {"role": "assistant", "content": [{"text": "Hello."}]}},
          "stopReason": "end_turn",
          "usage": {"inputTokens": 318, "outputTokens": 71, "totalTokens": 2737,
                    "cacheReadInputTokens": 2048, "cacheWriteInputTokens": 300},
          "metrics": {"latencyMs": 12}}


# --- Frames --------------------------------------------------------------------------------------------------

def frame(payload, **headers):
    head_bytes = b""
    for name, value in headers.items():
        name, value = (":" + name.replace("_", "-")).encode(), value.encode()
        head_bytes += bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(head_bytes) + len(payload), len(head_bytes))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head_bytes + payload
    return message + struct.pack(">I", zlib.crc32(message))


def event(kind, **payload):
    return frame({**payload, "p": "abcd"}, event_type=kind, content_type="application/json",
                 message_type="event")


def exception(kind, message="It broke", **more):
    return frame({"message": message, **more}, exception_type=kind, content_type="application/json",
                 message_type="exception")


START = event("messageStart", role="assistant")
STOP = event("messageStop", stopReason="end_turn")
METADATA = event("metadata", usage=ANSWER["usage"], metrics={"latencyMs": 1})


def text(piece, index=0):
    return event("contentBlockDelta", contentBlockIndex=index, delta={"text": piece})


FRAMES_HEAD = head(200, [("Content-Type", "application/vnd.amazon.eventstream"),
                         ("Transfer-Encoding", "chunked"), ("x-amzn-RequestId", "req-1")])


def frames(*list_of_frames, size=None):
    """Steps of a chunked answer, a frame in a chunk, or cut at every `size` bytes."""
    pieces = list(list_of_frames)
    if size:
        whole = b"".join(pieces)
        pieces = [whole[i:i + size] for i in range(0, len(whole), size)]
    return [FRAMES_HEAD, *[chunk(p) for p in pieces], LAST_CHUNK]


def test_the_frames_of_these_tests_are_what_botocore_reads():
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(START + text("a") + exception("throttlingException"))
    seen = [(m.headers.get(":event-type") or m.headers[":exception-type"], m.payload) for m in buffer]
    assert [s[0] for s in seen] == ["messageStart", "contentBlockDelta", "throttlingException"]


# --- The gateway and its judges ---------------------------------------------------------------------------------

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture(scope="module")
def up(shared_upstream):
    return shared_upstream


@pytest.fixture(autouse=True)
def default_answer(up):
    up.answer(reply(ANSWER))


@pytest.fixture(scope="module")
def gw(shared_gateway, up):
    base = {"type": "bedrock", "base_url": up.url.removesuffix("/v1"), "region": REGION}
    return shared_gateway({"providers": {
        "aws": {**base, "aws": {"access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET}},
        "temporary": {**base, "aws": {"access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET,
                                      "session_token": "FQoGZXIvYXdzEXAMPLETOKEN//////////wEaDE+x="}},
        "bearer": {**base, "api_key": "ABSKbedrock-key"},
    }})


MODEL = botocore.session.Session().get_service_model("bedrock-runtime")


def signature_of(request, token=None):
    """What botocore signs the same request with."""
    authorization = request.get("authorization")
    names = authorization.split("SignedHeaders=")[1].split(",")[0].split(";")
    aws = botocore.awsrequest.AWSRequest(
        method=request.method, url=f"http://{request.get('host')}{request.target}",
        headers={n: request.get(n) for n in names}, data=request.body)
    aws.context["timestamp"] = request.get("x-amz-date")
    credentials = botocore.credentials.Credentials("AKIDEXAMPLE", SECRET, token)
    auth = botocore.auth.SigV4Auth(credentials, "bedrock", REGION)
    return auth.signature(auth.string_to_sign(aws, auth.canonical_request(aws)), aws), names


def judge(request, operation="Converse", model=CLAUDE, token=None):
    """The request is signed, and its input is one that AWS's model knows."""
    signature, names = signature_of(request, token)
    assert f"Credential=AKIDEXAMPLE/{request.get('x-amz-date')[:8]}/{REGION}/bedrock/aws4_request" in \
        request.get("authorization")
    assert request.get("authorization").endswith("Signature=" + signature)
    assert {"host", "x-amz-date", "content-type"} <= set(names)
    shape = MODEL.operation_model(operation).input_shape
    params = {**request.json(), "modelId": model}
    report = botocore.validate.ParamValidator().validate(params, shape)
    assert not report.has_errors(), report.generate_report()
    return request.json()


def client(gw, **more):
    return openai.OpenAI(base_url=gw.base_url, api_key="-", max_retries=0, **more)


# --- Signatures and ids ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("model, path", [
    (CLAUDE, "eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0"),
    (ARN, f"arn%3Aaws%3Abedrock%3A{REGION}%3A123456789012%3Ainference-profile%2F"
          "eu.anthropic.claude-sonnet-4-5-20250929-v1%3A0"),
    ("openai.gpt-oss-120b-1:0", "openai.gpt-oss-120b-1%3A0"),
])
@pytest.mark.parametrize("provider", ["aws", "temporary"])
def test_signatures_are_botocores(gw, up, model, path, provider):
    token = "FQoGZXIvYXdzEXAMPLETOKEN//////////wEaDE+x=" if provider == "temporary" else None
    r = gw.chat(model=f"{provider}/{model}", messages=[{"role": "user", "content": "é \"q\" \u2028"}])
    assert r.status == 200, r.body
    assert up.last.target == f"/model/{path}/converse"
    assert up.last.get("x-amz-security-token") == token
    assert up.last.get("content-type") == "application/json"
    body = judge(up.last, model=model, token=token)
    assert body["messages"] == [{"role": "user", "content": [{"text": "é \"q\" \u2028"}]}]

    up.answer(frames(START, text("a"), STOP, METADATA))
    assert gw.chat(model=f"{provider}/{model}", stream=True).status == 200
    assert up.last.target == f"/model/{path}/converse-stream"
    judge(up.last, "ConverseStream", model, token)


def test_an_api_key_goes_as_bearer_and_nothing_is_signed(gw, up):
    assert gw.chat(model=f"bearer/{CLAUDE}").status == 200
    assert up.last.get("authorization") == "Bearer ABSKbedrock-key"
    assert not {"x-amz-date", "x-amz-security-token"} & up.last.names()


def test_credentials_of_the_environment(gateway, up):
    g = gateway({"providers": {"aws": {"type": "bedrock", "base_url": up.url.removesuffix("/v1")}}},
                env={"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET,
                     "AWS_REGION": REGION})
    assert g.chat(model=f"aws/{CLAUDE}").status == 200
    judge(up.last)


# --- Requests ------------------------------------------------------------------------------------------------------

def test_a_rich_request_of_openais_client(gw, up):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
            {"type": "file", "file": {"filename": "Q3.report_v2.pdf",
                                      "file_data": "data:application/pdf;base64,JVBERi0="}}]},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather",
                                                               "arguments": "{\"city\": \"Tromsø\"}"}},
            {"id": "call_2", "type": "function", "function": {"name": "get_weather", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "call_2", "content": ""},
        {"role": "tool", "tool_call_id": "call_1", "content": "4 °C"},
        {"role": "user", "content": "And?"}]
    r = client(gw).chat.completions.with_raw_response.create(
        model=f"aws/{CLAUDE}", messages=messages, tools=[TOOL], tool_choice="required",
        parallel_tool_calls=False, temperature=0.5, stop=["END"], max_completion_tokens=99, seed=7,
        metadata={"team": "a b"}, service_tier="flex")
    assert r.headers["x-gateway-unsupported"] == "seed"
    body = judge(up.last)
    assert body["system"] == [{"text": "Be brief."}]
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user"]
    document = body["messages"][0]["content"][2]["document"]
    assert document["name"] == "Q3 report v2" and document["source"] == {"bytes": "JVBERi0="}
    assert body["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "call_1", "name": "get_weather", "input": {"city": "Tromsø"}}},
        {"toolUse": {"toolUseId": "call_2", "name": "get_weather", "input": {}}}]
    assert body["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "4 °C"}]}},
        {"toolResult": {"toolUseId": "call_2", "content": []}}, {"text": "And?"}]
    assert body["inferenceConfig"] == {"maxTokens": 99, "temperature": 0.5, "stopSequences": ["END"]}
    assert "toolChoice" not in body["toolConfig"]
    assert body["additionalModelRequestFields"] == {
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True}}
    assert body["serviceTier"] == {"type": "flex"} and body["requestMetadata"] == {"team": "a b"}


def test_a_rich_request_of_anthropics_client(gw, up):
    c = anthropic.Anthropic(base_url=gw.url, api_key="-", max_retries=0)
    m = c.messages.create(
        model=f"aws/{CLAUDE}", max_tokens=4000, thinking={"type": "enabled", "budget_tokens": 2000},
        system=[{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        tools=[{"name": "f", "input_schema": {"type": "object"}}],
        messages=[{"role": "user", "content": "a"},
                  {"role": "assistant", "content": [
                      {"type": "thinking", "thinking": "hm", "signature": "EqQB"},
                      {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]},
                  {"role": "user", "content": [
                      {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True, "content": [
                          {"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                                       "data": PNG}}]}]}])
    assert m.usage.input_tokens == 318 and m.usage.cache_read_input_tokens == 2048
    body = judge(up.last)
    assert body["additionalModelRequestFields"]["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert body["messages"][1]["content"][0] == {
        "reasoningContent": {"reasoningText": {"text": "hm", "signature": "EqQB"}}}
    assert body["messages"][2]["content"][0]["toolResult"]["status"] == "error"


def test_structured_output(gw, up):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"],
              "additionalProperties": False}
    ask = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    call = {"toolUse": {"toolUseId": "t", "name": "json_tool_call", "input": {"n": 1}}}
    up.answer(reply({**ANSWER, "stopReason": "tool_use",
                     "output": {"message": {"role": "assistant", "content": [call]}}}))
    r = client(gw).chat.completions.create(model="aws/eu.anthropic.claude-opus-5", messages=USER,
                                           response_format=ask)
    body = judge(up.last, model="eu.anthropic.claude-opus-5")
    if "toolConfig" in body:
        assert r.choices[0].message.content == '{"n": 1}' and r.choices[0].finish_reason == "stop"
        assert not r.choices[0].message.tool_calls
        assert body["toolConfig"]["toolChoice"] == {"tool": {"name": "json_tool_call"}}
    else:
        assert isinstance(body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"], str)


@pytest.mark.parametrize("model", ["amazon.nova-2-lite-v1:0", "openai.gpt-oss-120b-1:0",
                                   "openai.gpt-5.6", "mistral.mistral-large-3", "meta.llama4-scout",
                                   "deepseek.v3-v1:0", "cohere.command-r-plus-v1:0"])
def test_each_family_gets_what_aws_knows(gw, up, model):
    messages = [*USER, {"role": "assistant", "reasoning_content": "hm", "tool_calls": [
        {"id": "call_x", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_x", "content": "r"}]
    r = gw.chat(model=f"aws/{model}", messages=messages, tools=[TOOL], temperature=1.7, top_p=0.9,
                top_k=5, stop="E", reasoning_effort="low", tool_choice="required")
    assert r.status == 200, r.body
    judge(up.last, model=model)


# --- Answers ---------------------------------------------------------------------------------------------------------

def test_a_whole_answer(gw, up):
    r = client(gw).chat.completions.create(model=f"aws/{CLAUDE}", messages=USER)
    assert r.choices[0].message.content == "Hello." and r.choices[0].finish_reason == "stop"
    assert (r.usage.prompt_tokens, r.usage.completion_tokens, r.usage.total_tokens) == (2666, 71, 2737)
    assert r.usage.prompt_tokens_details.cached_tokens == 2048


STREAM = (START,
          event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"text": "hm"}}),
          event("contentBlockDelta", contentBlockIndex=0, delta={"reasoningContent": {"signature": "EqQB"}}),
          event("contentBlockStop", contentBlockIndex=0),
          text("Hel", 1), text("lo.", 1), event("contentBlockStop", contentBlockIndex=1),
          event("contentBlockStart", contentBlockIndex=2,
                start={"toolUse": {"toolUseId": "tooluse_1", "name": "get_weather"}}),
          event("contentBlockDelta", contentBlockIndex=2, delta={"toolUse": {"input": "{\"city\""}}),
          event("contentBlockDelta", contentBlockIndex=2, delta={"toolUse": {"input": ": \"Oslo\"}"}}),
          event("contentBlockStop", contentBlockIndex=2),
          event("contentBlockStart", contentBlockIndex=3,
                start={"toolUse": {"toolUseId": "tooluse_2", "name": "get_weather"}}),
          event("contentBlockStop", contentBlockIndex=3),
          event("messageStop", stopReason="tool_use"), METADATA)


@pytest.mark.parametrize("size", [None, 1, 7, 100])
def test_a_stream_to_openais_client(gw, up, size):
    up.answer(frames(*STREAM, size=size))
    content, calls, last, usage, thought = "", {}, None, None, ""
    for c in client(gw).chat.completions.create(model=f"aws/{CLAUDE}", messages=USER, stream=True,
                                                stream_options={"include_usage": True}):
        usage = c.usage or usage
        if not c.choices:
            continue
        delta = c.choices[0].delta
        content += delta.content or ""
        thought += getattr(delta, "reasoning_content", None) or ""
        for t in delta.tool_calls or []:
            call = calls.setdefault(t.index, {"arguments": ""})
            call.setdefault("id", t.id)
            call["arguments"] += t.function.arguments or ""
        last = c.choices[0].finish_reason or last
    assert (content, thought, last) == ("Hello.", "hm", "tool_calls")
    assert calls == {0: {"id": "tooluse_1", "arguments": '{"city": "Oslo"}'},
                     1: {"id": "tooluse_2", "arguments": "{}"}}
    assert usage.total_tokens == 2737


def test_a_stream_to_anthropics_client(gw, up):
    up.answer(frames(*STREAM))
    c = anthropic.Anthropic(base_url=gw.url, api_key="-", max_retries=0)
    with c.messages.stream(model=f"aws/{CLAUDE}", max_tokens=99, messages=USER) as stream:
        m = stream.get_final_message()
    assert [b.type for b in m.content] == ["thinking", "text", "tool_use", "tool_use"]
    assert m.content[0].signature == "EqQB" and m.content[2].input == {"city": "Oslo"}
    assert m.stop_reason == "tool_use" and m.usage.cache_creation_input_tokens == 300


# --- Failures -----------------------------------------------------------------------------------------------------

EXCEPTIONS = [("internalServerException", 502, "upstream_status"),
              ("modelStreamErrorException", 502, "upstream_stream_error"),
              ("validationException", 400, None),
              ("throttlingException", 429, "upstream_rate_limit"),
              ("serviceUnavailableException", 502, "upstream_overloaded"),
              ("modelTimeoutException", 502, "upstream_status")]


@pytest.mark.parametrize("kind, status, code", EXCEPTIONS)
def test_exceptions_before_content_have_a_status(gw, up, kind, status, code):
    up.answer(frames(START, exception(kind, "It broke because.")))
    r = gw.chat(model=f"aws/{CLAUDE}", stream=True)
    assert r.status == status, r.body
    if status < 500: # what is not the provider's failure is told in its words
        assert "It broke because." in r.json()["error"]["message"]
    else:
        assert r.json()["error"]["code"] == code


@pytest.mark.parametrize("kind, status, code", EXCEPTIONS)
def test_exceptions_within_a_stream_end_it(gw, up, kind, status, code):
    up.answer(frames(START, text("Hel"), exception(kind, "It broke because.")))
    with pytest.raises(openai.APIError, match="It broke because."):
        for _ in client(gw).chat.completions.create(model=f"aws/{CLAUDE}", messages=USER, stream=True):
            pass
    c = anthropic.Anthropic(base_url=gw.url, api_key="-", max_retries=0)
    with pytest.raises(anthropic.APIError, match="It broke because."):
        with c.messages.stream(model=f"aws/{CLAUDE}", max_tokens=9, messages=USER) as stream:
            stream.get_final_message()


def test_an_error_that_the_service_does_not_model(gw, up):
    up.answer(frames(START, frame(b"", error_code="InternalFailure", error_message="Nobody knows.",
                                  message_type="error")))
    r = gw.chat(model=f"aws/{CLAUDE}", stream=True)
    assert r.status == 502 and r.json()["error"]["code"] == "upstream_stream_error"


def damaged(message, at):
    return message[:at] + bytes([message[at] ^ 1]) + message[at + 1:]


@pytest.mark.parametrize("at", [8, -1, -5, 3])
def test_a_wrong_checksum_is_an_error(gw, up, at):
    up.answer(frames(START, damaged(text("Hel"), at % len(text("Hel")))))
    r = gw.chat(model=f"aws/{CLAUDE}", stream=True)
    assert r.status == 502 and r.json()["error"]["code"] == "upstream_malformed", r.body

    up.answer(frames(START, text("Hel"), damaged(text("lo."), at % len(text("lo."))), STOP, METADATA))
    with pytest.raises(openai.APIError) as e:
        for _ in client(gw).chat.completions.create(model=f"aws/{CLAUDE}", messages=USER, stream=True):
            pass
    assert e.value.code == "upstream_malformed"


@pytest.mark.parametrize("end", [LAST_CHUNK, FIN])
@pytest.mark.parametrize("tail", [b"", text("lo.")[:20], METADATA])
def test_the_end_of_frames_without_message_stop_is_a_truncation(gw, up, end, tail):
    up.answer([*frames(START, text("Hel"), tail)[:-1], end] if tail else
              [*frames(START, text("Hel"))[:-1], end])
    with pytest.raises((openai.APIError, Exception)) as e:
        for _ in client(gw).chat.completions.create(model=f"aws/{CLAUDE}", messages=USER, stream=True):
            pass
    assert isinstance(e.value, openai.APIError)


def test_a_stream_without_metadata_is_complete(gw, up):
    up.answer(frames(START, text("Hello."), STOP))
    chunks = list(client(gw).chat.completions.create(model=f"aws/{CLAUDE}", messages=USER, stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("status, kind, message, seen", [
    (400, "ValidationException", "The text field is blank.", 400),
    (403, "AccessDeniedException", "You don't have access to the model.", 502),
    (403, "ExpiredTokenException", "The security token is expired.", 502),
    (404, "ResourceNotFoundException", "No such model.", 404),
    (408, "ModelTimeoutException", "Model has timed out.", 502),
    (424, "ModelErrorException", "The model failed.", 502),
    (429, "ThrottlingException", "Too many tokens, please wait.", 429),
    (500, "InternalServerException", "Internal.", 502),
    (503, "ServiceUnavailableException", "Too busy.", 502),
    (400, "BrandNewException", "Never heard of.", 400),
])
def test_errors_before_an_answer(gw, up, status, kind, message, seen):
    up.answer(reply({"message": message}, status, [
        ("x-amzn-ErrorType", f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/")]))
    r = gw.chat(model=f"aws/{CLAUDE}")
    assert r.status == seen, r.body
    if seen != 502:
        assert message in r.json()["error"]["message"]


def test_the_name_of_an_error_says_more_than_its_status(gw, up):
    for kind, code in (("ServiceQuotaExceededException", "insufficient_quota"),
                       ("com.amazon.coral#ModelNotReadyException", "upstream_overloaded")):
        up.answer(reply({"message": "m"}, 429, [("x-amzn-ErrorType", kind)]))
        assert gw.chat(model=f"aws/{CLAUDE}").json()["error"]["code"] == code


def test_a_wish_in_milliseconds_is_told_in_seconds(gw, up):
    up.answer(reply({"message": "m"}, 429, [("x-amz-retry-after", "1500")]))
    assert gw.chat(model=f"aws/{CLAUDE}").get("retry-after") == "2"


# --- Embeddings ------------------------------------------------------------------------------------------------------

def test_titan_is_asked_once_for_each_text(gw, up):
    def script(request):
        said = request.json()["inputText"]
        return reply({"embedding": [len(said), 0.5], "inputTextTokenCount": len(said)})
    before = len(up.requests)
    up.answer(script)
    r = client(gw).embeddings.create(model="aws/amazon.titan-embed-text-v2:0", input=["a", "bb", "ccc"],
                                     dimensions=256)
    assert [d.embedding[0] for d in r.data] == [1, 2, 3] and r.usage.prompt_tokens == 6
    asked = up.requests[before:]
    assert len(asked) == 3
    for request in asked:
        assert request.target == "/model/amazon.titan-embed-text-v2%3A0/invoke"
        assert request.get("authorization").endswith(signature_of(request)[0])


def test_cohere_takes_them_at_once_and_counts_in_a_field(gw, up):
    up.answer(reply({"embeddings": {"float": [[1, 2], [3, 4]]}, "response_type": "embeddings_by_type"},
                    headers=[("X-Amzn-Bedrock-Input-Token-Count", "9")]))
    r = client(gw).embeddings.create(model="aws/cohere.embed-v4:0", input=["a", "b"],
                                     encoding_format="base64")
    assert up.last.json()["texts"] == ["a", "b"]
    assert struct.unpack("<2f", base64.b64decode(r.data[1].embedding)) == (3, 4)
    assert r.usage.prompt_tokens == 9


# --- The mock, judged by boto3 ------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def mock():
    port = free_port()
    process = subprocess.Popen([BINARY, "mock", "--listen", f"127.0.0.1:{port}"], env=clean_environment(),
                               preexec_fn=die_with_parent, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    for _ in range(500):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def boto(mock, secret="mock-secret"):
    return boto3.client("bedrock-runtime", region_name=REGION, endpoint_url=mock,
                        aws_access_key_id="AKIDMOCK", aws_secret_access_key=secret,
                        config=Config(retries={"max_attempts": 0}))


def asked(**more):
    return {"modelId": CLAUDE, "messages": [{"role": "user", "content": [{"text": "hi"}]}], **more}


SPEC = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}


@pytest.mark.parametrize("model", [CLAUDE, ARN])
def test_boto3_reads_the_mocks_answers(mock, model):
    r = boto(mock).converse(**{**asked(), "modelId": model})
    assert r["output"]["message"]["content"][0]["text"] and r["stopReason"] == "end_turn"
    assert r["usage"]["totalTokens"] == r["usage"]["inputTokens"] + r["usage"]["outputTokens"]
    assert r["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


def test_boto3_reads_the_mocks_frames(mock):
    r = boto(mock).converse_stream(**asked(
        inferenceConfig={"maxTokens": 4000},
        additionalModelRequestFields={"thinking": {"type": "enabled", "budget_tokens": 2000}}))
    kinds, said = [], {}
    for e in r["stream"]:
        (kind, value), = e.items()
        kinds.append(kind)
        for name, piece in value.get("delta", {}).items():
            if name == "reasoningContent":
                name, piece = next(iter(piece.items()))
                name = "thought" if name == "text" else name
            said[name] = said.get(name, "") + piece
    assert kinds[0] == "messageStart" and kinds[-2:] == ["messageStop", "metadata"]
    assert "contentBlockStart" not in kinds
    assert said["text"] and said["thought"] and said["signature"]

    stream = boto(mock).converse_stream(**asked(toolConfig={**SPEC, "toolChoice": {"tool": {"name": "f"}}}))
    events = list(stream["stream"])
    assert any("contentBlockStart" in e for e in events)
    json.loads("".join(e["contentBlockDelta"]["delta"]["toolUse"]["input"] for e in events
                       if "contentBlockDelta" in e))


@pytest.mark.parametrize("more, words", [
    ({"messages": [{"role": "user", "content": [{"text": " "}]}]}, "non-whitespace"),
    ({"messages": [{"role": "user", "content": []}]}, "is empty"),
    ({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}, "start with a user"),
    ({"messages": 2 * [{"role": "user", "content": [{"text": "a"}]}]}, "alternate"),
    ({"inferenceConfig": {"temperature": 0.5, "topP": 0.5}}, "cannot both"),
    ({"messages": [{"role": "user", "content": [{"document": {
        "format": "pdf", "name": "a_b", "source": {"bytes": b"x"}}}, {"text": "a"}]}]}, "file name"),
    ({"messages": [{"role": "user", "content": [{"document": {
        "format": "pdf", "name": "a", "source": {"bytes": b"x"}}}]}]}, "text block"),
    ({"messages": [{"role": "user", "content": [{"text": "a"}]},
                   {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f",
                                                                  "input": {}}}]},
                   {"role": "user", "content": [{"text": "a"}]}], "toolConfig": SPEC}, "Expected toolResult"),
    ({"messages": [{"role": "user", "content": [{"text": "a"}]},
                   {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f",
                                                                  "input": {}}}]},
                   {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": []}}]}]},
     "toolConfig"),
])
def test_the_mock_refuses_what_aws_refuses(mock, more, words):
    c = boto(mock)
    with pytest.raises(c.exceptions.ValidationException, match=words):
        c.converse(**{**asked(), **more})


def test_the_mock_knows_a_wrong_signature(mock):
    with pytest.raises(botocore.exceptions.ClientError) as e:
        boto(mock, "wrong").converse(**asked())
    assert e.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_boto3_reads_the_mocks_embeddings(mock):
    r = boto(mock).invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "hi"}))
    answer = json.loads(r["body"].read())
    assert len(answer["embedding"]) == 8 and answer["inputTextTokenCount"] > 0


def test_the_gateway_and_the_mock(gateway, mock):
    g = gateway({"providers": {"aws": {"type": "bedrock", "base_url": mock, "region": REGION, "aws": {
        "access_key_id": "AKIDMOCK", "secret_access_key": "mock-secret"}}}})
    for model in (CLAUDE, ARN):
        r = client(g).chat.completions.create(model=f"aws/{model}", messages=USER, tools=[TOOL])
        assert r.choices[0].message.content
        assert list(client(g).chat.completions.create(model=f"aws/{model}", messages=USER, stream=True))
