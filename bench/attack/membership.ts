import { InProcessPool, Simulation } from "../../src/sim/mod.ts";
import { FedAvg, type ParameterVector, SyncParameterServerHandler } from "../../mod.ts";
import { CentralPrivacy } from "../../src/privacy/mod.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { type DenseLayer, denseLayers, lossOf } from "./dense.ts";
import { type AttackTask, updateOf } from "./task.ts";
import { CLIP, DELTA, EPSILON, type Protection, PROTECTIONS, summed } from "./views.ts";

/** Training of a client in a round. */
const PLAN = { epochs: 5, batchSize: 4, learningRate: 0.1 };
/** Number of clients of the last round whose samples are judged. */
const VICTIMS = 100;

/** How well an attacker tells members from others. */
export interface Membership {
  /** Area under the curve of true over false positives: 0.5 is a guess, 1 is certainty. */
  readonly auc: number;
  /** Largest difference of the rates of true and false positives. */
  readonly advantage: number;
  /** Accuracy of the round's model on data of nobody. */
  readonly accuracy: number;
}

/**
 * Tells samples that a client has trained on from others by their loss (Yeom et al. 2018, "Privacy
 * Risk in Machine Learning", adversary 1): members have the smaller one. With nothing the attacker
 * has each client's own model, otherwise the model of the round.
 */
export async function membership(
  task: AttackTask,
): Promise<Readonly<Record<Protection, Membership>>> {
  const layers = denseLayers(task.manifest);
  const plain = await trained(task);
  const victims = task.parts.slice(0, VICTIMS);
  const updates: ParameterVector[] = [];
  for (const rows of victims) updates.push(await updateOf(task, plain.parameters, rows, PLAN));
  const added = (change: ParameterVector, factor = 1) =>
    plain.parameters.map((value, i) => value + factor * (change[i] ?? 0));
  const found: [Protection, Membership][] = [];
  for (const protection of PROTECTIONS) {
    const epsilon = EPSILON[protection];
    const { parameters, accuracy } = epsilon === undefined ? plain : await trained(task, epsilon);
    const models = epsilon !== undefined
      ? [parameters]
      : protection === "nothing"
      ? updates.map((update) => added(update))
      : [added(summed(updates), 1 / updates.length)];
    found.push([protection, { ...judge(task, layers, victims, models), accuracy }]);
  }
  return Object.fromEntries(found) as Record<Protection, Membership>;
}

/** Trains a model by federated averaging, with differential privacy where ε is given. */
async function trained(
  { model, manifest, initial, train, others, parts, rounds, clients, cohort, seed }: AttackTask,
  epsilon?: number,
): Promise<{ readonly parameters: ParameterVector; readonly accuracy: number }> {
  const privacy = { delta: DELTA, clip: CLIP, rounds, clients, cohort };
  const handler = new SyncParameterServerHandler({
    ...{ model, manifest, parameters: initial, seed, fraction: cohort / clients, plan: PLAN },
    strategy: epsilon === undefined
      ? new FedAvg()
      : new CentralPrivacy({ mechanism: "ftrl", epsilon, ...privacy }),
  });
  const { final } = await new Simulation(handler, {
    ...{ train, test: others, parts, rounds, evaluateEvery: rounds, pool: InProcessPool.start },
  }).run();
  return { parameters: handler.parameters.slice(), accuracy: final?.accuracy ?? NaN };
}

/** Attacks the samples of clients by one model for all of them, or one for each. */
function judge(
  { train, others }: AttackTask,
  layers: readonly DenseLayer[],
  parts: readonly (readonly number[])[],
  models: readonly ParameterVector[],
): Pick<Membership, "auc" | "advantage"> {
  const losses = (data: Dataset, rows: Iterable<number>, model: ParameterVector) =>
    Array.from(rows, (row) => {
      const size = data.features.length / data.length;
      const sample = data.features.subarray(row * size, (row + 1) * size);
      return lossOf(layers, model, sample, data.labels[row] ?? 0);
    });
  const inside: number[] = [], outside: number[] = [];
  parts.forEach((rows, i) => {
    const model = models[i] ?? models[0];
    if (model) inside.push(...losses(train, rows, model));
  });
  models.forEach((model, i) => {
    const rows = others.labels.keys().filter((row) => row % models.length === i);
    outside.push(...losses(others, rows, model));
  });
  return separation(inside, outside);
}

/** Computes how well small losses mark members. */
export function separation(
  inside: readonly number[],
  outside: readonly number[],
): Pick<Membership, "auc" | "advantage"> {
  const all = [
    ...inside.map((loss) => ({ loss, isMember: true })),
    ...outside.map((loss) => ({ loss, isMember: false })),
  ]
    .sort((a, b) => a.loss - b.loss);
  let members = 0, area = 0, advantage = 0;
  all.forEach(({ loss, isMember }, i) => {
    if (isMember) members++;
    else area += members / inside.length / outside.length;
    if (all[i + 1]?.loss === loss) return;
    const others = i + 1 - members;
    advantage = Math.max(advantage, members / inside.length - others / outside.length);
  });
  return { auc: area, advantage };
}
