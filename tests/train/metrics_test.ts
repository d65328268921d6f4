import { assert, assertAlmostEquals, assertEquals } from "jsr:@std/assert@1.0.19";
import {
  Dataset,
  digits,
  type EvaluateResult,
  logisticRegression,
  type LossName,
  mlp,
  type ModelDescription,
  NativeSGDHandler,
  parseStrategy,
  partitionDirichlet,
  Random,
  Simulation,
  type SimulationOptions,
  SyncParameterServerHandler,
} from "../../mod.ts";
import type { ClientFigures } from "../../src/round/mod.ts";
import { summarizeClients } from "../../src/round/report/evaluation_summary.ts";
import { finalReport } from "../../src/round/report/make_report.ts";
import { ClientSGDHandler, initialParameters, modelEvaluator } from "../../mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** One dense layer, so that a test can compute its output. */
function linear(inputs: number, units: number, loss: LossName): ModelDescription {
  const activation = { binaryCrossentropy: "sigmoid", categoricalCrossentropy: "softmax" };
  return {
    format: "tfjs-layers",
    topology: {
      class_name: "Sequential",
      config: {
        name: "model",
        layers: [{
          class_name: "Dense",
          config: {
            name: "dense",
            units,
            activation: Object(activation)[loss] ?? "linear",
            batch_input_shape: [null, inputs],
          },
        }],
      },
    },
    loss,
  };
}

/**
 * What rows of the data must be counted as, of a linear model whose parameters are kernel and bias:
 * in float64, by definition.
 */
