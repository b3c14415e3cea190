"""One adapter per client dialect.  Each makes the same conversation with its official SDK and says what came
of it in the same words, so that the matrix needs no knowledge of formats.

    ask(model, turns, **wishes) -> Answer

turns: list of dicts: {"role": "user", "text", "image": bytes}, {"role": "assistant", "answer": Answer},
{"role": "tool", "results": [(call, text)]}.  wishes: tools, stream, schema, thinking.
"""
import base64
import json
from dataclasses import dataclass, field

import anthropic
import httpx
import openai
from google import genai
from google.genai import errors as genai_errors
from google.genai import types as gt

KEY = "sk-square-0123456789"
TOOLS = [{"name": name, "description": f"Tells the {name} of a city.",
          "schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
         for name in ("weather", "time")]
SCHEMA = {"type": "object", "additionalProperties": False, "required": ["answer", "number"],
          "properties": {"answer": {"type": "string"}, "number": {"type": "integer"}}}


@dataclass
class Call:
    id: str
    name: str
    arguments: dict


@dataclass
class Answer:
    text: str = ""
    reasoning: str = ""
    calls: list = field(default_factory=list)
    finish: str = ""  # stop, length, calls, filter
    input_tokens: int = 0
    output_tokens: int = 0
    native: object = None  # what the SDK wants back in the next turn


class Refused(Exception):
    """The SDK raised: status (None: in mid-stream), the message, what it was."""

    def __init__(self, status, message, cause=None):
        super().__init__(f"{status}: {message}")
        self.status, self.message, self.cause = status, message, cause


def data_url(image):
    return "data:image/png;base64," + base64.b64encode(image).decode()


class Client:
    limit = None  # tokens of an answer, where the format does not ask for one anyway

    def __init__(self, url):
        self.url = url
        self.setup()

    def ask(self, model, turns, **wishes):
        try:
            return self._ask(model, turns, **wishes)
        except (openai.APIStatusError, anthropic.APIStatusError) as e:
            status = e.status_code if e.status_code >= 400 else None
            raise Refused(status, str(e), e) from e
        except genai_errors.APIError as e:
            raise Refused(e.code, str(e), e) from e
        except (openai.APIError, anthropic.APIError, httpx.HTTPError) as e:
            raise Refused(None, str(e), e) from e


class OpenAIChat(Client):
    name = "chat"

    def setup(self):
        self.sdk = openai.OpenAI(base_url=self.url + "/v1", api_key=KEY, max_retries=0)

    def _messages(self, turns):
        for t in turns:
            if t["role"] == "user" and "image" in t:
                yield {"role": "user", "content": [
                    {"type": "text", "text": t["text"]},
                    {"type": "image_url", "image_url": {"url": data_url(t["image"])}}]}
            elif t["role"] == "user":
                yield {"role": "user", "content": t["text"]}
            elif t["role"] == "assistant":
                yield t["answer"].native
            else:
                for call, text in t["results"]:
                    yield {"role": "tool", "tool_call_id": call.id, "content": text}

    def _ask(self, model, turns, tools=False, stream=False, schema=False, thinking=False):
        more = {"max_tokens": self.limit} if self.limit else {}
        if tools:
            more["tools"] = [{"type": "function", "function": {
                "name": t["name"], "description": t["description"], "parameters": t["schema"]}} for t in TOOLS]
        if schema:
            more["response_format"] = {"type": "json_schema", "json_schema": {
                "name": "answer", "schema": SCHEMA, "strict": True}}
        if thinking:
            more["reasoning_effort"] = "medium"
        messages = list(self._messages(turns))
        if stream:
            message, finish, usage = self._stream(model, messages, more)
        else:
            done = self.sdk.chat.completions.create(model=model, messages=messages, **more)
            message, finish, usage = done.choices[0].message.model_dump(exclude_none=True), \
                done.choices[0].finish_reason, done.usage
        calls = [Call(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
                 for c in message.get("tool_calls", [])]
        return Answer(message.get("content") or "", message.get("reasoning_content") or "", calls,
                      {"tool_calls": "calls", "content_filter": "filter"}.get(finish, finish),
                      usage.prompt_tokens if usage else 0, usage.completion_tokens if usage else 0, message)

    def _stream(self, model, messages, more):
        message, calls, blocks, finish, usage = {"role": "assistant"}, {}, [], None, None
        for chunk in self.sdk.chat.completions.create(model=model, messages=messages, stream=True,
                                                      stream_options={"include_usage": True}, **more):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                finish = choice.finish_reason or finish
                delta = choice.delta.model_dump(exclude_none=True)
                for name in ("content", "reasoning_content"):
                    if delta.get(name):
                        message[name] = message.get(name, "") + delta[name]
                blocks += delta.get("thinking_blocks", [])
                for c in delta.get("tool_calls", []):
                    if c["index"] in calls:
                        assert not c.get("id") and not c["function"].get("name")
                        calls[c["index"]]["function"]["arguments"] += c["function"]["arguments"]
                    else:
                        calls[c["index"]] = {k: v for k, v in c.items() if k != "index"}
        assert sorted(calls) == list(range(len(calls)))
        if calls:
            message["tool_calls"] = [calls[i] for i in sorted(calls)]
        if blocks:
            message["thinking_blocks"] = blocks
        if finish is None:
            raise Refused(None, "the stream ended without a finish reason")
        return message, finish, usage


class Completions(Client):
    name = "completions"
    texts_only = True

    def setup(self):
        self.sdk = openai.OpenAI(base_url=self.url + "/v1", api_key=KEY, max_retries=0)

    def _ask(self, model, turns, stream=False):
        prompt, more = turns[-1]["text"], {"max_tokens": self.limit} if self.limit else {}
        if not stream:
            done = self.sdk.completions.create(model=model, prompt=prompt, **more)
            return Answer(done.choices[0].text, finish=done.choices[0].finish_reason,
                          input_tokens=done.usage.prompt_tokens, output_tokens=done.usage.completion_tokens)
        a = Answer()
        for chunk in self.sdk.completions.create(model=model, prompt=prompt, stream=True, **more,
                                                 stream_options={"include_usage": True}):
            if chunk.usage:
                a.input_tokens, a.output_tokens = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
            for c in chunk.choices:
                a.text += c.text
                a.finish = c.finish_reason or a.finish
        if not a.finish:
            raise Refused(None, "the stream ended without a finish reason")
        return a


class Responses(Client):
    name = "responses"

    def setup(self):
        self.sdk = openai.OpenAI(base_url=self.url + "/v1", api_key=KEY, max_retries=0)

    def _input(self, turns):
        for t in turns:
            if t["role"] == "user":
                content = [{"type": "input_text", "text": t["text"]}]
                if "image" in t:
                    content.append({"type": "input_image", "image_url": data_url(t["image"]),
                                    "detail": "auto"})
                yield {"role": "user", "content": content}
            elif t["role"] == "assistant":
                yield from t["answer"].native
            else:
                for call, text in t["results"]:
                    yield {"type": "function_call_output", "call_id": call.id, "output": text}

    def _ask(self, model, turns, tools=False, stream=False, schema=False, thinking=False):
        more = {"max_output_tokens": self.limit} if self.limit else {}
        if tools:
            more["tools"] = [{"type": "function", "name": t["name"], "description": t["description"],
                              "parameters": t["schema"], "strict": False} for t in TOOLS]
        if schema:
            more["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": SCHEMA,
                                       "strict": True}}
        if thinking:
            more["reasoning"] = {"effort": "medium", "summary": "auto"}
            more["include"] = ["reasoning.encrypted_content"]
        arguments = dict(model=model, input=list(self._input(turns)), store=False, **more)
        if stream:
            done, expected = None, 0
            for event in self.sdk.responses.create(stream=True, **arguments):
                assert event.sequence_number == expected, (event.sequence_number, expected)
                expected += 1
                if event.type in ("response.completed", "response.incomplete"):
                    done = event.response
                elif event.type in ("response.failed", "error"):
                    raise Refused(None, str(event))
            if done is None:
                raise Refused(None, "the stream ended without its last event")
        else:
            done = self.sdk.responses.create(**arguments)
            if done.status == "failed":
                raise Refused(None, str(done.error))
        a = Answer(done.output_text, native=[i.model_dump(exclude_none=True) for i in done.output])
        for item in done.output:
            if item.type == "function_call":
                a.calls.append(Call(item.call_id, item.name, json.loads(item.arguments)))
            elif item.type == "reasoning":
                a.reasoning += "".join(s.text for s in item.summary)
                a.reasoning += "".join(c.text for c in item.content or [])
        a.finish = "length" if done.status == "incomplete" else "calls" if a.calls else "stop"
        if done.usage:
            a.input_tokens, a.output_tokens = done.usage.input_tokens, done.usage.output_tokens
        return a


class Messages(Client):
    name = "messages"
    max_tokens = 4000

    def setup(self):
        self.sdk = anthropic.Anthropic(base_url=self.url, api_key=KEY, max_retries=0)

    def _messages(self, turns):
        for t in turns:
            if t["role"] == "user":
                content = [{"type": "text", "text": t["text"]}]
                if "image" in t:
                    content.append({"type": "image", "source": {
                        "type": "base64", "media_type": "image/png",
                        "data": base64.b64encode(t["image"]).decode()}})
                yield {"role": "user", "content": content}
            elif t["role"] == "assistant":
                yield {"role": "assistant", "content": t["answer"].native}
            else:
                yield {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id,
                                                    "content": text} for call, text in t["results"]]}

    def _ask(self, model, turns, tools=False, stream=False, schema=False, thinking=False):
        more = {"max_tokens": self.limit or self.max_tokens}
        if tools:
            more["tools"] = [{"name": t["name"], "description": t["description"],
                              "input_schema": t["schema"]} for t in TOOLS]
        if schema:
            more["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if thinking:
            more["thinking"] = {"type": "enabled", "budget_tokens": 2000}
        messages = list(self._messages(turns))
        if stream:
            with self.sdk.messages.stream(model=model, messages=messages, **more) as s:
                stopped = False
                for event in s:
                    stopped = stopped or event.type == "message_stop"
                if not stopped:
                    raise Refused(None, "the stream ended without message_stop")
                done = s.get_final_message()
        else:
            done = self.sdk.messages.create(model=model, messages=messages, **more)
        a = Answer(native=[b.model_dump(exclude_none=True, include={
            "text": {"type", "text"}, "tool_use": {"type", "id", "name", "input"},
            "thinking": {"type", "thinking", "signature"},
            "redacted_thinking": {"type", "data"}}[b.type]) for b in done.content])
        for block in done.content:
            if block.type == "text":
                a.text += block.text
            elif block.type == "thinking":
                a.reasoning += block.thinking
            elif block.type == "tool_use":
                a.calls.append(Call(block.id, block.name, block.input))
        a.finish = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "calls",
                    "refusal": "filter"}[done.stop_reason]
        u = done.usage
        a.input_tokens = u.input_tokens + (u.cache_read_input_tokens or 0) + (u.cache_creation_input_tokens or 0)
        a.output_tokens = u.output_tokens
        return a


