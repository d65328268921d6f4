/**
 * A client that may do nothing but talk to its server: it has no files and no subprocess, and learns from its part of the embedded digits.
 *
 *     deno run --no-prompt --allow-net=127.0.0.1:9000 examples/deploy/client.ts ws://127.0.0.1:9000/federation 1/2
 *     deno run --no-prompt --allow-net=127.0.0.1:9000 examples/deploy/client.ts ws://127.0.0.1:9000/federation 2/2
 *
 * Where the server asks for a token it is taken from the environment variable FEDLAB_TOKEN, which takes `--allow-env=FEDLAB_TOKEN`: arguments are seen by
 * everyone on the machine.
 */
import {
  ClientSyncTop,
  loadDataset,
  NativeSGDHandler,
  partitionIid,
  tokenFromEnv,
} from "@fedlab/core";

const [serverAddr = "ws://127.0.0.1:9000/federation", part = "1/1", ...others] = Deno.args;
if (others.length > 0) {
  console.error("Expected an address and a part such as 1/2; the token is read from FEDLAB_TOKEN");
  Deno.exit(2);
}
const token = tokenFromEnv();
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
