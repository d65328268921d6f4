/**
 * Species of penguins, with names and probabilities, from a trained model.
 *
 *     deno run --allow-read --allow-write=penguins.safetensors examples/predict.ts examples/own_data
 *
 * The first part stands for a run and writes the one file of its model. The second part needs that
 * file alone. `deno task predict --model penguins.safetensors --data FILE.csv --out FILE.csv` does
 * the same for a table.
 */

import { mlp, NativeSGDHandler } from "../mod.ts";
import { openData } from "../src/data/mod.ts";
import { Predictor } from "../src/predict/mod.ts";
import { writeModel } from "../src/train/mod.ts";

const [folder] = Deno.args;
if (folder === undefined) {
  console.error("Usage: predict.ts FOLDER");
  Deno.exit(2);
}
const FILE = "penguins.safetensors";

const source = await openData(`${folder}/biscoe.csv`, { standardize: true });
const { train } = await source.arrange(undefined);
const { schema } = train;
const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
await using handler = new NativeSGDHandler({ data: train });
await handler.setUp(model, schema);
await handler.train({
  ...{ round: 1, epochs: 20, batchSize: 10, learningRate: 0.1, momentum: 0, weightDecay: 0 },
  ...{ keepMomentum: false, seed: 1, rank: 1 },
});
const { manifest, parameters } = handler;
await writeModel(FILE, { manifest, parameters, model, ...(schema && { schema }) });

await using predictor = await Predictor.load(FILE);
const predictions = await predictor.predict([
  { body_mass_g: 3500, bill_length_mm: 38, bill_depth_mm: 18.5, flipper_length_mm: 180 },
  { body_mass_g: 5400, bill_length_mm: 48, bill_depth_mm: 14.5, flipper_length_mm: 220 },
]);
for (const prediction of predictions) {
  const { class: name = "", probabilities = {} } = prediction ?? {};
  console.log(`${name} ${((probabilities[name] ?? 0) * 100).toFixed(1)}%`);
}
