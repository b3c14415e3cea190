// The official `openai` package for Node.js against a gateway whose provider is harness/provider.py.
//
//     node scenarios.mjs --list                      names, one a line
//     BASE_URL=… KEY=… NARROW_KEY=… node scenarios.mjs    runs all, one JSON line each
import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";

const options = { baseURL: process.env.BASE_URL, apiKey: process.env.KEY, maxRetries: 0, timeout: 20_000 };
const client = process.env.BASE_URL ? new OpenAI(options) : null;
const messages = [{ role: "user", content: "Say good morning" }];
const tools = ["get_weather", "get_time"].map((name) => ({
  type: "function",
  function: { name, parameters: { type: "object" } },
}));
const chat = (model, more = {}) => client.chat.completions.create({ model, messages, ...more });

async function collect(stream) {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
}

async function raises(promise, kind, facts = {}) {
  try {
    await promise;
  } catch (e) {
    assert.equal(e.constructor.name, kind.name, String(e));
    for (const [name, value] of Object.entries(facts)) assert.equal(e[name], value);
    return e;
  }
  assert.fail(`no ${kind.name}`);
}

const text = (chunks) => chunks.map((c) => c.choices[0]?.delta.content ?? "").join("");

const scenarios = {
  async "chat.completions.create"() {
    const answer = await chat("text");
    assert.equal(answer.choices[0].message.content, "Good morning.");
    assert.equal(answer.usage.total_tokens, 17);
    assert.ok(answer._request_id);
  },
  async "chat.completions.create, stream"() {
    const chunks = await collect(await chat("text", { stream: true }));
    assert.equal(text(chunks), "Good morning.");
    assert.ok(chunks.every((c) => c.choices.length), "the usage chunk was not asked for");
  },
  async "chat.completions.create, stream with usage"() {
    const chunks = await collect(await chat("text", { stream: true, stream_options: { include_usage: true } }));
    assert.equal(chunks.at(-1).usage.total_tokens, 17);
    assert.equal(text(chunks), "Good morning.");
  },
  async "chat.completions.stream"() {
    const final = await client.chat.completions.stream({ model: "text", messages }).finalChatCompletion();
    assert.equal(final.choices[0].message.content, "Good morning.");
  },
  async "chat.completions.stream, tools in pieces"() {
    const final = await client.chat.completions.stream({ model: "tools", messages, tools }).finalChatCompletion();
    const calls = final.choices[0].message.tool_calls.map((c) => [c.id, c.function.name, c.function.arguments]);
    assert.deepEqual(calls, [["call_aa", "get_weather", '{"city":"Oslo"}'], ["call_bb", "get_time", "{}"]]);
  },
  async "chat.completions.create, tools"() {
    const answer = await chat("tools", { tools });
    assert.equal(answer.choices[0].message.tool_calls[0].function.arguments, '{"city":"Oslo"}');
  },
  async "chat.completions.stream, refusal"() {
    const final = await client.chat.completions.stream({ model: "refusal", messages }).finalChatCompletion();
    assert.equal(final.choices[0].message.refusal, "I can't help with that.");
  },
  async "embeddings.create"() {
    const answer = await client.embeddings.create({ model: "up/e", input: ["a", "b"] });
    assert.deepEqual(answer.data.map((e) => Array.from(e.embedding)), [[0.5, -0.25, 0.125, 1], [0.5, -0.25, 0.125, 1]]);
  },
  async "embeddings.create, float"() {
    const answer = await client.embeddings.create({ model: "up/e", input: "a", encoding_format: "float" });
    assert.deepEqual(answer.data[0].embedding, [0.5, -0.25, 0.125, 1]);
  },
  async "models.list"() {
    const ids = (await collect(await client.models.list())).map((m) => m.id);
    assert.ok(ids.includes("text") && ids.includes("other-model"));
  },
  async "models.retrieve, an id with slashes"() {
    const id = "up/meta-llama/Llama-3.3-70B-Instruct";
    assert.equal((await client.models.retrieve(id)).id, id);
  },
  async "completions.create"() {
    assert.equal((await client.completions.create({ model: "text", prompt: "Hel" })).choices[0].text, "lo");
  },
  async "completions.create, stream"() {
    const chunks = await collect(await client.completions.create({ model: "text", prompt: "x", stream: true }));
    assert.equal(chunks.map((c) => c.choices[0].text).join(""), "Hello");
  },
  async "responses.create"() {
    assert.equal((await client.responses.create({ model: "text", input: "hi" })).output_text, "Let me check.");
  },
  async "responses.create, stream"() {
    const events = await collect(await client.responses.create({ model: "text", input: "hi", stream: true }));
    assert.equal(events.at(-1).type, "response.completed");
  },
  async "responses.stream"() {
    const final = await client.responses.stream({ model: "text", input: "hi" }).finalResponse();
    assert.equal(final.output_text, "Let me check.");
  },
  async "moderations.create"() {
    assert.equal((await client.moderations.create({ input: "hi" })).results[0].flagged, false);
  },
  async "images.generate"() {
    assert.equal((await client.images.generate({ model: "up/i", prompt: "a cat" })).data[0].b64_json, "aGk=");
  },
  async "images.edit"() {
    const image = await toFile(Buffer.from("\x89PNG"), "a.png", { type: "image/png" });
    assert.equal((await client.images.edit({ model: "up/i", image, prompt: "a hat" })).data[0].b64_json, "aGk=");
  },
  async "audio.speech.create"() {
    const answer = await client.audio.speech.create({ model: "up/tts-1", voice: "alloy", input: "hi" });
    assert.equal(answer.headers.get("content-type"), "audio/mpeg");
    assert.equal((await answer.arrayBuffer()).byteLength, 10240);
  },
  async "audio.transcriptions.create"() {
    const file = await toFile(Buffer.alloc(300_000, 7), "a.wav");
    const answer = await client.audio.transcriptions.create({ model: "up/whisper-1", file });
    assert.equal(answer.text, "300000 bytes for whisper-1");
  },
  async "files.create, content, delete"() {
    const pinned = new OpenAI({ ...options, defaultHeaders: { "x-gateway-provider": "up" } });
    const made = await pinned.files.create({ file: await toFile(Buffer.alloc(50_000), "a.jsonl"), purpose: "batch" });
    assert.equal(made.bytes, 50_000);
    assert.equal((await (await pinned.files.content("file-1")).arrayBuffer()).byteLength, 10240);
    assert.ok((await pinned.files.delete("file-1")).deleted);
  },
  async "BadRequestError of the provider"() {
    await raises(chat("status-400"), OpenAI.BadRequestError, { code: "unsupported_value", param: "temperature" });
  },
  async "BadRequestError of the provider, stream"() {
    await raises(chat("status-400", { stream: true }), OpenAI.BadRequestError, { code: "unsupported_value" });
  },
  async "BadRequestError of the gateway"() {
    await raises(chat("text", { top_p: 2 }), OpenAI.BadRequestError, { param: "top_p" });
  },
  async "AuthenticationError"() {
    const other = new OpenAI({ ...options, apiKey: "sk-gw-" + "w".repeat(40) });
    await raises(other.models.list(), OpenAI.AuthenticationError, { code: "invalid_api_key" });
  },
  async "PermissionDeniedError"() {
    const narrow = new OpenAI({ ...options, apiKey: process.env.NARROW_KEY });
    await raises(narrow.chat.completions.create({ model: "tools", messages }), OpenAI.PermissionDeniedError);
  },
  async "NotFoundError of the gateway"() {
    await raises(chat("txet"), OpenAI.NotFoundError, { code: "model_not_found" });
  },
  async "NotFoundError of the provider"() {
    await raises(chat("status-404"), OpenAI.NotFoundError, { code: "model_not_found" });
  },
  async "UnprocessableEntityError"() {
    await raises(chat("status-422"), OpenAI.UnprocessableEntityError);
  },
  async "RateLimitError"() {
    const e = await raises(chat("status-429"), OpenAI.RateLimitError);
    assert.equal(e.headers.get("retry-after"), "7");
  },
  async "InternalServerError for the provider's 401"() {
    await raises(chat("status-401"), OpenAI.InternalServerError, { type: "upstream_authentication_error", status: 502 });
  },
  async "InternalServerError for the provider's 500"() {
    await raises(chat("status-500"), OpenAI.InternalServerError, { type: "upstream_error", status: 502 });
  },
  async "InternalServerError for the provider's 500, stream"() {
    await raises(chat("status-500", { stream: true }), OpenAI.InternalServerError, { status: 502 });
  },
  async "APIConnectionTimeoutError"() {
    await raises(
      client.chat.completions.create({ model: "slow", messages }, { timeout: 300 }),
      OpenAI.APIConnectionTimeoutError,
    );
  },
  async "an abort by the application"() {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    await raises(
      client.chat.completions.create({ model: "slow", messages }, { signal: controller.signal }),
      OpenAI.APIUserAbortError,
    );
  },
  async "a stream that breaks off raises"() {
    const seen = [];
    await assert.rejects(async () => {
      for await (const c of await chat("dies", { stream: true })) seen.push(c);
    });
    assert.ok(seen.length, "what came before was delivered");
  },
  async "an error inside a stream raises"() {
    const stream = await chat("breaks", { stream: true });
    await raises(collect(stream), OpenAI.APIError, { type: "server_error" });
  },
  async "twenty streams at once"() {
    const all = await Promise.all(
      Array.from({ length: 20 }, async () => text(await collect(await chat("text", { stream: true })))),
    );
    assert.deepEqual(new Set(all), new Set(["Good morning."]));
  },
};

