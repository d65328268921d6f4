/**
 * Client that can only connect to its server: it uses no files and no subprocess, and trains on its
 * part of the bundled digits.
 *
 *     deno run --no-prompt --allow-net=127.0.0.1:9000 examples/deploy/client.ts ws://127.0.0.1:9000/federation 1/2
 *     deno run --no-prompt --allow-net=127.0.0.1:9000 examples/deploy/client.ts ws://127.0.0.1:9000/federation 2/2
 *
 * If the server requires a token, the client reads it from the environment variable FEDLAB_TOKEN,
 * which needs `--allow-env=FEDLAB_TOKEN`. Arguments are visible to everyone on the machine.
 */
import { ClientSyncTop, loadDataset, NativeSGDHandler, partitionIid } from "@fedlab/core";
import { tokenFromEnv } from "@fedlab/core/auth";

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
  // Those of the smallest federation in which masks hide a client.
  secureMinMembers: 3,
  ...(token !== undefined && { credential: { kind: "token", token } }),
  logger: console,
});
try {
  await client.run();
} catch {
  // The log on standard error states the reason: the run is over, or the token is wrong.
  Deno.exitCode = 1;
}
