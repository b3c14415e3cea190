"""What a provider of OpenAI's format answers: by path, and for chats by the model's name.

    text         an answer, or a stream, with usage when it was asked for
    tools        two tool calls
    refusal      a refusal
    status-NNN   an error of that status
    slow         nothing, ever
    dies         a stream that ends in the middle
    breaks       a stream with an error in the middle
"""
import base64
import re
import struct

from . import exchanges as x
from .upstream import HOLD, RST, SSE_HEAD, chunk, events_of, reply, sse

AUDIO = bytes(range(256)) * 40
VECTOR = [0.5, -0.25, 0.125, 1.0]


def _errors(status):
    kinds = {
        400: x.error("Unsupported value: 'temperature' does not support 0.2 with this model.",
                     param="temperature", code="unsupported_value"),
        401: x.error("Incorrect API key provided: sk-upst****cret.", "authentication_error",
                     code="invalid_api_key"),
        403: x.error("You have no access.", "permission_error"),
        404: x.error("The model `gpt-nope` does not exist.", code="model_not_found"),
        422: x.error("Not like that."),
        429: x.error("Rate limit reached.", "requests", code="rate_limit_exceeded"),
    }
    return kinds.get(status, x.error("The server had an error.", "server_error"))


def _stream(request, with_usage, without):
    asked = (request.json().get("stream_options") or {}).get("include_usage")
    return sse(with_usage if asked else without)


def _chat(request):
    body = request.json()
    model, stream = body["model"], body.get("stream")
    if found := re.fullmatch(r"status-(\d+)", model):
        status = int(found[1])
        more = [("retry-after", "7")] if status == 429 else []
        return reply(_errors(status), status, more)
    if model == "slow":
        return [HOLD]
    if model == "dies":
        return [SSE_HEAD] + [chunk(e) for e in events_of(x.STREAM_PLAIN)[:2]] + [RST]
    if model == "breaks":
        return sse(x.STREAM_ERROR)
    if model == "tools":
        return sse(x.STREAM_TOOLS) if stream else reply(x.TOOL_COMPLETION)
    if model == "refusal":
        return sse(x.STREAM_REFUSAL)
    return _stream(request, x.STREAM_TEXT, x.STREAM_PLAIN) if stream else reply(x.COMPLETION)


def _embeddings(request):
    body = request.json()
    vector = VECTOR
    if body.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack("<4f", *VECTOR)).decode()
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    return reply({"object": "list", "model": body["model"],
                  "data": [{"object": "embedding", "index": i, "embedding": vector}
                           for i in range(len(inputs))],
                  "usage": {"prompt_tokens": 3, "total_tokens": 3}})


def _form(request, name):
    found = re.search(rb'name="%s"(?:; filename="[^"]*")?\r\n(?:[^\r]+\r\n)*\r\n(.*?)\r\n--' % name,
                      request.body, re.S)
    return found and found[1]


def openai_like(request):
    path = request.target.split("?")[0].removeprefix("/v1")
    if path == "/models":
        return reply(x.MODELS)
    if path == "/chat/completions":
        return _chat(request)
    if path == "/completions":
        return sse(x.LEGACY_STREAM) if request.json().get("stream") else reply(x.LEGACY)
    if path == "/responses":
        return sse(x.RESPONSE_STREAM) if request.json().get("stream") else reply(x.RESPONSE)
    if path.startswith("/responses/"):
        if request.method == "DELETE":
            return reply({"id": "resp_E", "object": "response", "deleted": True})
        return reply(x.RESPONSE)
    if path == "/embeddings":
        return _embeddings(request)
    if path == "/moderations":
        return reply(x.MODERATION)
    if path.startswith("/images/"):
        return reply(x.IMAGES)
    if path == "/audio/speech":
        return reply(AUDIO, content_type="audio/mpeg")
    if path in ("/audio/transcriptions", "/audio/translations"):
        audio = _form(request, b"file")
        return reply({"text": f"{len(audio)} bytes for {_form(request, b'model').decode()}"})
    if path == "/files" and request.method == "POST":
        return reply({**x.FILE, "bytes": len(_form(request, b"file"))})
    if path == "/files":
        return reply({"object": "list", "data": [x.FILE], "has_more": False})
    if path.endswith("/content"):
        return reply(AUDIO, content_type="application/octet-stream")
    if path.startswith("/files/"):
        return reply({"id": "file-1", "object": "file", "deleted": True}
                     if request.method == "DELETE" else x.FILE)
    if path.startswith("/batches"):
        return reply(x.BATCH)
    if path == "/rerank":
        return reply({"id": "r-1", "results": [{"index": 1, "relevance_score": 0.9}]})
    return reply(x.error("Unknown request URL", code="unknown_url"), 404)


MODELS = ("text", "tools", "refusal", "slow", "dies", "breaks",
          *(f"status-{n}" for n in (400, 401, 403, 404, 422, 429, 500, 503)))