function expected(
  { features, labels, rowLength, numClasses }: Dataset,
  parameters: Float32Array,
  units: number,
  rows: readonly number[],
): number[][] {
  const counts = Array.from({ length: numClasses }, () => new Array(numClasses + 1).fill(0));
  for (const row of rows) {
    const output = Array.from({ length: units }, (_, unit) => {
      let sum = parameters[rowLength * units + unit] ?? 0;
      for (let i = 0; i < rowLength; i++) {
        sum += (features[row * rowLength + i] ?? 0) * (parameters[i * units + unit] ?? 0);
      }
      return sum;
    });
    const answer = units === 1 ? Number((output[0] ?? 0) > 0) : output.indexOf(Math.max(...output));
    const counted = counts[labels[row] ?? 0];
    if (counted) counted[Math.min(answer, numClasses)]++;
  }
  return counts.every((row) => row[numClasses] === 0)
    ? counts.map((row) => row.slice(0, numClasses))
    : counts;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Number of right answers. */
const diagonal = ({ confusion = [] }: EvaluateResult) =>
  sum(confusion.map((row, i) => row[i] ?? 0));

function drawn(rows: number, inputs: number, classes: number): Dataset {
  const random = new Random(4, "test");
  const features = Float32Array.from({ length: rows * inputs }, () => random.normal());
  const labels = Int32Array.from({ length: rows }, () => random.below(classes));
  return new Dataset(features, labels, [inputs], classes);
}

for (const engine of ["native", "tfjs"] as const) {
  for (
    const [loss, units, classes] of [
      ["softmaxCrossEntropy", 5, 5],
      ["softmaxCrossEntropy", 7, 4],
      ["categoricalCrossentropy", 3, 3],
      ["binaryCrossentropy", 1, 2],
    ] as const
  ) {
    Deno.test(`evaluateOn() on ${engine} counts what ${units} outputs of ${loss} took ${classes} classes for`, async () => {
      const data = drawn(1500, 6, classes);
      await using handler = new ClientSGDHandler({ data, engine, backend: "cpu" });
      await handler.setUp(linear(6, units, loss));
      const random = new Random(9, "test");
      const parameters = Float32Array.from({ length: 7 * units }, () => random.normal());
      handler.parameters = parameters;
      const all = Array.from({ length: data.length }, (_, i) => i);
      const whole = await handler.evaluateOn(data, { confusion: true });
      assertEquals(whole.confusion, expected(data, parameters, units, all));
      assertEquals(diagonal(whole), Math.round((whole.accuracy ?? 0) * data.length));

      const odd = Uint32Array.from(all.filter((row) => row % 2 === 1));
      const some = await handler.evaluateOn(data, {
        rows: odd,
        from: 10,
        to: 400,
        confusion: true,
      });
      assertEquals(some.confusion, expected(data, parameters, units, [...odd.slice(10, 400)]));

      // Of equal outputs the first is the answer, and a half is not above a half.
      handler.parameters = new Float32Array(parameters.length);
      const { confusion = [], accuracy } = await handler.evaluateOn(data, { confusion: true });
      assertEquals(sum(confusion.map(([first = 0]) => first)), data.length);
      assertEquals(confusion[0]?.[0], Math.round((accuracy ?? 0) * data.length));
    });
  }

  Deno.test(`evaluateOn() on ${engine} has no confusion unasked, nor of a model that does not classify`, async () => {
    const data = drawn(20, 3, 2);
    await using handler = new ClientSGDHandler({ data, engine, backend: "cpu" });
    await handler.setUp(linear(3, 2, "softmaxCrossEntropy"));
    assertEquals("confusion" in await handler.evaluate(), false);
    await handler.setUp(linear(3, 1, "meanSquaredError"));
    assertEquals("confusion" in await handler.evaluateOn(data, { confusion: true }), false);
  });
}

Deno.test("modelEvaluator() gives the confusion on request", async () => {
  const data = drawn(50, 4, 3);
  const model = logisticRegression({ inputShape: [4], numClasses: 3 });
  const { parameters } = await initialParameters(model, 1);
  await using asked = await modelEvaluator(model, data, { confusion: true });
  const result = await asked.evaluate(parameters);
  assertEquals(
    result.confusion?.map(sum),
    [0, 1, 2].map((label) => data.labels.filter((l) => l === label).length),
  );
  await using plain = await modelEvaluator(model, data);
  assertEquals("confusion" in await plain.evaluate(parameters), false);
});

Deno.test("finalReport() gives the accuracy of each class, and null for one without rows", () => {
  const confusion = [[3, 1, 0], [0, 0, 0], [1, 0, 1]];
  const final = finalReport({ numSamples: 6, loss: 1, accuracy: 4 / 6, confusion });
  assertEquals(final.perClass, [0.75, null, 0.5]);
  // A prediction of a class that the data do not have is wrong too.
  const wide = finalReport({
    numSamples: 4,
    loss: 1,
    accuracy: 0.5,
    confusion: [[1, 0, 1], [0, 1, 1]],
  });
  assertEquals(wide.perClass, [0.5, 0.5]);
});

Deno.test("summarizeClients() of 1 to 20 are the closed forms, each client counting once", () => {
  const results = Array.from({ length: 20 }, (_, i) => ({
    rank: i + 1,
    numSamples: 1 + i * i,
    loss: (i * 7) % 20 + 1,
    accuracy: ((i * 3) % 20 + 1) / 20,
  }));
  const { accuracy, loss } = summarizeClients(results).clients ?? {};
  const close = (
    actual: ClientFigures["accuracy"],
    unit: number,
    worstDecile: number,
  ) => {
    const wanted = {
      count: 20,
      mean: 10.5 * unit,
      variance: (20 ** 2 - 1) / 12 * unit ** 2,
      worstDecile,
      smallest: unit,
      median: 10.5 * unit,
      largest: 20 * unit,
    };
    for (const [name, value] of Object.entries(wanted)) {
      assertAlmostEquals(Object(actual)[name], value, 1e-12, name);
    }
  };
  close(accuracy, 1 / 20, 1.5 / 20);
  close(loss, 1, 19.5);
});

Deno.test("summarizeClients() of few clients take the worst one as the tenth, and are absent without clients", () => {
  const few =
    summarizeClients([3, 1, 2].map((loss, i) => ({ rank: i + 1, numSamples: 1, loss }))).clients;
  assertEquals(few, {
    byRank: [
      { rank: 1, samples: 1, loss: 3 },
      { rank: 2, samples: 1, loss: 1 },
      { rank: 3, samples: 1, loss: 2 },
    ],
    loss: {
      count: 3,
      mean: 2,
      variance: 2 / 3,
      worstDecile: 3,
      smallest: 1,
      median: 2,
      largest: 3,
    },
  });
  assertEquals(summarizeClients([]).clients, undefined);
});

const MODEL = mlp({ inputShape: [8, 8, 1], numClasses: 10, hiddenUnits: 12 });

async function simulated(strategy: string, options: Partial<SimulationOptions> = {}) {
  const all = await digits();
  const train = all.select(Array.from({ length: 500 }, (_, i) => i));
  // Several parts for the workers, of which the last one is small.
  const test = all.select(Array.from({ length: 2100 }, (_, i) => i % all.length));
  const parts = [...partitionDirichlet(train, 5, { alpha: 0.5, seed: 2 })];
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(MODEL, 3),
    model: MODEL,
    strategy: parseStrategy(strategy),
    seed: 3,
  });
  const report = await new Simulation(handler, { train, test, parts, rounds: 2, ...options }).run();
  return { report, handler, train, test, parts };
}

