import { ScoreSlots } from "../../src/sim/score_slots.ts";
import { MAX_SCORE_BINS, type MetricSums } from "../../src/plan/metric_sums.ts";
import { assertEquals } from "@std/assert";

const SUMS: MetricSums = {
  ...{ task: "classification", outputs: 3, samples: 4, correct: 2, logLoss: 1, brier: 1 },
  calibration: [],
};

Deno.test("ScoreSlots gives sums back as they were, from each slot its own", () => {
  const memory = ScoreSlots.createMemory(2);
  const slots = new ScoreSlots(memory), others = new ScoreSlots(memory);
  const first = { ...SUMS, scores: [{ shift: 2, bins: [3, 1, 0] }, { shift: 0, bins: [] }] };
  const second = { ...SUMS, scores: [{ shift: 0, bins: [1, 0, 2 ** 40, 5, 1, 1] }] };
  const rest = [slots.takeOut(0, first), slots.takeOut(1, second)];
  assertEquals(rest, [SUMS, SUMS]);
  assertEquals(others.putBack(0, SUMS), first);
  assertEquals(others.putBack(1, SUMS), second);
  // Sums without histograms get none of those that were in the slot before.
  assertEquals(slots.takeOut(0, SUMS), SUMS);
  assertEquals(others.putBack(0, SUMS), SUMS);
});

Deno.test("ScoreSlots leaves histograms in the sums that are longer than a slot", () => {
  const slots = new ScoreSlots(ScoreSlots.createMemory(1));
  const bins = new Array<number>(3 * MAX_SCORE_BINS).fill(1);
  const long = { ...SUMS, scores: [{ shift: 0, bins }, { shift: 0, bins }] };
  assertEquals(slots.takeOut(0, long), long);
  assertEquals(slots.putBack(0, long), long);
});
