import type { ParameterVector } from "../../mod.ts";
import { Random } from "../../src/base/random.ts";
import { type DenseLayer, denseLayers } from "./dense.ts";
import { type AttackTask, updateOf } from "./task.ts";
import { type Protection, PROTECTIONS, viewOf } from "./views.ts";

const MEMBERS = 10;
/** Samples of a client, of two labels. */
const SAMPLES = 20;
const LEARNING_RATE = 0.1;

/** Share of the victims' labels that the attacker counts rightly. */
export type LabelResult = Readonly<Record<Protection | "guess", number>>;

/**
 * Counts the labels of a step's samples by the gradient of the last bias (Wainakh et al. 2022,
 * "User-Level Label Leakage from Gradients in Federated Learning"): the gradient of an output is
 * the mean of its probability less 1 for the samples of its label. The probabilities of a model
 * that has not been trained are all about the same.
 *
 * @param samples Number of the samples.
 * @returns Estimated number of samples of each label.
 */
export function countLabels(
  update: ParameterVector,
  { bias, outputs }: DenseLayer,
  samples: number,
): number[] {
  const counts = Array.from({ length: outputs }, (_, label) => {
    const gradient = -(update[bias + label] ?? 0) / LEARNING_RATE;
    return Math.max(0, samples * (1 / outputs - gradient));
  });
  const sum = counts.reduce((total, count) => total + count, 0);
  return counts.map((count) => sum === 0 ? samples / outputs : count * samples / sum);
}

/** Attacks clients that have samples of two labels each, and take one step on all of them. */
export async function labels(task: AttackTask, victims = 20): Promise<LabelResult> {
  const { manifest, initial, train, rounds, clients, cohort, seed } = task;
  const last = denseLayers(manifest).at(-1);
  if (!last) throw new RangeError("Cannot attack the model: it has no layers");
  const random = new Random(seed, "test", { round: 2 });
  const rowsOf = Array.from(
    { length: last.outputs },
    (_, label) => Array.from(train.labels.keys()).filter((row) => train.labels[row] === label),
  );
  const updates: ParameterVector[] = [], truth: number[][] = [];
  for (let i = 0; i < victims + MEMBERS; i++) {
    const pair = [...random.permutation(last.outputs).subarray(0, 2)];
    const counts = Array<number>(last.outputs).fill(0);
    const rows = Array.from({ length: SAMPLES }, (_, j) => {
      const label = pair[j < SAMPLES / 4 ? 0 : 1] ?? 0, own = rowsOf[label] ?? [];
      counts[label] = (counts[label] ?? 0) + 1;
      return own[(i * SAMPLES + j) % own.length] ?? 0;
    });
    truth.push(counts);
    const step = { epochs: 1, batchSize: 0, learningRate: LEARNING_RATE };
    updates.push(await updateOf(task, initial, rows, step));
  }
  const score = (protection: Protection) => {
    let sum = 0;
    for (let i = 0; i < victims; i++) {
      const round = updates.slice(i, i + MEMBERS);
      const seen = viewOf(round, protection, { rounds, clients, cohort });
      // A sum is all that is known of each of its members: the victim is taken for their mean.
      const own = protection === "secure aggregation" ? seen.map((value) => value / MEMBERS) : seen;
      sum += overlap(truth[i] ?? [], countLabels(own, last, SAMPLES));
    }
    return sum / victims;
  };
  const even = Array<number>(last.outputs).fill(SAMPLES / last.outputs);
  const guess = truth.slice(0, victims).reduce((sum, one) => sum + overlap(one, even), 0) / victims;
  return {
    ...Object.fromEntries(
      PROTECTIONS.map((protection) => [protection, score(protection)]),
    ) as Record<
      Protection,
      number
    >,
    guess,
  };
}

/** Computes the share of samples whose labels two counts have in common. */
function overlap(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, count, i) => sum + Math.min(count, b[i] ?? 0), 0) / SAMPLES;
}
