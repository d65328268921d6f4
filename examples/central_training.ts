/**
 * Local training alone, without a federation: one epoch over all of the data, on either engine.
 *
 *     deno run --allow-read --allow-env=FEDLAB_DATA examples/central_training.ts native cnn digits
 *
 * `native` or `tfjs` is the engine; `cnn`, `2nn`, `mlp` or `lr` the model; `digits`, which is embedded, or `mnist` the data,
 * whose four files are in `mnist` under the folder that FEDLAB_DATA names, `../shared/data` by default.
 */

import { loadDataset, modelByName } from "../mod.ts";
import { ClientSGDHandler } from "../src/train/tfjs/mod.ts";

const [engine = "native", model = "cnn", name = "digits"] = Deno.args;
if (engine !== "native" && engine !== "tfjs") {
  throw new RangeError(`Cannot train: expected the engine native or tfjs, got ${engine}`);
}
const dataDir = Deno.env.get("FEDLAB_DATA") ?? "../shared/data";
const { train, test } = await loadDataset(name, { dataDir });

await using handler = new ClientSGDHandler({
  data: train,
  ...(test && { testData: test }),
  engine,
});
await handler.setUp(
  modelByName(model, { inputShape: train.shape, numClasses: train.numClasses }),
);
const started = performance.now();
const { steps, loss } = await handler.train({
  round: 1,
  epochs: 1,
  batchSize: 10,
  learningRate: 0.1,
  momentum: 0,
  weightDecay: 0,
  keepMomentum: false,
  seed: 1,
  rank: 1,
});
const seconds = (performance.now() - started) / 1000;
const { accuracy = 0 } = await handler.evaluate();
console.log(
  `${engine}: ${steps} steps in ${seconds.toFixed(1)} s, training loss ${loss.toFixed(3)}, ` +
    `test accuracy ${(accuracy * 100).toFixed(2)}%`,
);
