/** Server of two clients: deno task server 127.0.0.1:9000 */
import { ServerSyncTop, SyncParameterServerHandler } from "@fedlab/core";
import { MANIFEST } from "./learner.ts";

const [listen = "127.0.0.1:9000"] = Deno.args;
const handler = new SyncParameterServerHandler({
  manifest: MANIFEST,
  parameters: new Float32Array(MANIFEST.length),
  plan: { epochs: 5, learningRate: 0.05 },
});
await new ServerSyncTop(handler, { listen, worldSize: 3, rounds: 10 }).run();
console.log("slopes and intercept:", [...handler.parameters].map((value) => value.toFixed(2)));
