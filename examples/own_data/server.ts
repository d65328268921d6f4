/**
 * Three islands of the Palmer Archipelago train a model that classifies penguins. Each keeps its
 * measurements private.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/own_data/server.ts 127.0.0.1:9000
 *
 * and the clients at the top of client.ts, each in its own terminal. The server has no data, so the
 * clients evaluate the model, on rows that they hold out.
 */
import {
  initialParameters,
  type ModelDescription,
  ServerSyncTop,
  SyncParameterServerHandler,
} from "@fedlab/core";
import type { Schema } from "@fedlab/core/data";

const [listen = "127.0.0.1:9000"] = Deno.args;
/** Model in the format of Keras and TensorFlow.js; the server sends it to the clients. */
const model: ModelDescription = {
  format: "tfjs-layers",
  loss: "softmaxCrossEntropy",
  topology: {
    class_name: "Sequential",
    config: {
      name: "penguins",
      layers: [
        {
          class_name: "Dense",
          config: { name: "hidden", units: 8, activation: "tanh", batch_input_shape: [null, 4] },
        },
        { class_name: "Dense", config: { name: "logits", units: 3 } },
      ],
    },
  },
};

/** Columns of the clients' tables, with the scales that biologists would expect, and species. */
const schema: Schema = {
  format: "fedlab.schema/1",
  inputs: [
    { name: "bill_length_mm", kind: "number", standardize: { mean: 44, deviation: 5 } },
    { name: "bill_depth_mm", kind: "number", standardize: { mean: 17, deviation: 2 } },
    { name: "flipper_length_mm", kind: "number", standardize: { mean: 200, deviation: 14 } },
    { name: "body_mass_g", kind: "number", standardize: { mean: 4200, deviation: 800 } },
  ],
  target: {
    name: "species",
    task: "classification",
    classes: ["Adelie", "Chinstrap", "Gentoo"],
  },
};
const handler = new SyncParameterServerHandler({
  ...await initialParameters(model, 1),
  model,
  schema,
  plan: { epochs: 5, learningRate: 0.05 },
});
const { final } = await new ServerSyncTop(handler, { listen, worldSize: 4, rounds: 20 }).run();
console.log(`accuracy ${((final?.accuracy ?? 0) * 100).toFixed(1)}% on ${final?.samples} penguins`);
