import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { ClientSGDHandler, Dataset, Random } from "../../mod.ts";
import { isCausal, labelledSteps } from "../../src/engine/extent.ts";
import { readGraph } from "../../src/engine/graph/read_graph.ts";
import { initialVector } from "../../src/engine/initializers.ts";
import type { ModelDescription } from "../../src/train/handler.ts";
import { languageModel } from "../../src/train/mod.ts";
import type { TrainPlan } from "../../src/plan/train_plan.ts";
import { sequential } from "../helpers/layer_models.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("labelledSteps() finds the last step with a label of any row", () => {
  assertEquals(labelledSteps([1, -1, -1, 0, 2, -1], 2, 3), 2);
  assertEquals(labelledSteps([-1, -1, -1, -1, -1, 3], 2, 3), 3);
  assertEquals(labelledSteps([-1, -1], 1, 2), 1);
});

Deno.test("isCausal() is false for layers that need later steps, or have no steps", () => {
  const graph = (...layers: Parameters<typeof sequential>[1]) =>
    readGraph(sequential([6], [["Embedding", { input_dim: 9, output_dim: 4 }], ...layers]));
  const cell = { units: 4, return_sequences: true };
  const dense = ["Dense", { units: 9 }] as const;
  assertEquals(isCausal(graph(["LSTM", cell], ["Dropout", { rate: 0.5 }], [...dense])), true);
  assertEquals(isCausal(graph(["LSTM", { ...cell, go_backwards: true }], [...dense])), false);
  assertEquals(isCausal(graph(["LSTM", { units: 4 }], [...dense])), false);
  assertEquals(isCausal(graph(["Flatten"], [...dense])), false);
});

/** Sequences of a length, with room for more steps. */
function sequences(steps: number, length: number): Dataset {
  const random = new Random(5, "test"), rows = 12;
  const features = new Float32Array(rows * steps), labels = new Int32Array(rows * steps).fill(-1);
  for (let row = 0; row < rows; row++) {
    const own = 1 + row % length;
    for (let t = 0; t < own; t++) {
      features[row * steps + t] = 1 + random.below(8);
      labels[row * steps + t] = random.below(9);
    }
  }
  return new Dataset(features, labels, [steps], 9, { outputs: steps });
}

const PLAN: TrainPlan = {
  ...{ round: 1, epochs: 3, batchSize: 4, learningRate: 1, momentum: 0, weightDecay: 0 },
  ...{ keepMomentum: false, seed: 3, rank: 1 },
};

async function train(model: ModelDescription, data: Dataset, others: Dataset[] = []) {
  await using handler = new ClientSGDHandler({ data, engine: "native" });
  await handler.setUp(model);
  const start = initialVector(readGraph(model), 1);
  // What other batches leave behind does not matter.
  for (const other of others) await handler.evaluateOn(other);
  handler.parameters = start;
  const { loss } = await handler.train(PLAN);
  const { accuracy, metrics } = await handler.evaluateOn(data);
  return { loss, accuracy, logLoss: metrics?.logLoss, parameters: handler.parameters.slice() };
}

Deno.test("steps behind the last label of a batch change nothing, bit for bit", async () => {
  const layers = { symbols: 9, layers: 2, units: 8 };
  for (const more of [{}, { peepholes: true }, { cell: "gru" as const }]) {
    const short = await train(languageModel({ ...layers, ...more, steps: 5 }), sequences(5, 5));
    const model = languageModel({ ...layers, ...more, steps: 40 });
    const full = sequences(40, 40);
    const long = await train(model, sequences(40, 5), [full]);
    assertEquals(long, short);
    assert(long.parameters.every(Number.isFinite));
  }
});
