// The Responses API by the official package, whose stream helper raises on every slip.
import assert from "node:assert/strict";
import OpenAI from "openai";

const { BASE_URL, KEY, MODEL } = process.env;
const client = new OpenAI({ baseURL: BASE_URL, apiKey: KEY, maxRetries: 0 });
const tools = [{
  type: "function", name: "get_weather", description: "Tells the weather.", strict: false,
  parameters: { type: "object", properties: { city: { type: "string" } } },
}];

async function streamed(body) {
  const stream = client.responses.stream(body);
  let text = "";
  for await (const event of stream)
    if (event.type === "response.output_text.delta") text += event.delta;
  const final = await stream.finalResponse();
  assert.equal(final.status, "completed");
  assert.equal(final.output_text, text);
  return final;
}

const said = await streamed({ model: MODEL, input: "Say good morning" });
assert.ok(said.output_text.startsWith("The gateway relays"));

const input = [{ role: "user", content: "Weather in Oslo?" }];
const called = await streamed({ model: MODEL + ";tool=1", input, tools, store: false });
const call = called.output.find((item) => item.type === "function_call");
assert.equal(JSON.parse(call.arguments).city, "Oslo");

const again = await client.responses.create({
  model: MODEL, tools, store: false,
  input: [...input, ...called.output,
          { type: "function_call_output", call_id: call.call_id, output: "sun" }],
});
assert.ok(again.output_text);
