import { sequential } from "./tests/helpers/layer_models.ts";
import { Dataset, ClientSGDHandler, initialParameters } from "./mod.ts";
const E = ["Embedding", { input_dim: 6, output_dim: 4, mask_zero: true }] as const;
const PLAN = { round: 1, epochs: 1, batchSize: 4, learningRate: 0.5, momentum: 0, weightDecay: 0, keepMomentum: false, seed: 3, rank: 1 };
const tests: Record<string, any[]> = {
  bidirectional: [E, ["Bidirectional", { layer: { class_name: "LSTM", config: { units: 3 } }, merge_mode: "concat" }], ["Dense", { units: 2 }]],
  flattenmask: [E, ["Flatten", {}], ["Dense", { units: 2 }]],
  convmask: [E, ["Conv1D", { filters: 3, kernel_size: 2 }], ["GlobalAveragePooling1D", {}], ["Dense", { units: 2 }]],
  maxmask: [E, ["GlobalMaxPooling1D", {}], ["Dense", { units: 2 }]],
  dropmask: [E, ["LSTM", { units: 3, return_sequences: true }], ["Reshape", { target_shape: [9] }], ["Dense", { units: 2 }]],
};
for (const [name, layers] of Object.entries(tests)) {
  for (const [k, f] of Object.entries({ a: [1, 2, 3, 1, 2, 0], b: [1, 2, 3, 1, 2, 4] })) {
    try {
      const model = sequential([3], layers);
      const data = new Dataset(new Float32Array(f), new Int32Array([0, 1]), [3], 2);
      await using h = new ClientSGDHandler({ data, engine: "tfjs" });
      await h.setUp(model);
      h.parameters = (await initialParameters(model, 1)).parameters;
      const r = await h.train(PLAN as any);
      console.log(`${name} ${k}: ${r.loss}`);
    } catch (e) { console.log(`${name} ${k}: ${(e as Error).name}: ${(e as Error).message}`); }
  }
}
