import { readGraph } from "./src/engine/graph/read_graph.ts";
import { sequential } from "./tests/helpers/layer_models.ts";
import { createTrainer } from "./src/engine/create_trainer.ts";
import { Dataset, ClientSGDHandler } from "./mod.ts";
const E = ["Embedding", { input_dim: 6, output_dim: 4, mask_zero: true }] as const;
const En = ["Embedding", { input_dim: 6, output_dim: 4 }] as const;
const tests: Record<string, any[]> = {
  bidirectional: [E, ["Bidirectional", { layer: { class_name: "LSTM", config: { units: 3 } }, merge_mode: "concat" }], ["Dense", { units: 2 }]],
  multihead: [E, ["MultiHeadAttention", { num_heads: 2, key_dim: 2 }], ["Dense", { units: 2 }]],
  attention: [E, ["Attention", {}], ["Dense", { units: 2 }]],
  timedistributed: [E, ["TimeDistributed", { layer: { class_name: "Dense", config: { units: 2 } } }]],
  convlstm: [E, ["ConvLSTM2D", { filters: 2, kernel_size: [2, 2] }]],
  rnncell: [E, ["RNN", { cell: { class_name: "LSTMCell", config: { units: 3 } } }]],
  cudnn: [E, ["CuDNNLSTM", { units: 3 }]],
  masking: [["Masking", { mask_value: 0 }], ["LSTM", { units: 3 }]],
  spatialdropout: [En, ["SpatialDropout1D", { rate: 0.1 }], ["LSTM", { units: 3 }]],
  repeat: [En, ["LSTM", { units: 3 }], ["RepeatVector", { n: 3 }]],
  stateful: [En, ["LSTM", { units: 3, stateful: true }]],
  dropout: [En, ["LSTM", { units: 3, dropout: 0.2 }]],
  recdropout: [En, ["LSTM", { units: 3, recurrent_dropout: 0.2 }]],
  act: [En, ["LSTM", { units: 3, activation: "relu" }]],
  maxpool1d: [En, ["MaxPooling1D", {}], ["Flatten", {}], ["Dense", { units: 2 }]],
  globalmax: [En, ["GlobalMaxPooling1D", {}], ["Dense", { units: 2 }]],
  flattenmask: [E, ["Flatten", {}], ["Dense", { units: 2 }]],
  convmask: [E, ["Conv1D", { filters: 3, kernel_size: 2 }], ["GlobalAveragePooling1D", {}], ["Dense", { units: 2 }]],
  dot: [En, ["Concatenate", {}]],
  unitszero: [En, ["LSTM", { units: 0 }]],
  lstm2d: [["LSTM", { units: 3 }]],
};
for (const [name, layers] of Object.entries(tests)) {
  for (const engine of ["native", "auto"] as const) {
    try {
      const model = sequential([3], layers);
      const data = new Dataset(new Float32Array([1, 2, 3, 1, 2, 0]), new Int32Array([0, 1]), [3], 2);
      await using h = new ClientSGDHandler({ data, engine, logger: { warn: (m: string) => console.log("   warn", m) } as any });
      await h.setUp(model);
      console.log(`${name} ${engine}: ok`);
    } catch (e) { console.log(`${name} ${engine}: ${(e as Error).name}: ${(e as Error).message}`); }
  }
}
