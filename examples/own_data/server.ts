/**
 * Three islands of the Palmer Archipelago train a model that classifies penguins. Each keeps its
 * measurements private.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/own_data/server.ts 127.0.0.1:9000
 *
 * and the clients at the top of client.ts, each in its own terminal. The server has no data, so the
 * clients evaluate the model, on rows that they hold out.
 */
import { type ModelDescription, ServerSyncTop, SyncParameterServerHandler } from "@fedlab/core";
import { initialParameters } from "@fedlab/core";

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
const handler = new SyncParameterServerHandler({
  ...await initialParameters(model, 1),
  model,
  plan: { epochs: 5, learningRate: 0.05 },
});
const { final } = await new ServerSyncTop(handler, { listen, worldSize: 4, rounds: 20 }).run();
console.log(`accuracy ${((final?.accuracy ?? 0) * 100).toFixed(1)}% on ${final?.samples} penguins`);
