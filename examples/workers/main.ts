/**
 * A server and four clients over TCP, each client in its own worker and therefore on its own core.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/workers/main.ts 127.0.0.1:9000
 */
import { loadDataset, mlp, ServerSyncTop, SyncParameterServerHandler } from "@fedlab/core";
import type { ClientModuleOptions } from "@fedlab/core/sim";
import { initialParameters, modelEvaluator } from "@fedlab/core";
import { joinAll, spawn } from "@fedlab/core/worker";

const [address = "127.0.0.1:9000"] = Deno.args;
const { train, test = train } = await loadDataset("digits");
const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
const initial = await initialParameters(model, 1);
const { evaluate: evaluator } = await modelEvaluator(model, test);
const handler = new SyncParameterServerHandler({ ...initial, model, evaluator });
const server = new ServerSyncTop(handler, { listen: address, worldSize: 5, rounds: 10 });

const clients = [1, 2, 3, 4].map((rank) =>
  spawn<ClientModuleOptions, void>(new URL("./client.ts", import.meta.url), {
    serverAddr: address,
    rank,
    log: { console: false },
  })
);
for (const client of clients) client.start();

const [{ final }] = await Promise.all([server.run(), joinAll(clients)]);
console.log(`accuracy ${((final?.accuracy ?? 0) * 100).toFixed(1)}%`);
console.log(`exit codes ${clients.map((client) => client.exitCode)}`);
