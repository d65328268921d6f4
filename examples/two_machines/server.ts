/**
 * Server for clients on other machines, with TLS and a shared token.
 *
 *     deno run --allow-net=127.0.0.1:9000 --allow-read --allow-write=log examples/two_machines/server.ts 127.0.0.1:9000 tests/fixtures/tls/server.pem tests/fixtures/tls/server.key an-example-token-4f0c9e71b2d8
 *
 * The arguments are the address to listen on (`0.0.0.0:9000` for all networks); the server's
 * certificate and its key, here those of the tests; and the token, of at least 16 characters. The
 * commands of the clients are at the top of client.ts.
 */
import { mlp, ServerSyncTop, SyncParameterServerHandler } from "@fedlab/core";
import { tlsTransport } from "@fedlab/core/net";
import { initialParameters } from "@fedlab/core";

const [listen, certificate = "", privateKey = "", token] = Deno.args;
if (listen === undefined || token === undefined) {
  console.error("Usage: server.ts HOST:PORT CERTIFICATE.pem KEY.pem TOKEN");
  Deno.exit(2);
}
const [cert, key] = await Promise.all(
  [certificate, privateKey].map((path) => Deno.readTextFile(path)),
);
const model = mlp({ inputShape: [8, 8, 1], numClasses: 10 });
const server = new ServerSyncTop(
  new SyncParameterServerHandler({ ...await initialParameters(model, 1), model }),
  {
    listen,
    worldSize: 3,
    rounds: 10,
    distBackend: tlsTransport({ cert: cert ?? "", key: key ?? "" }),
    gatekeeper: { kind: "token", token },
  },
);
const { final } = await server.run();
console.log(`accuracy ${((final?.accuracy ?? 0) * 100).toFixed(1)}%`);
