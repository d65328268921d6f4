/**
 * Server with a model of three numbers. It needs neither TensorFlow.js nor a model description,
 * because every client has the model itself.
 *
 *     deno run --allow-net=127.0.0.1 --allow-write=log examples/own_handler/server.ts 127.0.0.1:9000
 *
 * and the clients at the top of client.ts, each in its own terminal.
 */
import { Manifest, ServerSyncTop, SyncParameterServerHandler } from "@fedlab/core";

const [listen = "127.0.0.1:9000"] = Deno.args;
const manifest = Manifest.of([{ name: "slopes", shape: [2] }, { name: "intercept", shape: [1] }]);
const handler = new SyncParameterServerHandler({
  manifest,
  parameters: new Float32Array(manifest.length),
  plan: { epochs: 5, learningRate: 0.05 },
});
await new ServerSyncTop(handler, { listen, worldSize: 3, rounds: 10 }).run();

const [slopes, intercept] = manifest.views(handler.parameters).map((view) =>
  Array.from(view, (value) => value.toFixed(1))
);
console.log(`slopes ${slopes}, intercept ${intercept}`);
