import { ADAM } from "../plan/train_plan.ts";
import { hasMoments } from "../plan/settings.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { tf } from "./deps.ts";
import { allocate, valuesOf } from "./memory.ts";

type Weight = tf.LayersModel["weights"][number];

/** Vectors of a plan's terms, one for each trainable weight; absent where the plan has none. */
export interface Terms {
  /** Weights at the start of the round. */
  readonly start?: readonly Float32Array[];
  /** Terms that are added to every gradient. */
  readonly correction?: readonly Float32Array[];
}

/** State of the optimizer for a weight: its velocity, or the two moments of Adam. */
interface Moments {
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/**
 * Optimizer with the steps of PyTorch, for a gradient `g` with `weightDecay * w` and the plan's
 * terms added.
 *
 * - SGD: `w -= learningRate * v` with `v = momentum * v + g`.
 * - Nesterov: `w -= learningRate * (g + momentum * v)`.
 * - Adam: Kingma and Ba 2015, algorithm 1.
 * - AdamW: Loshchilov and Hutter 2019, algorithm 2; `weightDecay * w` is no part of `g`, and `w` is
 *   first multiplied by `1 - learningRate * weightDecay`.
 */
export class Optimizer {
  readonly #weights: readonly Weight[];
  #round: { plan: TrainPlan; terms: Terms } | undefined;
  #moments: Moments[] = [];
  /** Number of steps in Adam's moments. */
  #steps = 0;

  /** Creates an optimizer of the weights. */
  constructor(weights: readonly Weight[]) {
    this.#weights = weights;
  }

  /**
   * Prepares a round. State of the round before is dropped, unless the plan keeps it for the same
   * rule.
   */
  begin(plan: TrainPlan, terms: Terms): void {
    const { keepMomentum, optimizer = "sgd", momentum } = plan;
    if (!keepMomentum || optimizer !== (this.#round?.plan.optimizer ?? "sgd")) {
      this.#moments = [];
      this.#steps = 0;
    }
    this.#round = { plan, terms };
    const adam = hasMoments(optimizer);
    if ((momentum === 0 && !adam) || this.#moments.length > 0) return;
    this.#moments = this.#weights.map(({ shape }) => {
      const size = shape.reduce<number>((product, size) => product * (size ?? 1), 1);
      return { first: new Float32Array(size), second: new Float32Array(adam ? size : 0) };
    });
  }

  /** Takes one step, within `tf.tidy`. A weight without a gradient stays. */
  step(gradients: readonly (tf.Tensor | undefined)[]): void {
    if (!this.#round) throw new Error("Cannot take a step: no round has begun");
    const { plan, terms } = this.#round;
    const { weightDecay, proximal = 0, optimizer, learningRate } = plan;
    const isApart = optimizer === "adamw", decay = isApart ? 0 : weightDecay;
    const shrink = isApart ? 1 - learningRate * weightDecay : 1;
    this.#steps++;
    this.#weights.forEach((weight, i) => {
      const gradient = gradients[i];
      if (!gradient) return;
      const before = weight.read();
      const after = allocate(before.shape);
      const w = valuesOf(before), g = valuesOf(gradient), next = valuesOf(after);
      const start = terms.start?.[i], correction = terms.correction?.[i];
      const direction = this.#rule(plan, this.#moments[i]);
      for (let j = 0; j < next.length; j++) {
        const value = shrink * (w[j] ?? 0);
        let d = (g[j] ?? 0) + decay * value;
        if (start) d += proximal * (value - (start[j] ?? 0));
        if (correction) d += correction[j] ?? 0;
        next[j] = value - learningRate * direction(d, j);
      }
      weight.write(after);
    });
  }

  /**
   * Returns the function that maps the gradient `d` of the value at index `j` to its step, and
   * updates the state.
   */
  #rule(
    { optimizer, momentum, nesterov }: TrainPlan,
    moments: Moments | undefined,
  ): (d: number, j: number) => number {
    if (hasMoments(optimizer) && moments) {
      const { first, second } = moments, { beta1, beta2, epsilon } = ADAM;
      const firstShare = 1 - beta1 ** this.#steps, secondShare = 1 - beta2 ** this.#steps;
      return (d, j) => {
        const m = beta1 * (first[j] ?? 0) + (1 - beta1) * d;
        const s = beta2 * (second[j] ?? 0) + (1 - beta2) * d * d;
        first[j] = m;
        second[j] = s;
        return m / firstShare / (Math.sqrt(s / secondShare) + epsilon);
      };
    }
    if (momentum > 0 && moments) {
      const { first } = moments;
      return (d, j) => {
        const v = momentum * (first[j] ?? 0) + d;
        first[j] = v;
        return nesterov ? d + momentum * v : v;
      };
    }
    return (d) => d;
  }
}
