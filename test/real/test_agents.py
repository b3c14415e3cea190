"""Real coding agents through the gateway, headless, each on its own format and on two foreign ones.

    npm install --prefix build/agents @anthropic-ai/claude-code @openai/codex @google/gemini-cli opencode-ai
    pytest test/real/test_agents.py

Behind the gateway stands a scripted model in a provider's native format: it calls the agent's shell tool once, to
write a file, and ends when it sees the tool's result.  An agent passes when the file is there and it has
printed the model's last words."""
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness.gateway import ROOT, Gateway  # noqa: E402

AGENTS = Path(os.environ.get("AGENTS", ROOT / "build/agents"))
KEY = "sk-agents-0123456789"
LAST_WORDS = "The task is finished: 4711."
COMMAND = "echo done-by-agent > result.txt"
SHELLS = ("bash", "shell", "exec_command", "run_shell_command", "local_shell")


def arguments_of(schema):
    """What the shell tool is called with, by the names that its schema has."""
    properties, out = schema.get("properties", {}), {}
    for name, how in properties.items():
        if name in ("command", "cmd", "script"):
            out[name] = ["bash", "-c", COMMAND] if how.get("type") == "array" else COMMAND
        elif name in schema.get("required", []):
            out[name] = {"string": "writes a file", "boolean": False, "integer": 1, "number": 1,
                         "array": [], "object": {}}[how.get("type", "string")]
    return out


class Model:
    """Decides what to say; the formats below put it into words."""

    def __init__(self):
        self.requests = []

    def decide(self, tools, answered, texts):
        for name, schema in tools:
            if name.split(".")[-1].lower() in SHELLS and not answered:
                return name, arguments_of(schema)
        return None


def sse(events):
    return "".join(f"event: {n}\ndata: {json.dumps(d)}\n\n" if n else f"data: {json.dumps(d)}\n\n" for n, d in events)


