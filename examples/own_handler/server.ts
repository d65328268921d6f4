/**
 * Server with a model of three numbers. It needs neither TensorFlow.js nor a model description,
 * because every client has the model itself.
 *
 *     deno run --allow-net=127.0.0.1 --allow-write=log examples/own_handler/server.ts 127.0.0.1:9000
 *
 * The run begins when both clients of `client.ts` have joined.
 */
import { ServerSyncTop, SyncParameterServerHandler } from "@fedlab/core";
import { MANIFEST } from "./learner.ts";

const [listen = "127.0.0.1:9000"] = Deno.args;
const handler = new SyncParameterServerHandler({
  manifest: MANIFEST,
  parameters: new Float32Array(MANIFEST.length),
  plan: { epochs: 5, learningRate: 0.05 },
});
await new ServerSyncTop(handler, { listen, worldSize: 3, rounds: 10 }).run();

const [slopes, intercept] = MANIFEST.views(handler.parameters).map((view) =>
  Array.from(view, (value) => value.toFixed(1))
);
console.log(`slopes ${slopes}, intercept ${intercept}`);
