"""Answers of the OpenAI API, as they look on the wire."""
import json


def dumps(o):
    return json.dumps(o, separators=(",", ":"))


def data(o):
    return f"data: {o if isinstance(o, str) else dumps(o)}\n\n".encode()


def chunk(delta, finish=None, id="chatcmpl-A1", model="gpt-5.1-2025-11-13", **more):
    return {"id": id, "object": "chat.completion.chunk", "created": 1790000000, "model": model,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
            **more}


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17,
         "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": 0},
         "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0}}

# Text with usage, as a client gets it that asked for include_usage.
STREAM_TEXT = b"".join([
    data(chunk({"role": "assistant", "content": "", "refusal": None}, usage=None, obfuscation="q8Zt")),
    data(chunk({"content": "Good"}, usage=None, obfuscation="1")),
    data(chunk({"content": " morning."}, usage=None, obfuscation="")),
    data(chunk({}, "stop", usage=None, obfuscation="Xy")),
    data({"id": "chatcmpl-A1", "object": "chat.completion.chunk", "created": 1790000000,
          "model": "gpt-5.1-2025-11-13", "choices": [], "usage": USAGE, "obfuscation": ""}),
    DONE])
USAGE_EVENT_INDEX = 4

# The same from a provider that does not know include_usage.
STREAM_PLAIN = b"".join([
    data(chunk({"role": "assistant", "content": ""})), data(chunk({"content": "Good"})),
    data(chunk({"content": " morning."})), data(chunk({}, "stop")), DONE])

_T = {"id": "chatcmpl-B1", "model": "gpt-4.1-2025-04-14"}
STREAM_TOOLS = b"".join([
    data(chunk({"role": "assistant", "content": None, "tool_calls": [
        {"index": 0, "id": "call_aa", "type": "function",
         "function": {"name": "get_weather", "arguments": ""}}], "refusal": None}, **_T)),
    data(chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{\"ci"}}]}, **_T)),
    data(chunk({"tool_calls": [{"index": 0, "function": {"arguments": "ty\":\"Oslo\"}"}}]}, **_T)),
    data(chunk({"tool_calls": [{"index": 1, "id": "call_bb", "type": "function",
                                "function": {"name": "get_time", "arguments": ""}}]}, **_T)),
    data(chunk({"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]}, **_T)),
    data(chunk({}, "tool_calls", **_T)), DONE])

STREAM_REFUSAL = b"".join([
    data(chunk({"role": "assistant", "content": None, "refusal": ""})),
    data(chunk({"refusal": "I can't help"})), data(chunk({"refusal": " with that."})),
    data(chunk({}, "stop")), DONE])

# A failure of the provider after it had begun.
STREAM_ERROR = b"".join([
    data(chunk({"role": "assistant", "content": "Par"})),
    data({"error": {"message": "The server had an error while processing your request.",
                    "type": "server_error", "param": None, "code": None}})])

COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1790000000,
    "model": "gpt-5.1-2025-11-13",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Good morning.",
                                         "refusal": None, "annotations": []},
                 "logprobs": None, "finish_reason": "stop"}],
    "usage": USAGE, "service_tier": "default", "system_fingerprint": None}

TOOL_COMPLETION = {
    "id": "chatcmpl-2", "object": "chat.completion", "created": 1790000000,
    "model": "gpt-4.1-2025-04-14",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [
        {"id": "call_aa", "type": "function",
         "function": {"name": "get_weather", "arguments": "{\"city\":\"Oslo\"}"}}]},
        "logprobs": None, "finish_reason": "tool_calls"}],
    "usage": USAGE}

LEGACY = {"id": "cmpl-1", "object": "text_completion", "created": 1790000400,
          "model": "gpt-3.5-turbo-instruct",
          "choices": [{"index": 0, "text": "lo", "finish_reason": "stop", "logprobs": None}],
          "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
LEGACY_STREAM = b"".join([
    data({**LEGACY, "usage": None, "choices": [{"text": t, "index": 0, "logprobs": None,
                                                "finish_reason": f}]})
    for t, f in (("Hel", None), ("lo", "stop"))]) + DONE


def event(kind, n, **more):
    return f"event: {kind}\ndata: {dumps({'type': kind, 'sequence_number': n, **more})}\n\n".encode()


def _response(status, output, usage=None):
    return {"id": "resp_E", "object": "response", "created_at": 1790000100, "status": status,
            "error": None, "incomplete_details": None, "instructions": None, "model": "gpt-5.6",
            "output": output, "parallel_tool_calls": True, "metadata": {}, "temperature": 1.0,
            "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": usage}


_MSG = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": "Let me check.", "annotations": [],
                     "logprobs": []}]}
RESPONSE = _response("completed", [_MSG], {
    "input_tokens": 60, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 48, "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 108})
_AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
RESPONSE_STREAM = b"".join([
    event("response.created", 0, response=_response("in_progress", [])),
    event("response.in_progress", 1, response=_response("in_progress", [])),
    event("response.output_item.added", 2, output_index=0,
          item={**_MSG, "status": "in_progress", "content": []}),
    event("response.content_part.added", 3, **_AT,
          part={"type": "output_text", "text": "", "annotations": [], "logprobs": []}),
    event("response.output_text.delta", 4, **_AT, delta="Let me ", logprobs=[]),
    event("response.output_text.delta", 5, **_AT, delta="check.", logprobs=[]),
    event("response.output_text.done", 6, **_AT, text="Let me check.", logprobs=[]),
    event("response.content_part.done", 7, **_AT, part=_MSG["content"][0]),
    event("response.output_item.done", 8, output_index=0, item=_MSG),
    event("response.completed", 9, response=RESPONSE)])

MODELS = {"object": "list", "data": [
    {"id": "gpt-5.1", "object": "model", "created": 1790000000, "owned_by": "openai"},
    {"id": "meta-llama/Llama-3.3-70B-Instruct", "object": "model", "created": 1790000000,
     "owned_by": "meta"},
    {"id": "ft:gpt-4.1:acme::x1", "object": "model", "created": 1790000000, "owned_by": "acme"}]}

MODERATION = {"id": "modr-1", "model": "omni-moderation-latest", "results": [
    {"flagged": False, "categories": {"violence": False}, "category_scores": {"violence": 0.01},
     "category_applied_input_types": {"violence": ["text"]}}]}
IMAGES = {"created": 1790000000, "data": [{"b64_json": "aGk="}],
          "usage": {"input_tokens": 5, "output_tokens": 10, "total_tokens": 15,
                    "input_tokens_details": {"text_tokens": 5, "image_tokens": 0}}}
FILE = {"id": "file-1", "object": "file", "bytes": 5, "created_at": 1790000000,
        "filename": "a.jsonl", "purpose": "batch", "status": "processed"}
BATCH = {"id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", "errors": None,
         "input_file_id": "file-1", "completion_window": "24h", "status": "validating",
         "output_file_id": None, "error_file_id": None, "created_at": 1790000000,
         "request_counts": {"total": 0, "completed": 0, "failed": 0}, "metadata": None}


def error(message="no", type="invalid_request_error", param=None, code=None):
    return {"error": {"message": message, "type": type, "param": param, "code": code}}
