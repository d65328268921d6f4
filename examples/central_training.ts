/**
 * Local training without a federation: one epoch over all of the data, on either engine.
 *
 *     deno run --allow-read examples/central_training.ts native cnn digits
 *
 * The arguments are the engine (`native` or `tfjs`), the model (`cnn`, `2nn`, `mlp` or `lr`), and
 * the data: the bundled `digits`, another named data set such as `mnist`, or a path. A named data
 * set is in the folder given by FEDLAB_DATA, otherwise in the user's cache folder. It needs
 * `--allow-env=FEDLAB_DATA,XDG_CACHE_HOME,HOME`, and `--allow-net --allow-write` to download it.
 */

import { loadDataset, modelByName } from "../mod.ts";
import { ClientSGDHandler } from "../mod.ts";

const [engine = "native", model = "cnn", name = "digits"] = Deno.args;
if (engine !== "native" && engine !== "tfjs") {
  console.error("Usage: central_training.ts [native|tfjs [cnn|2nn|mlp|lr [DATA]]]");
  Deno.exit(2);
}
const { train, test } = await loadDataset(name);

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
