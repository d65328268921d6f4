/**
 * A whole federation in one program: a server and four clients train on handwritten digits.
 *
 *     deno run --allow-read --allow-write=digits.safetensors examples/twenty_lines.ts
 *
 * Here `@fedlab/core` is this checkout; elsewhere add it with `deno add jsr:@fedlab/core`.
 */
import { ClientSyncTop, loadDataset, mlp, partitionIid, ServerSyncTop } from "@fedlab/core";
import { silentLogger, SyncParameterServerHandler, writeSafetensors } from "@fedlab/core";
import { ClientSGDHandler, initialParameters, modelEvaluator } from "@fedlab/core";

const { train, test = train } = await loadDataset("digits");
const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
const { evaluate: evaluator } = await modelEvaluator(model, test);
const initial = await initialParameters(model, 1);
const plan = { epochs: 2, batchSize: 10, learningRate: 0.1 };
const handler = new SyncParameterServerHandler({ ...initial, model, evaluator, plan, seed: 1 });

const group = { distBackend: "memory", logger: silentLogger } as const;
const server = new ServerSyncTop(handler, {
  ...group,
  listen: "digits",
  worldSize: 5, // the server and four clients
  rounds: 10,
  onEvent(event) {
    if (event.type !== "round-ended") return;
    const { round, accuracy = 0 } = event.report;
    console.log(`round ${round}: accuracy ${(accuracy * 100).toFixed(1)}%`);
  },
});
const clients = partitionIid(train, 4, { seed: 1 }).map((rows, i) => {
  const learner = new ClientSGDHandler({ data: train.select(rows) });
  return new ClientSyncTop(learner, { ...group, serverAddr: "digits", rank: i + 1 });
});

await Promise.all([server, ...clients].map((topology) => topology.run()));
await writeSafetensors("digits.safetensors", handler);
