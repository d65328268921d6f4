/**
 * Client on another machine: it verifies the server's certificate and proves that it knows the
 * token.
 *
 *     deno run --allow-net=127.0.0.1:9000 --allow-read --allow-write=log examples/two_machines/client.ts 127.0.0.1:9000 tests/fixtures/tls/ca.pem an-example-token-4f0c9e71b2d8 1
 *     deno run --allow-net=127.0.0.1:9000 --allow-read --allow-write=log examples/two_machines/client.ts 127.0.0.1:9000 tests/fixtures/tls/ca.pem an-example-token-4f0c9e71b2d8 2
 *
 * The arguments are the server's address, with the name in its certificate; the CA that signed the
 * certificate; the token; and the half of the digits that this client uses (1 or 2).
 */
import { ClientSyncTop, loadDataset, NativeSGDHandler, partitionIid } from "@fedlab/core";
import { tlsTransport } from "@fedlab/core/net";

const [serverAddr, ca, token, half = "1"] = Deno.args;
if (serverAddr === undefined || ca === undefined || token === undefined) {
  console.error("Usage: client.ts HOST:PORT CA.pem TOKEN [1|2]");
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