for (const workers of [1, 3]) {
  Deno.test(`Simulation with ${workers} workers reports the confusion that an evaluator finds`, async () => {
    const { report, handler, test } = await simulated("fedavg", { workers });
    await using evaluator = await modelEvaluator(MODEL, test, { confusion: true });
    const { confusion = [] } = await evaluator.evaluate(handler.parameters);
    assertEquals(report.final?.confusion, confusion);
    assertEquals(report.final?.perClass, confusion.map((row, i) => (row[i] ?? 0) / sum(row)));
    assertEquals("clients" in (report.final ?? {}), false);
    assertEquals("clients" in (report.rounds[0] ?? {}), false);
  });
}

Deno.test("Simulation with evaluateClients evaluates the global model on each client's data, besides the test data", async () => {
  const { report, handler, train, test, parts } = await simulated("fedavg", {
    evaluateClients: true,
    evaluateEvery: 2,
    workers: 2,
  });
  const accuracies: number[] = [];
  for (const rows of parts) {
    await using client = new NativeSGDHandler({ data: train, rows });
    await client.setUp(MODEL);
    client.parameters = handler.parameters;
    accuracies.push((await client.evaluate()).accuracy ?? NaN);
  }
  const { accuracy } = report.final?.clients ?? {};
  const mean = sum(accuracies) / 5;
  assertEquals(accuracy?.count, 5);
  assertEquals(accuracy?.smallest, Math.min(...accuracies));
  assertEquals(accuracy?.largest, Math.max(...accuracies));
  assertAlmostEquals(accuracy?.mean ?? NaN, mean, 1e-12);
  assertAlmostEquals(
    accuracy?.variance ?? NaN,
    sum(accuracies.map((a) => (a - mean) ** 2)) / 5,
    1e-12,
  );
  assertEquals(report.final?.samples, test.length);
  assertEquals(report.rounds.map(({ clients }) => clients?.loss?.count), [undefined, 5]);
});

Deno.test("Simulation with evaluateClients evaluates the clients' own models if the strategy has them", async () => {
  const [plain, own] = [
    await simulated("fedavg", { evaluateClients: true }),
    await simulated("ditto:lambda=0.01", { evaluateClients: true }),
  ].map(({ report }) => report);
  // Ditto's global model is that of FedAvg; the clients' own models differ.
  assertEquals(own?.modelDigest, plain?.modelDigest);
  assertEquals(own?.final?.accuracy, plain?.final?.accuracy);
  const mean = (report: typeof own) => report?.final?.clients?.accuracy?.mean ?? NaN;
  assert(mean(own) > mean(plain), `${mean(own)} and ${mean(plain)}`);
});