def anthropic(model, path, body):
    if path.endswith("count_tokens"):
        return {"input_tokens": 100}
    tools = [(t["name"], t.get("input_schema", {})) for t in body.get("tools", [])]
    answered = any(isinstance(m["content"], list) and any(b.get("type") == "tool_result" for b in m["content"])
                   for m in body["messages"])
    call = model.decide(tools, answered, body)
    block = ({"type": "tool_use", "id": "toolu_1", "name": call[0], "input": call[1]} if call
             else {"type": "text", "text": LAST_WORDS})
    reason = "tool_use" if call else "end_turn"
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": [block],
               "stop_reason": reason, "stop_sequence": None, "usage": usage}
    if not body.get("stream"):
        return message
    empty = {**block, "input": {}} if call else {**block, "text": ""}
    delta = ({"type": "input_json_delta", "partial_json": json.dumps(call[1])} if call
             else {"type": "text_delta", "text": LAST_WORDS})
    return sse([(e["type"], e) for e in (
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"})])


def chat(model, path, body):
    tools = [(t["function"]["name"], t["function"].get("parameters", {})) for t in body.get("tools", [])
             if "function" in t]
    call = model.decide(tools, any(m["role"] == "tool" for m in body["messages"]), body)
    base = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    calls = call and [{"id": "call_1", "type": "function",
                       "function": {"name": call[0], "arguments": json.dumps(call[1])}}]
    finish = "tool_calls" if call else "stop"
    if not body.get("stream"):
        message = {"role": "assistant", "content": None if call else LAST_WORDS}
        if call:
            message["tool_calls"] = calls
        return {**base, "object": "chat.completion", "usage": usage,
                "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    delta = {"tool_calls": [{"index": 0, **calls[0]}]} if call else {"content": LAST_WORDS}
    chunk = lambda d, f=None: (None, {**base, "object": "chat.completion.chunk",
                                      "choices": [{"index": 0, "delta": d, "finish_reason": f}]})
    return sse([chunk({"role": "assistant", "content": ""}), chunk(delta), chunk({}, finish),
                (None, {**base, "object": "chat.completion.chunk", "choices": [], "usage": usage})]) + "data: [DONE]\n\n"


def responses(model, path, body):
    tools = [(t["name"], t.get("parameters", {})) for t in body.get("tools", []) if t.get("type") == "function"]
    answered = any(i.get("type", "").endswith("_call_output") for i in body["input"])
    call = model.decide(tools, answered, body)
    item = ({"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": call[0], "status": "completed",
             "arguments": json.dumps(call[1])} if call else
            {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
             "content": [{"type": "output_text", "text": LAST_WORDS, "annotations": []}]})
    done = {"id": "resp_1", "object": "response", "created_at": 1, "model": body["model"], "status": "completed",
            "output": [item], "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15,
                                        "input_tokens_details": {"cached_tokens": 0},
                                        "output_tokens_details": {"reasoning_tokens": 0}}}
    if not body.get("stream"):
        return done
    begun = {**done, "status": "in_progress", "output": [], "usage": None}
    events = [{"type": "response.created", "response": begun},
              {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress"}}]
    if not call:
        events += [{"type": "response.content_part.added", "item_id": "msg_1", "output_index": 0, "content_index": 0,
                    "part": {"type": "output_text", "text": "", "annotations": []}},
                   {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0,
                    "delta": LAST_WORDS}]
    events += [{"type": "response.output_item.done", "output_index": 0, "item": item},
               {"type": "response.completed", "response": done}]
    return sse([(e["type"], {**e, "sequence_number": i}) for i, e in enumerate(events)])


def gemini(model, path, body):
    if path.endswith(":countTokens"):
        return {"totalTokens": 100}
    tools = [(f["name"], f.get("parametersJsonSchema") or f.get("parameters", {}))
             for t in body.get("tools", []) for f in t.get("functionDeclarations", [])]
    answered = any("functionResponse" in p for c in body["contents"] for p in c["parts"])
    call = model.decide(tools, answered, body)
    part = {"functionCall": {"name": call[0], "args": call[1]}} if call else {"text": LAST_WORDS}
    if not call and "responseJsonSchema" in body.get("generationConfig", {}):
        part = {"text": json.dumps({"reasoning": "simple", "model_choice": "flash"})}
    return_ = {"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [part]}}],
               "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
               "modelVersion": "gemini-2.5-flash", "responseId": "r1"}
    return sse([(None, return_)]) if "stream" in path else return_


def format_of(path):
    return (anthropic if "/messages" in path else responses if path.endswith("/responses") else
            gemini if ":" in path else chat)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.split("?")[0]
        self.server.model.requests.append((path, body))
        said = format_of(path)(self.server.model, self.path, body)
        streamed = isinstance(said, str)
        data = (said if streamed else json.dumps(said)).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def provider():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.model = Model()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(provider, tmp_path_factory):
    url = f"http://127.0.0.1:{provider.server_port}"
    g = Gateway(tmp_path_factory.mktemp("agents") / "gateway", {
        "providers": {
            "anthropic": {"type": "anthropic", "base_url": url, "api_key": "sk-1", "discover": False},
            "openai": {"type": "openai", "base_url": url + "/v1", "api_key": "sk-2", "discover": False},
            "gemini": {"type": "gemini", "base_url": url, "api_key": "sk-3", "discover": False}},
        "models": {"agent-anthropic": "anthropic/claude-sonnet-4-5", "agent-openai": "openai/gpt-4.1",
                   "agent-gemini": "gemini/gemini-2.5-flash"},
        "keys": {"agents": {"key": KEY}}})
    yield g
    g.stop()


PROMPT = "Write the file result.txt with your shell tool, then say that the task is finished."


def claude(url, model, folder):
    return ["claude", "-p", PROMPT, "--model", model, "--dangerously-skip-permissions"], {
        "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY, "ANTHROPIC_SMALL_FAST_MODEL": model, "IS_SANDBOX": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}


def codex(url, model, folder):
    home = folder / ".codex"
    home.mkdir()
    (home / "config.toml").write_text(
        f'model = "{model}"\nmodel_provider = "gw"\n[model_providers.gw]\nname = "gw"\nbase_url = "{url}/v1"\n'
        'env_key = "GW_KEY"\nwire_api = "responses"\n')
    return ["codex", "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", PROMPT], {
        "CODEX_HOME": str(home), "GW_KEY": KEY}


def gemini_cli(url, model, folder):
    settings = folder / ".gemini"
    settings.mkdir()
    (settings / "settings.json").write_text(json.dumps({
        "security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False},
        "general": {"disableAutoUpdate": True}}))
    return ["gemini", "-p", PROMPT, "-m", model, "--yolo", "--skip-trust"], {
        "GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": KEY, "GEMINI_CLI_TRUST_WORKSPACE": "true"}


def opencode(url, model, folder):
    (folder / "opencode.json").write_text(json.dumps({
        "$schema": "https://opencode.ai/config.json", "autoupdate": False, "share": "disabled",
        "model": f"gw/{model}", "small_model": f"gw/{model}",
        "provider": {"gw": {"npm": "@ai-sdk/openai-compatible", "name": "gw", "models": {model: {}},
                            "options": {"baseURL": url + "/v1", "apiKey": KEY}}}}))
    return ["opencode", "run", "-m", f"gw/{model}", PROMPT], {}


AGENT = {"claude": claude, "codex": codex, "gemini": gemini_cli, "opencode": opencode}


@pytest.mark.parametrize("target", ["anthropic", "openai", "gemini"])
@pytest.mark.parametrize("agent", AGENT)
@pytest.mark.timeout(240)
def test_agent_finishes_its_task(gateway, provider, tmp_path, agent, target):
    binary = AGENTS / "node_modules/.bin" / agent
    assert binary.exists(), f"{binary} is not there: see the top of this file"
    work = tmp_path / "work"
    work.mkdir()
    command, env = AGENT[agent](gateway.url, f"agent-{target}", tmp_path if agent in ("codex", "gemini") else work)
    env = {"PATH": f"{binary.parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "dumb", "NO_COLOR": "1",
           "CI": "1", **env}
    before = len(provider.model.requests)
    done = subprocess.run([str(binary), *command[1:]], cwd=work, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=220)
    seen = provider.model.requests[before:]
    print(agent, target, [p for p, _ in seen], done.stdout[-3000:])
    print(gateway.access_path.read_text()[-3000:])
    assert (work / "result.txt").exists(), "the tool was not called"
    assert "done-by-agent" in (work / "result.txt").read_text()
    assert "4711" in done.stdout
