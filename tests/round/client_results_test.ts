import { assert, assertAlmostEquals, assertEquals } from "jsr:@std/assert@1.0.19";
import { firstResults, TrainingResults } from "../../src/round/report/client_results.ts";
import { meanOfClients } from "../../src/round/report/means.ts";
import { MetricMeans } from "../../src/round/report/metric_means.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("TrainingResults average each metric over the clients that have it, by samples", () => {
  const results = new TrainingResults();
  results.add(1, { numSamples: 10, steps: 2, loss: 1, metrics: { f1: 0.5, extra: 3 } });
  results.add(2, { numSamples: 30, loss: 3, metrics: { f1: 0.9, broken: NaN } });
  results.add(3, { numSamples: 5 });
  const { trainLoss, trainMetrics, trainByRank } = results.report;
  assertEquals(trainLoss, (10 * 1 + 30 * 3) / 40);
  assertAlmostEquals(trainMetrics?.f1 ?? NaN, (10 * 0.5 + 30 * 0.9) / 40, 1e-15);
  assertEquals(trainMetrics?.extra, 3);
  assertEquals(trainByRank, [
    { rank: 1, samples: 10, steps: 2, loss: 1, metrics: { f1: 0.5, extra: 3 } },
    { rank: 2, samples: 30, loss: 3, metrics: { f1: 0.9 } },
    { rank: 3, samples: 5 },
  ]);
});

Deno.test("a report of 10,000 clients, 200 of them with 1000 metrics of their own names, stays small", () => {
  const results = new TrainingResults();
  for (let rank = 1; rank <= 200; rank++) {
    const names = Array.from({ length: 1000 }, (_, i) => `${rank}-${i}`.padEnd(64, "x"));
    const metrics = Object.fromEntries(names.map((name) => [name, Math.PI]));
    results.add(rank, { numSamples: 1, metrics });
  }
  for (let rank = 201; rank <= 10_000; rank++) results.add(rank, { numSamples: 1 });
  const { report } = results;
  assertEquals(Object.keys(report.trainMetrics ?? {}).length, 64);
  assertEquals(
    report.trainByRank?.map(({ rank }) => rank),
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  const counts = report.trainByRank?.map(({ metrics = {} }) => Object.keys(metrics).length);
  assertEquals(counts?.slice(0, 15), new Array(15).fill(64));
  assertEquals(counts?.slice(15), new Array(85).fill(0));
  assert(JSON.stringify(report).length < 120_000);
});

Deno.test("MetricMeans of the largest numbers are finite", () => {
  const means = new MetricMeans();
  means.add({ most: Number.MAX_VALUE }, Number.MAX_SAFE_INTEGER);
  means.add({ most: Number.MAX_VALUE / 2 }, Number.MAX_SAFE_INTEGER);
  assertAlmostEquals((means.means?.most ?? NaN) / Number.MAX_VALUE, 0.75, 1e-12);
  assertEquals(new MetricMeans().means, undefined);
});

Deno.test("meanOfClients() averages an accuracy that only some clients share over those", () => {
  const mean = meanOfClients([
    { numSamples: 10, loss: 1, accuracy: 0.5 },
    { numSamples: 90, loss: 2 },
    { numSamples: 30, loss: 3, accuracy: 0.9, metrics: { f1: 0.25 } },
  ]);
  assertAlmostEquals(mean?.accuracy ?? NaN, (10 * 0.5 + 30 * 0.9) / 40, 1e-15);
  assertAlmostEquals(mean?.loss ?? NaN, (10 + 180 + 90) / 130, 1e-15);
  assertEquals(mean?.metrics, { f1: 0.25 });
});

Deno.test("firstResults() leaves results of few clients as they are", () => {
  const results = [{ rank: 1, metrics: { a: 1 } }, { rank: 2 }];
  assertEquals(firstResults(results), results);
});
