// Every method of the official client in Node: node methods.mjs PACKAGES SERVER TOKEN. Prints JSON.

import { createRequire } from "node:module";
import path from "node:path";

const [packages, server, token] = process.argv.slice(2);
const load = createRequire(path.join(packages, "node_modules", "x"));
const { Ollama } = load("ollama");

const headers = token ? { Authorization: `Bearer ${token}` } : {};
const client = new Ollama({ host: server, headers });
const options = { temperature: 0, num_predict: 100 };
const question = "How do I pull a model?";
const asking = (content) => [{ role: "user", content }];
const tool = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Get the weather for a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string", description: "The name of the city" } },
      required: ["city"],
    },
  },
};
const person = {
  type: "object",
  properties: { name: { type: "string", maxLength: 8 }, age: { type: "integer" } },
  required: ["name", "age"],
};
const told = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
};
const failure = (asked) => asked.then(told).catch((error) => [error.status_code, error.message]);
const names = async (listed) => (await listed).models.map((one) => one.name);

const said = {};

// generate
said.generated = await client.generate({ model: "guide", prompt: question, options });
let parts = await told(await client.generate({ model: "guide", prompt: question, options, stream: true }));
said.generatedStream = { text: parts.map((one) => one.response).join(""), last: parts.at(-1) };
const object = await client.generate({ model: "guide", prompt: "Ann is 30.", format: person, options });
said.object = JSON.parse(object.response);
const gap = { model: "guide", prompt: "def add(a, b):\n    return ", suffix: "\n", options };
said.infilled = (await client.generate(gap)).response;
said.loaded = (await client.generate({ model: "guide" })).done_reason;
said.unknown = await failure(client.generate({ model: "nope", prompt: "x" }));
said.unknownStream = await failure(client.generate({ model: "nope", prompt: "x", stream: true }));

// chat
said.chatted = await client.chat({ model: "guide", messages: asking(question), options });
parts = await told(await client.chat({ model: "guide", messages: asking(question), options, stream: true }));
said.chattedStream = { text: parts.map((one) => one.message.content).join(""), last: parts.at(-1) };
const messages = asking("What is the weather in Paris?");
const call = (await client.chat({ model: "guide", messages, tools: [tool], options })).message;
said.called = call.tool_calls;
parts = await told(await client.chat({ model: "guide", messages, tools: [tool], options, stream: true }));
said.calledStream = parts.flatMap((one) => one.message.tool_calls ?? []);
messages.push(call, { role: "tool", tool_name: "get_weather", content: "14 degrees" });
said.answered = (await client.chat({ model: "guide", messages, tools: [tool], options })).message;
const thought = { model: "guide:think", messages: asking(question), think: true };
said.thought = (await client.chat(thought)).message;
said.refused = await failure(client.chat({ ...thought, model: "guide" }));

// embed
said.embedded = await client.embed({ model: "guide", input: ["a", "b"], dimensions: 16 });
said.embedding = (await client.embeddings({ model: "guide", prompt: "a" })).embedding;

// models
said.version = await client.version();
said.listed = await names(client.list());
said.running = await names(client.ps());
said.shown = await client.show({ model: "guide" });
const made = { model: "from-node", from: "guide", system: "Be brief.", parameters: { temperature: 0 } };
said.created = (await told(await client.create({ ...made, stream: true }))).at(-1);
said.createdAgain = await client.create(made);
said.made = (await client.show({ model: "from-node" })).system;
said.copied = await client.copy({ source: "from-node", destination: "also-from-node" });
said.listedThen = await names(client.list());
said.deleted = [
  await client.delete({ model: "from-node" }),
  await client.delete({ model: "also-from-node" }),
];
said.listedLast = await names(client.list());
said.deletedTwice = await client
  .delete({ model: "from-node" })
  .catch((error) => [error.status_code, error.message]);

// abort: the server has one slot, so that the last answer would wait for the others for minutes.
const endless = { model: "endless", prompt: "x", options: { num_ctx: 32768 } };
const left = [];
for (const ask of [
  () => client.generate({ ...endless, stream: true }),
  () => client.chat({ ...endless, messages: asking("x"), stream: true }),
]) {
  const stream = await ask();
  await stream[Symbol.asyncIterator]().next();
  stream.abort();
  left.push(await told(stream).then(() => "ended", (error) => error.name));
}
const stream = await client.generate({ ...endless, stream: true });
const reading = told(stream).then(() => "ended", (error) => error.name);
client.abort();
left.push(await reading);
said.left = left;
said.after = (await client.generate({ ...endless, options: { num_ctx: 32768, num_predict: 2 } })).eval_count;

console.log(JSON.stringify(said));
