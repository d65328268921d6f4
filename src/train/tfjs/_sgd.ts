import type { TrainPlan } from "../handler.ts";
import type { tf } from "./deps.ts";
import { allocate, valuesOf } from "./_memory.ts";

type Weight = tf.LayersModel["weights"][number];

/** Stochastic gradient descent in PyTorch's form: `v = momentum * v + g + weightDecay * w`, then `w -= learningRate * v`. */
export class Sgd {
  readonly #weights: readonly Weight[];
  #velocities: Float32Array[] = [];

  /** Descends on these weights. */
  constructor(weights: readonly Weight[]) {
    this.#weights = weights;
  }

  /** Forgets the momentum. */
  reset(): void {
    this.#velocities = [];
  }

  /** Takes one step. A weight without a gradient stays. Called within `tf.tidy`. */
  step(gradients: readonly (tf.Tensor | undefined)[], plan: TrainPlan): void {
    const { learningRate, momentum, weightDecay } = plan;
    if (momentum > 0 && this.#velocities.length === 0) {
      this.#velocities = this.#weights.map(({ shape }) =>
        new Float32Array(shape.reduce<number>((product, size) => product * (size ?? 1), 1))
      );
    }
    this.#weights.forEach((weight, i) => {
      const gradient = gradients[i];
      if (!gradient) return;
      const before = weight.read();
      const after = allocate(before.shape);
      const w = valuesOf(before), g = valuesOf(gradient), next = valuesOf(after);
      const velocity = this.#velocities[i];
      if (momentum > 0 && velocity) {
        for (let j = 0; j < next.length; j++) {
          const value = w[j] ?? 0;
          const v = momentum * (velocity[j] ?? 0) + (g[j] ?? 0) + weightDecay * value;
          velocity[j] = v;
          next[j] = value - learningRate * v;
        }
      } else {
        for (let j = 0; j < next.length; j++) {
          const value = w[j] ?? 0;
          next[j] = value - learningRate * ((g[j] ?? 0) + weightDecay * value);
        }
      }
      weight.write(after);
    });
  }
}
