/**
 * Three islands of the Palmer Archipelago learn to tell their penguins apart; each keeps its measurements to itself.
 *
 *     deno run --allow-net=127.0.0.1 --allow-read --allow-write=log examples/own_data/server.ts 127.0.0.1:9000
 *
 * and, each in a terminal of its own, the clients at the top of client.ts. Nobody but they can evaluate: they do, on rows that they hold back.
 */
import { type ModelDescription, ServerSyncTop, SyncParameterServerHandler } from "@fedlab/core";
import { initialParameters } from "@fedlab/core/tfjs";

const [listen = "127.0.0.1:9000"] = Deno.args;
/** A model of one's own, as Keras and tfjs write theirs; the clients get it from here. */
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
