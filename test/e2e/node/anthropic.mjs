// The official `@anthropic-ai/sdk` package for Node.js against a gateway whose providers are the mock.
//
//     BASE_URL=… MODEL=… node anthropic.mjs    runs all, one JSON line each
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";

const model = process.env.MODEL;
const client = process.env.BASE_URL
  ? new Anthropic({ baseURL: process.env.BASE_URL, apiKey: "sk-test", maxRetries: 0, timeout: 20_000 })
  : null;
const messages = [{ role: "user", content: "Say good morning" }];
const tools = ["get_weather", "get_time"].map((name) => ({
  name,
  description: `Tells the ${name}.`,
  input_schema: { type: "object", properties: { city: { type: "string" } } },
}));
const base = { model, max_tokens: 2000, messages };

const scenarios = {
  async "messages.create"() {
    const answer = await client.messages.create(base);
    assert.match(answer.content[0].text, /^The gateway relays/);
    assert.equal(answer.stop_reason, "end_turn");
    assert.ok(answer.id);
  },
  async "messages.stream"() {
    const pieces = [];
    const stream = client.messages.stream(base).on("text", (t) => pieces.push(t));
    const final = await stream.finalMessage();
    assert.ok(pieces.length > 3);
    assert.equal(pieces.join(""), final.content[0].text);
    assert.ok(final.usage.input_tokens > 0 && final.usage.output_tokens > 0);
  },
  async "messages.stream, a loop of tools"() {
    const asked = { ...base, model: `${model}?tool=2`, tools };
    const first = await client.messages.stream(asked).finalMessage();
    const calls = first.content.filter((b) => b.type === "tool_use");
    assert.deepEqual(calls.map((c) => c.input), [{ city: "Oslo" }, { city: "Bergen" }]);
    assert.equal(first.stop_reason, "tool_use");
    const results = calls.map((c) => ({ type: "tool_result", tool_use_id: c.id, content: "4" }));
    const second = await client.messages
      .stream({ ...asked, messages: [...messages, { role: "assistant", content: first.content },
                                     { role: "user", content: results }] })
      .finalMessage();
    assert.equal(second.stop_reason, "end_turn");
  },
  async "beta.messages.create"() {
    const answer = await client.beta.messages.create({ ...base, betas: ["context-management-2025-06-27"] });
    assert.equal(answer.stop_reason, "end_turn");
  },
  async "an error in the stream raises"() {
    await assert.rejects(client.messages.stream({ ...base, model: `${model}?error-after=6` }).finalMessage());
  },
  async "a stream that was cut raises"() {
    await assert.rejects(client.messages.stream({ ...base, model: `${model}?cut-after=6` }).finalMessage());
  },
  async "an error has its class"() {
    await assert.rejects(client.messages.create({ ...base, model: `${model}?fail=429` }), Anthropic.RateLimitError);
  },
  async "messages.countTokens"() {
    const count = await client.messages.countTokens({ model, messages });
    assert.ok(count.input_tokens > 0);
  },
  async "models.list"() {
    const ids = [];
    for await (const one of client.models.list({ limit: 1000 })) ids.push(one.id);
    assert.ok(ids.length > 0);
  },
};

if (process.argv.includes("--list")) {
  for (const name of Object.keys(scenarios)) console.log(name);
} else {
  for (const [name, run] of Object.entries(scenarios)) {
    let problem = null;
    try {
      await run();
    } catch (e) {
      problem = String(e?.stack ?? e);
    }
    console.log(JSON.stringify({ name, problem }));
  }
}