class Gemini(Client):
    name = "gemini"

    def setup(self):
        self.sdk = genai.Client(api_key=KEY, http_options=gt.HttpOptions(base_url=self.url))

    def _contents(self, turns):
        for t in turns:
            if t["role"] == "user":
                parts = [gt.Part(text=t["text"])]
                if "image" in t:
                    parts.append(gt.Part.from_bytes(data=t["image"], mime_type="image/png"))
                yield gt.Content(role="user", parts=parts)
            elif t["role"] == "assistant":
                yield t["answer"].native
            else:
                yield gt.Content(role="user", parts=[gt.Part(function_response=gt.FunctionResponse(
                    id=call.id or None, name=call.name, response={"output": text}))
                    for call, text in t["results"]])

    def _ask(self, model, turns, tools=False, stream=False, schema=False, thinking=False):
        more = {"max_output_tokens": self.limit} if self.limit else {}
        if tools:
            more["tools"] = [gt.Tool(function_declarations=[gt.FunctionDeclaration(
                name=t["name"], description=t["description"], parameters_json_schema=t["schema"])
                for t in TOOLS])]
            more["automatic_function_calling"] = gt.AutomaticFunctionCallingConfig(disable=True)
        if schema:
            more["response_mime_type"] = "application/json"
            more["response_json_schema"] = SCHEMA
        if thinking:
            more["thinking_config"] = gt.ThinkingConfig(thinking_budget=2000, include_thoughts=True)
        config = gt.GenerateContentConfig(**more)
        contents = list(self._contents(turns))
        if stream:
            chunks = list(self.sdk.models.generate_content_stream(model=model, contents=contents, config=config))
        else:
            chunks = [self.sdk.models.generate_content(model=model, contents=contents, config=config)]
        a, parts, finish = Answer(), [], None
        for chunk in chunks:
            if chunk.usage_metadata:
                u = chunk.usage_metadata
                a.input_tokens = (u.prompt_token_count or 0) + (u.tool_use_prompt_token_count or 0)
                a.output_tokens = (u.candidates_token_count or 0) + (u.thoughts_token_count or 0)
            for c in chunk.candidates or []:
                finish = c.finish_reason or finish
                parts += (c.content.parts or []) if c.content else []
        if finish is None:
            raise Refused(None, "the answer has no finish reason")
        for p in parts:
            if p.function_call:
                a.calls.append(Call(p.function_call.id or "", p.function_call.name, dict(p.function_call.args or {})))
            elif p.text and p.thought:
                a.reasoning += p.text
            elif p.text:
                a.text += p.text
        a.native = gt.Content(role="model", parts=parts)
        a.finish = "calls" if a.calls and finish == gt.FinishReason.STOP else {
            gt.FinishReason.STOP: "stop", gt.FinishReason.MAX_TOKENS: "length"}.get(finish, "filter")
        return a


CLIENTS = [OpenAIChat, Responses, Messages, Gemini, Completions]
