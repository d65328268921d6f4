import {
  ClientSyncTop,
  Dataset,
  digits,
  initialParameters,
  modelByName,
  type ModelDescription,
  modelEvaluator,
  NativeSGDHandler,
  partition,
  ServerSyncTop,
  silentLogger,
  Simulation,
  SyncParameterServerHandler,
} from "../../../mod.ts";
import type { Metrics } from "../../../src/plan/mod.ts";
import { EvaluationExchange } from "../../../src/round/cohort/evaluation_exchange.ts";
import {
  evaluationFields,
  summarizeClients,
} from "../../../src/round/report/evaluation_summary.ts";
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";

Deno.test.sanitizer({ ops: true, resources: true });

const [, test] = await splitDigits();

async function splitDigits(): Promise<[Dataset, Dataset]> {
  const all = await digits();
  const rows = Array.from({ length: all.length }, (_, row) => row);
  return [all.select(rows.slice(0, 1200)), all.select(rows.slice(1200))];
}

/** Rents of rooms with a size and a floor: measures that a linear model explains in part. */
function rents(length: number): Dataset {
  const features = new Float32Array(2 * length), targets = new Float32Array(2 * length);
  for (let row = 0; row < length; row++) {
    const area = (row * 37 % 100) / 50 - 1, floor = (row * 11 % 7) / 3 - 1;
    features.set([area, floor], 2 * row);
    targets.set([3 * area - floor + Math.sin(row), area * area], 2 * row);
  }
  return Dataset.of({ features, targets, shape: [2], task: "regression", outputs: 2 });
}

const cases: readonly (readonly [string, Dataset, ModelDescription])[] = [
  ["classes", test, modelByName("lr", { inputShape: test.shape, numClasses: 10 })],
  ["measures", rents(150), modelByName("lr", { inputShape: [2], task: "regression", outputs: 2 })],
];

function assertSameMetrics(actual: Metrics | undefined, pooled: Metrics | undefined): void {
  assert(actual && pooled);
  assertEquals(Object.keys(actual).sort(), Object.keys(pooled).sort());
  for (const [name, value] of Object.entries(pooled)) {
    assertAlmostEquals(actual[name] ?? NaN, value, 1e-9 * Math.max(1, Math.abs(value)), name);
  }
}

for (const [what, data, model] of cases) {
  const parts = partition("iid", data, { parts: 3, seed: 1 });

  const start = async () =>
    new SyncParameterServerHandler({ ...await initialParameters(model, 1), model });

  const pooled = async ({ parameters }: SyncParameterServerHandler) => {
    await using evaluator = await modelEvaluator(model, data);
    return (await evaluator.evaluate(parameters)).metrics;
  };

  Deno.test(`a server's metrics of ${what} over three clients are those of their pooled samples`, async () => {
    const handler = await start();
    const group = { distBackend: "memory", logger: silentLogger } as const;
    const listen = `metrics-${what}`;
    const server = new ServerSyncTop(handler, { ...group, listen, worldSize: 4, rounds: 2 });
    const clients = parts.map((rows) =>
      new ClientSyncTop(new NativeSGDHandler({ data, rows }), { ...group, serverAddr: listen })
    );
    const [report] = await Promise.all([server.run(), ...clients.map((client) => client.run())]);
    assertSameMetrics(report.final?.metrics, await pooled(handler));
    assertEquals(report.rounds.at(-1)?.metrics, report.final?.metrics);
    assertEquals(report.final?.classMetrics?.length, what === "classes" ? 10 : undefined);
  });

  Deno.test(`a simulation's metrics of ${what} are the same by clients, by workers and by test data`, async () => {
    const handler = await start();
    const options = { train: data, parts, rounds: 1, workers: 2 };
    const byClients = await new Simulation(handler, options).run();
    assertSameMetrics(byClients.final?.metrics, await pooled(handler));
    const byTest = await new Simulation(await start(), { ...options, test: data }).run();
    assertSameMetrics(byTest.final?.metrics, byClients.final?.metrics);
  });
}

/** Figures of a client with the sums of one row of two classes. */
function figuresOf(classes: number) {
  const sums = {
    task: "classification" as const,
    outputs: classes,
    samples: 1,
    correct: 1,
    logLoss: 0.25,
    brier: 0.125,
    calibration: [...new Array(42).fill(0), 1, 0.75, 1],
  };
  return { round: 1, numSamples: 1, loss: 0.25, accuracy: 1, sums };
}

Deno.test("a client whose sums have another shape is named, and the others' metrics count", () => {
  const exchange = new EvaluationExchange(1, [1, 2, 3]);
  for (const [rank, classes] of [[1, 3], [2, 2], [3, 2]] as const) {
    exchange.accept(rank, figuresOf(classes));
  }
  assertEquals(exchange.mismatched, [1]);
  const { metrics } = evaluationFields(summarizeClients(exchange.results));
  assertEquals(metrics, { accuracy: 1, logLoss: 0.25, brier: 0.125, calibrationError: 0.25 });
});

Deno.test("sums of another number of samples are refused, and the rank is named", () => {
  const exchange = new EvaluationExchange(1, [7]);
  assertThrows(
    () => exchange.accept(7, { ...figuresOf(2), numSamples: 5 }),
    Error,
    "the figures of rank 7: expected sums of 5 samples, got 1",
  );
});