// The same answer each time, and as long as it may be.
const fixed = { temperature: 0, ignore_eos: true };

const llama = {
  async "llama.cpp: chat"() {
    const answer = await chat("small", { ...fixed, max_tokens: 6 });
    assert.ok(answer.choices[0].message.content.trim());
  },
  async "llama.cpp: stream"() {
    const chunks = await collect(await chat("small", { ...fixed, max_tokens: 6, stream: true }));
    assert.ok(text(chunks).trim());
    assert.equal(chunks.at(-1).choices[0].finish_reason, "length");
  },
  async "llama.cpp: stream helper"() {
    const final = await client.chat.completions.stream({ model: "small", messages, ...fixed, max_tokens: 6 }).finalChatCompletion();
    assert.ok(final.choices[0].message.content.trim());
  },
  async "llama.cpp: embeddings"() {
    assert.equal((await client.embeddings.create({ model: "small", input: "a" })).data[0].embedding.length, 576);
  },
  async "llama.cpp: models"() {
    assert.ok((await collect(await client.models.list())).some((m) => m.id === "small"));
  },
  async "llama.cpp: completions"() {
    assert.ok((await client.completions.create({ model: "small", prompt: "The sky is", max_tokens: 4 })).choices[0].text);
  },
  async "llama.cpp: responses"() {
    const answer = await client.responses.create({ model: "small", input: "hi", max_output_tokens: 6 });
    assert.ok(answer.output_text.trim());
  },
};

if (process.argv.includes("--list")) {
  for (const name of [...Object.keys(scenarios), ...Object.keys(llama)]) console.log(name);
  process.exit(0);
}
const chosen = process.argv.includes("--llama") ? llama : scenarios;
for (const [name, run] of Object.entries(chosen)) {
  let problem = null;
  try {
    await run();
  } catch (e) {
    problem = e.stack ?? String(e);
  }
  console.log(JSON.stringify({ name, problem }));
}
