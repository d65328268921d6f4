// deno-fmt-ignore-file
// Written by tests/structure/main.ts from the cells of examples/notebook.ipynb.
const shown: unknown[] = [];
async function show(value: object | undefined): Promise<void> {
  const media = Reflect.get(Object(value), Symbol.for("Jupyter.display"));
  shown.push(await media?.call(value) ?? { "text/plain": "" });
}
import { digits, trainTestSplit } from "@fedlab/core";

const { train, test } = trainTestSplit(await digits(), { seed: 1, testFraction: 0.2 });
await show(train);
await show(train.schema);
import { partition } from "@fedlab/core";

const parts = partition("dirichlet:0.3", train, { parts: 10, seed: 1 });
await show(parts);
await show(partition("iid", train, { parts: 10, seed: 1 }));
import { mlp } from "@fedlab/core";

const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
await show(model);
import {
  FedAvg,
  initialParameters,
  Simulation,
  type Strategy,
  SyncParameterServerHandler,
} from "@fedlab/core";

async function simulate(strategy: Strategy) {
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, 1),
    model,
    strategy,
    fraction: 1,
    plan: { epochs: 2, batchSize: 10, learningRate: 0.05 },
    seed: 1,
  });
  const report = await new Simulation(handler, { train, test, parts, rounds: 5 }).run();
  return { handler, report };
}

const averaging = await simulate(new FedAvg());
await show(averaging.report);
import { curves } from "@fedlab/core/notebook";

await show(curves({ FedAvg: averaging.report }, { metric: "loss", over: "bytes" }));
import { Scaffold } from "@fedlab/core";

const corrected = await simulate(new Scaffold());
await show(curves({ FedAvg: averaging.report, SCAFFOLD: corrected.report }));
import { confusionMatrix } from "@fedlab/core/notebook";

await show(confusionMatrix(averaging.report));
import { Predictor } from "@fedlab/core/predict";

const { manifest, parameters } = averaging.handler;
const predictor = await Predictor.of({
  manifest,
  parameters,
  model,
  metadata: {},
  ...(train.schema && { schema: train.schema }),
});
const predictions = await predictor.predict(test.select([0, 1, 2, 3, 4, 5, 6, 7]));
await show(predictions);
console.log(JSON.stringify(shown));
