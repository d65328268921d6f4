import { Random } from "../../src/base/random.ts";
import { resolveBuild } from "../../src/params/build.ts";
import { addScores, classScores, TOTALS } from "../../src/params/class_scores.ts";
import { instantiate } from "../../src/params/instance.ts";
import { binOf } from "../../src/train/metrics/score_histogram.ts";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";

interface RowOfScores {
  readonly figures: readonly number[];
  readonly codes: readonly number[];
}

/** Collects the scores of each row. */
function scoresOf(logits: Float32Array, labels: Int32Array, units: number): RowOfScores[] {
  const all: RowOfScores[] = [];
  classScores(logits, labels, units, ({ rows, figures, codes, labelsAt }) => {
    const part = new Int32Array(figures.buffer, labelsAt, rows);
    assertEquals(part, labels.slice(all.length, all.length + rows));
    for (let row = 0; row < rows; row++) {
      all.push({
        figures: [...figures.subarray(4 * row, 4 * row + 4)],
        codes: Array.from({ length: units }, (_, i) => codes[i * rows + row] ?? NaN),
      });
    }
  });
  return all;
}

/** Logit of a class among others, `ln(p / (1 - p))`. */
function logitOf(row: readonly number[], i: number): number {
  const others = row.filter((_, k) => k !== i), peak = Math.max(...others);
  return (row[i] ?? NaN) - peak -
    Math.log(others.reduce((sum, z) => sum + Math.exp(z - peak), 0));
}

for (const [rows, units, spread] of [[1, 2, 1], [7, 10, 3], [257, 3, 12], [300, 40, 60]] as const) {
  Deno.test(`classScores() of ${rows} rows of ${units} classes equals its definition`, () => {
    const random = new Random(rows, "test");
    const labels = Int32Array.from({ length: rows }, () => random.below(units));
    const logits = Float32Array.from({ length: rows * units }, () => spread * random.normal());
    const scores = scoresOf(logits, labels, units);
    assertEquals(scores.length, rows);
    for (const [row, { figures: [brier, logit, confidence, answer], codes }] of scores.entries()) {
      const z = [...logits.subarray(row * units, (row + 1) * units)], label = labels[row] ?? NaN;
      const odds = z.map((_, i) => logitOf(z, i));
      const shares = odds.map((logit) => 1 / (1 + Math.exp(-logit)));
      const errors = shares.map((share, i) => (share - (i === label ? 1 : 0)) ** 2);
      assertAlmostEquals(brier ?? NaN, errors.reduce((a, b) => a + b), 1e-12);
      assertAlmostEquals(logit ?? NaN, odds[label] ?? NaN, 1e-12);
      assertAlmostEquals(confidence ?? NaN, Math.max(...shares), 1e-12);
      assertEquals(answer, z.indexOf(Math.max(...z)));
      for (const [i, code] of codes.entries()) {
        assertEquals(code & 1, i === label ? 1 : 0);
        // A logit may lie on the edge of two bins.
        assert(Math.abs((code >> 1) - binOf(odds[i] ?? NaN)) <= 1, `class ${i} of row ${row}`);
      }
    }
    for (const build of ["simd128", resolveBuild("auto")] as const) {
      const { buffer, start } = instantiate(build, logits.byteLength);
      const copy = new Float32Array(buffer, start, logits.length);
      copy.set(logits);
      assertEquals(scoresOf(copy, labels, units), scores);
    }
  });
}

Deno.test("classScores() has no answer for outputs that are not numbers", () => {
  const labels = Int32Array.of(0, 1, 1, 0);
  const logits = Float32Array.of(NaN, 1, Infinity, 0, 1, -Infinity, 0, 1);
  const [first, second, third, fourth] = scoresOf(logits, labels, 2);
  for (const row of [first, second]) {
    assert(Number.isNaN(row?.figures[0]));
    assertEquals(row?.figures[3], -1);
  }
  assertEquals(third?.figures, [2, -Infinity, 1, 0]);
  assertEquals(fourth?.figures[3], 1);
});

Deno.test("addScores() sums the figures of all rows, and counts their answers", () => {
  const rows = 300, units = 3, random = new Random(4, "test");
  const labels = Int32Array.from({ length: rows }, () => random.below(units));
  const logits = Float32Array.from({ length: rows * units }, () => 4 * random.normal());
  logits[5 * units] = NaN;
  const totals = new Float64Array(TOTALS), answers = new Float64Array(units * (units + 1));
  classScores(logits, labels, units, (scores) => addScores(scores, totals, answers));
  const wanted = { correct: 0, answers: answers.map(() => 0), right: 0, confident: 0, rows: 0 };
  for (const [row, { figures }] of scoresOf(logits, labels, units).entries()) {
    const [, , confidence = NaN, answer = NaN] = figures, label = labels[row] ?? NaN;
    const column = answer < 0 ? units : answer, at = label * (units + 1) + column;
    wanted.answers[at] = (wanted.answers[at] ?? 0) + 1;
    if (answer === label) wanted.correct++;
    if (confidence < 14 / 15 || Number.isNaN(confidence)) continue;
    wanted.rows++;
    wanted.confident += confidence;
    if (answer === label) wanted.right++;
  }
  assertEquals(answers, wanted.answers);
  assertEquals(totals[0], wanted.correct);
  assert(Number.isNaN(totals[2]));
  assertEquals([...totals.subarray(-3)], [wanted.rows, wanted.confident, wanted.right]);
  const half = new Float64Array(TOTALS);
  classScores(Float32Array.of(0, Math.log(3)), Int32Array.of(0), 2, (scores) => {
    addScores(scores, half, undefined);
  });
  // The classes have the probabilities 1/4 and 3/4.
  assertAlmostEquals(half[1] ?? NaN, Math.log(4), 1e-7);
  assertAlmostEquals(half[2] ?? NaN, (3 / 4) ** 2, 1e-7);
});
