import type { ParameterVector } from "../../mod.ts";
import type { DenseLayer } from "./dense.ts";
import { type AttackTask, updateOf } from "./task.ts";
import { denseLayers } from "./dense.ts";
import { type Protection, PROTECTIONS, viewOf } from "./views.ts";

/** Number of updates in a sum of secure aggregation. */
const MEMBERS = 10;

/** Picture of a victim, and what the attacker makes of the update. */
export interface Inverted {
  readonly original: Float32Array;
  readonly found: Readonly<Record<Protection, Float32Array>>;
}

/** Result of the attack: pictures, and the mean correlation of what was found with the original. */
export interface InversionResult {
  readonly pictures: readonly Inverted[];
  readonly correlation: Readonly<Record<Protection, number>>;
}

/**
 * Reads the only sample of a step from the update of the first dense layer (Phong et al. 2017,
 * "Privacy-Preserving Deep Learning", section III): the gradient of an output's weights is the
 * sample times the gradient of its bias. The output with the largest gradient is read.
 */
export function invert(update: ParameterVector, layer: DenseLayer): Float32Array {
  const { inputs, outputs, kernel, bias } = layer;
  let unit = 0;
  for (let j = 1; j < outputs; j++) {
    if (Math.abs(update[bias + j] ?? 0) > Math.abs(update[bias + unit] ?? 0)) unit = j;
  }
  const divisor = update[bias + unit] || 1;
  return Float32Array.from(
    { length: inputs },
    (_, i) => (update[kernel + i * outputs + unit] ?? 0) / divisor,
  );
}

/** Attacks the updates of some clients, each of which has trained on one sample for one step. */
export async function inversion(task: AttackTask, victims = 10): Promise<InversionResult> {
  const { manifest, initial, train, rounds, clients, cohort } = task;
  const [layer] = denseLayers(manifest);
  if (!layer) throw new RangeError("Cannot attack the model: it has no layers");
  const step = { epochs: 1, batchSize: 1, learningRate: 0.1 };
  const updates: ParameterVector[] = [];
  for (let i = 0; i < victims + MEMBERS; i++) {
    updates.push(await updateOf(task, initial, [i * 4], step));
  }
  const pictures = Array.from({ length: victims }, (_, i): Inverted => {
    const round = updates.slice(i, i + MEMBERS);
    const plan = { rounds, clients, cohort };
    const found = PROTECTIONS.map((protection) =>
      [protection, invert(viewOf(round, protection, plan), layer)] as const
    );
    const { length } = train.features;
    const size = length / train.length;
    return {
      original: train.features.slice(i * 4 * size, (i * 4 + 1) * size),
      found: Object.fromEntries(found) as Inverted["found"],
    };
  });
  const mean = (protection: Protection) =>
    pictures.reduce(
      (sum, { original, found }) => sum + Math.abs(correlation(original, found[protection])),
      0,
    ) / victims;
  return {
    pictures,
    correlation: Object.fromEntries(
      PROTECTIONS.map((protection) => [protection, mean(protection)]),
    ) as InversionResult["correlation"],
  };
}

/** Computes Pearson's correlation. */
export function correlation(x: Float32Array, y: Float32Array): number {
  const mean = (of: Float32Array) => of.reduce((sum, value) => sum + value, 0) / of.length;
  const [a, b] = [mean(x), mean(y)];
  let xy = 0, xx = 0, yy = 0;
  for (let i = 0; i < x.length; i++) {
    const u = (x[i] ?? 0) - a, v = (y[i] ?? 0) - b;
    xy += u * v;
    xx += u * u;
    yy += v * v;
  }
  return xx * yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}
