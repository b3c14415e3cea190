// The official `@google/genai` package for Node.js against a gateway whose providers are the mock.
//
//     BASE_URL=… MODEL=… node gemini.mjs    runs all, one JSON line each
import assert from "node:assert/strict";
import { ApiError, GoogleGenAI, Type } from "@google/genai";

const model = process.env.MODEL;
const client = process.env.BASE_URL
  ? new GoogleGenAI({ apiKey: "sk-test", httpOptions: { baseUrl: process.env.BASE_URL, timeout: 20_000 } })
  : null;
const contents = "Say good morning";
const tools = [{
  functionDeclarations: ["get_weather", "get_time"].map((name) => ({
    name,
    description: `Tells the ${name}.`,
    parameters: { type: Type.OBJECT, properties: { city: { type: Type.STRING } }, required: ["city"] },
  })),
}];

async function gather(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const scenarios = {
  async "generateContent"() {
    const answer = await client.models.generateContent({ model, contents });
    assert.match(answer.text, /^The gateway relays/);
    assert.equal(answer.candidates[0].finishReason, "STOP");
    assert.ok(answer.responseId && answer.usageMetadata.totalTokenCount > 0);
  },
  async "generateContentStream"() {
    const chunks = await gather(await client.models.generateContentStream({ model, contents }));
    const text = chunks.map((c) => c.text ?? "").join("");
    assert.ok(chunks.length > 3);
    assert.match(text, /^The gateway relays .* Demo text\. $/);
    assert.equal(chunks.at(-1).candidates[0].finishReason, "STOP");
    assert.ok(chunks.at(-1).usageMetadata.candidatesTokenCount > 0);
  },
  async "generateContentStream, a loop of tools"() {
    const asked = { model: `${model};tool=2`, config: { tools } };
    const history = [{ role: "user", parts: [{ text: contents }] }];
    const chunks = await gather(await client.models.generateContentStream({ ...asked, contents: history }));
    const parts = chunks.flatMap((c) => c.candidates?.[0]?.content?.parts ?? []);
    const calls = parts.filter((p) => p.functionCall).map((p) => p.functionCall);
    assert.deepEqual(calls.map((c) => [c.name, c.args.city]), [["get_weather", "Oslo"], ["get_time", "Bergen"]]);
    history.push({ role: "model", parts: parts.filter((p) => !p.thought && (p.text || p.functionCall)) });
    history.push({ role: "user", parts: calls.map((c) => ({
      functionResponse: { id: c.id, name: c.name, response: { output: "4" } } })) });
    const second = await client.models.generateContent({ ...asked, contents: history });
    assert.match(second.text, /^The gateway relays/);
  },
  async "chats.sendMessageStream keeps its chunks"() {
    const chat = client.chats.create({ model });
    await gather(await chat.sendMessageStream({ message: contents }));
    const second = await chat.sendMessage({ message: "And again" });
    assert.match(second.text, /^The gateway relays/);
    assert.ok(chat.getHistory().length >= 4);
  },
  async "structured output"() {
    const answer = await client.models.generateContent({ model, contents, config: {
      responseMimeType: "application/json",
      responseSchema: { type: Type.OBJECT, properties: { answer: { type: Type.STRING }, number: { type: Type.INTEGER } } },
    } });
    assert.deepEqual(JSON.parse(answer.text), { answer: "mock", number: 42 });
  },
  async "countTokens"() {
    const count = await client.models.countTokens({ model, contents });
    assert.ok(count.totalTokens > 0);
  },
  async "models.list"() {
    const names = [];
    for await (const one of await client.models.list()) names.push(one.name);
    assert.ok(names.includes("models/gemini-4-argon"), names.join());
  },
  async "an error has its status"() {
    await assert.rejects(client.models.generateContent({ model: `${model};fail=429`, contents }),
      (e) => e instanceof ApiError && e.status === 429);
  },
  async "an error in the stream raises"() {
    const asked = { model: `${model};error-after=6`, contents };
    await assert.rejects(async () => gather(await client.models.generateContentStream(asked)), ApiError);
  },
  async "a stream that was cut raises"() {
    const asked = { model: `${model};cut-after=6`, contents };
    await assert.rejects(async () => gather(await client.models.generateContentStream(asked)), ApiError);
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
