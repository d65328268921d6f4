import { ClientSGDHandler, Dataset, initialParameters } from "./mod.ts";
import { modelEvaluator } from "./mod.ts";
import { sequential } from "./tests/helpers/layer_models.ts";
const PLAN = { round: 1, epochs: 1, batchSize: 4, learningRate: 0.5, momentum: 0, weightDecay: 0, keepMomentum: false, seed: 3, rank: 1 };
async function go(what: string, make: () => [any, any]) {
  const out: string[] = [];
  for (const engine of ["native", "tfjs"] as const) {
    try {
      const [model, data] = make();
      await using h = new ClientSGDHandler({ data, engine });
      await h.setUp(model);
      const { parameters } = await initialParameters(model, 1);
      h.parameters = parameters;
      const r = await h.train(PLAN as any);
      const e = await h.evaluateOn(data);
      const p = h.parameters;
      out.push(`${engine}: loss ${r.loss} steps ${r.steps} n ${r.numSamples} eval ${e.loss} ${e.accuracy} n=${e.numSamples} p ${p.reduce((a: number, b: number) => a + Math.abs(b), 0).toFixed(4)} nonfinite ${p.some((v: number) => !Number.isFinite(v))}`);
    } catch (e) { out.push(`${engine}: ${(e as Error).name}: ${(e as Error).message}`); }
  }
  console.log(`== ${what}\n   ${out.join("\n   ")}`);
}
const lm = (steps: number, cell = "LSTM", more = {}) => sequential([steps], [
  ["Embedding", { input_dim: 6, output_dim: 3, mask_zero: true }],
  [cell, { units: 4, return_sequences: true, ...more }],
  ["Dense", { units: 6 }],
]);
const cls = (steps: number, cell = "LSTM", layers: any[] = []) => sequential([steps], [
  ["Embedding", { input_dim: 6, output_dim: 3, mask_zero: true }],
  [cell, { units: 4 }],
  ...layers,
  ["Dense", { units: 2 }],
]);
const ds = (f: number[][], t: number[][]) => new Dataset(Float32Array.from(f.flat()), Int32Array.from(t.flat()), [f[0]!.length], 6, { outputs: t[0]!.length });
const ds1 = (f: number[][], t: number[]) => new Dataset(Float32Array.from(f.flat()), Int32Array.from(t), [f[0]!.length], 2);
for (const cell of ["LSTM", "GRU", "SimpleRNN"]) {
  await go(`${cell} length 1 steps`, () => [lm(1, cell), ds([[1], [2], [3]], [[2], [3], [4]])]);
  await go(`${cell} whole batch padded with labels -1`, () => [lm(3, cell), ds([[0, 0, 0], [0, 0, 0]], [[-1, -1, -1], [-1, -1, -1]])]);
  await go(`${cell} some rows padded`, () => [lm(3, cell), ds([[0, 0, 0], [1, 2, 0], [0,0,0], [0,0,0], [0,0,0]], [[-1, -1, -1], [2, 3, -1], [-1,-1,-1],[-1,-1,-1],[-1,-1,-1]])]);
  await go(`${cell} labels for padded steps`, () => [lm(3, cell), ds([[1, 2, 0], [1, 2, 3]], [[2, 3, 4], [2, 3, 4]])]);
  await go(`${cell} gap in mask`, () => [lm(3, cell), ds([[1, 0, 2], [0, 2, 3]], [[2, 3, 4], [2, 3, 4]])]);
  await go(`${cell} last all masked`, () => [cls(3, cell), ds1([[0, 0, 0], [1, 2, 0]], [0, 1])]);
}
await go("mean pool all masked", () => [sequential([3], [["Embedding", { input_dim: 6, output_dim: 3, mask_zero: true }], ["GlobalAveragePooling1D", {}], ["Dense", { units: 2 }]]), ds1([[0, 0, 0], [1, 2, 0]], [0, 1])]);
await go("other label steps", () => [lm(3), ds([[1, 2, 3]], [[2, 3]])]);
await go("one label for step model", () => [lm(3), ds1([[1, 2, 3]], [1])]);
await go("steps labels for class model", () => [cls(3), ds([[1, 2, 3]], [[2, 3, 1]])]);
await go("symbol above vocabulary", () => [lm(3), ds([[1, 2, 9]], [[2, 3, 4]])]);
await go("negative symbol", () => [lm(3), ds([[1, -2, 3]], [[2, 3, 4]])]);
await go("fraction", () => [lm(3), ds([[1, 2.5, 3]], [[2, 3, 4]])]);
await go("NaN", () => [lm(3), ds([[1, NaN, 3]], [[2, 3, 4]])]);
await go("label above", () => [lm(3), ds([[1, 2, 3]], [[2, 3, 9]])]);
await go("label -2", () => [lm(3), ds([[1, 2, 3]], [[2, 3, -2]])]);
await go("other length", () => [lm(4), ds([[1, 2, 3]], [[2, 3, 4]])]);
await go("units 5 != classes 6", () => [sequential([3], [["Embedding", { input_dim: 6, output_dim: 3 }], ["LSTM", { units: 4, return_sequences: true }], ["Dense", { units: 5 }]]), ds([[1, 2, 3]], [[2, 3, 4]])]);
