// The official client in Node: node transfers.mjs PACKAGES SERVER REGISTRY FILE DIGEST. Prints JSON.

import { createRequire } from "node:module";
import { createReadStream } from "node:fs";
import path from "node:path";
import { Readable } from "node:stream";

const [packages, server, registry, file, digest] = process.argv.slice(2);
const load = createRequire(path.join(packages, "node_modules", "x"));
const { Ollama } = load("ollama");

const client = new Ollama({ host: server });
const name = `${registry}/library/from-node`;
const digests = async () =>
  Object.fromEntries((await client.list()).models.map((one) => [one.name, one.digest]));
const told = async (stream) => {
  const lines = [];
  for await (const line of stream) lines.push(line);
  return lines;
};

const said = {};
said.copied = await client.copy({ source: "guide", destination: name });
const before = await digests();
said.pushed = await told(await client.push({ model: name, insecure: true, stream: true }));
said.deleted = await client.delete({ model: name });
said.listed = await digests();
said.pulled = await told(await client.pull({ model: name, insecure: true, stream: true }));
said.again = await client.pull({ model: name, insecure: true });
const after = await digests();
said.same = before[`${name}:latest`] === after[`${name}:latest`];
said.shown = (await client.show({ model: name })).details;
await client.delete({ model: name });
// The client cannot send blobs: newer ones do not try, older ones send "{}" in their place.
const url = `${server}/api/blobs/${digest}`;
const send = () => fetch(url, { method: "POST", body: Readable.toWeb(createReadStream(file)), duplex: "half" });
said.blob = [(await fetch(url, { method: "HEAD" })).status, (await send()).status, (await send()).status];
said.refused = await client
  .pull({ model: `${registry}/library/nothing`, insecure: true })
  .catch((error) => `${error.status_code} ${error.message}`);
said.refusedStream = await told(
  await client.pull({ model: `${registry}/library/nothing`, insecure: true, stream: true }),
).catch((error) => error.message);
const stream = await client.pull({ model: name, insecure: true, stream: true });
stream.abort();
said.aborted = await told(stream).catch((error) => error.name);
console.log(JSON.stringify(said));
