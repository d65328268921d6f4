/**
 * A client that may do nothing but talk to its server: it has no files, no environment and no subprocess, and learns from its part of the embedded digits.
 *
 *     deno run --no-prompt --allow-net=127.0.0.1:9000 examples/deploy/client.ts ws://127.0.0.1:9000/federation 1/2
 *     deno run --no-prompt --allow-net=127.0.0.1:9000 examples/deploy/client.ts ws://127.0.0.1:9000/federation 2/2
 *
 * A third argument is the token, where the server asks for one.
 */
import { ClientSyncTop, loadDataset, NativeSGDHandler, partitionIid } from "@fedlab/core";

const [serverAddr = "ws://127.0.0.1:9000/federation", part = "1/1", token] = Deno.args;
const [rank = 1, parts = 1] = part.split("/").map(Number);

const { train, test = train } = await loadDataset("digits");
const rows = partitionIid(train, parts, { seed: 1 })[rank - 1];
if (rows === undefined) {
  console.error(`Expected a part such as 1/2, got ${part}`);
  Deno.exit(2);
}
await using handler = new NativeSGDHandler({ data: train.select(rows), testData: test });
const client = new ClientSyncTop(handler, {
  serverAddr,
  distBackend: "websocket",
  rank,
  ...(token !== undefined && { credential: { kind: "token", token } }),
  logger: console,
});
try {
  await client.run();
} catch {
  // The log, on standard error, has said why in a line: that the run is over, or that the token is not the server's.
  Deno.exitCode = 1;
}
