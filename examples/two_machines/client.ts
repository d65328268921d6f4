/**
 * A client on another machine than its server: it makes sure that the server is the right one, and proves that it knows the word.
 *
 *     deno run --allow-net=127.0.0.1:9000 --allow-read --allow-write=log examples/two_machines/client.ts 127.0.0.1:9000 tests/fixtures/tls/ca.pem a-long-word-that-nobody-guesses 1
 *     deno run --allow-net=127.0.0.1:9000 --allow-read --allow-write=log examples/two_machines/client.ts 127.0.0.1:9000 tests/fixtures/tls/ca.pem a-long-word-that-nobody-guesses 2
 *
 * The arguments are the server's address, by the name in its certificate; the CA that signed that; the word; and which half of the digits is this client's.
 */
import {
  ClientSyncTop,
  loadDataset,
  NativeSGDHandler,
  partitionIid,
  tlsTransport,
} from "@fedlab/core";

const [serverAddr, ca, token, half = "1"] = Deno.args;
if (serverAddr === undefined || ca === undefined || token === undefined) {
  console.error("Usage: client.ts HOST:PORT CA.pem WORD [1|2]");
  Deno.exit(2);
}
const { train, test = train } = await loadDataset("digits");
const rows = partitionIid(train, 2, { seed: 1 })[Number(half) - 1];
const handler = new NativeSGDHandler({ data: train, testData: test, ...(rows && { rows }) });
await new ClientSyncTop(handler, {
  serverAddr,
  rank: Number(half),
  distBackend: tlsTransport({ caCerts: [await Deno.readTextFile(ca)] }),
  credential: { kind: "token", token },
}).run();
