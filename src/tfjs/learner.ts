import { errorMessage } from "../base/errors.ts";
import type { LossName } from "../train/handler.ts";
import { LOSSES } from "../train/losses/losses.ts";
import type { TargetsOfStep } from "../train/step_targets.ts";
import type { BatchLoss, Observe } from "../train/trainer.ts";
import { tf } from "./deps.ts";
import { tensorOf, valuesOf } from "./memory.ts";

/** Rows of a data set, as input of the model. */
export interface Batch extends TargetsOfStep {
  /** Number of rows. */
  readonly rows: number;
  /** Features, row after row. */
  readonly features: Float32Array;
}

const GRADIENT_OF: readonly (readonly [kernel: RegExp, what: string])[] = [
  [/Depthwise/, "the gradient of a depthwise convolution"],
  [/Conv[23]D/, "the gradient of a convolution"],
  [/UnsortedSegmentSum/, "the gradient of an embedding or gather layer"],
];

/**
 * Explains an error about a kernel that the backend lacks; any other error is returned unchanged.
 */
function explain(error: unknown): unknown {
  const missing = /Kernel '(\w+)' not registered for backend '(\w+)'/.exec(errorMessage(error));
  if (!missing) return error;
  const [, kernel = "", backend = ""] = missing;
  const what = GRADIENT_OF.find(([pattern]) => pattern.test(kernel))?.[1] ?? "a layer";
  const wayOut = backend === "cpu" ? "leave the layer out" : `use backend: "cpu"`;
  return new Error(
    `Cannot run the model on tfjs's ${backend} backend: it lacks the kernel ${kernel} for ${what}; ${wayOut}`,
    { cause: error },
  );
}

/**
 * Frees the tensors that a forward pass saved for a failed backward pass; tfjs does so only after
 * success.
 */
function dropTape(): void {
  const { state } = tf.engine();
  for (const { saved = [] } of state.activeTape ?? []) tf.dispose(saved);
  state.activeTape = [];
}

/** Model with its loss. */
export class Learner {
  readonly #model: tf.LayersModel;
  readonly #loss: LossName;
  readonly #shape: readonly number[];
  readonly #units: number;
  /** True if layers have regularizers; unknown before the first run of a sequential model. */
  #regularized: boolean | undefined;

  /** Joins a model and a loss that fit. `shape` is the shape of a row as input of the model. */
  constructor(model: tf.LayersModel, loss: LossName, shape: readonly number[]) {
    this.#model = model;
    this.#loss = loss;
    this.#shape = shape;
    this.#units = model.outputs[0]?.shape.at(-1) ?? 0;
  }

  /** Number of output values of the model for a row, or for each step of one. */
  get units(): number {
    return this.#units;
  }

  /** Judges the model on a batch, in inference mode. */
  judge({ features, rows, targets }: Batch, observe?: Observe): BatchLoss {
    return this.#run(() => {
      const units = this.#units;
      const input = tensorOf(features, [rows, ...this.#shape]);
      const output = valuesOf(this.#model.apply(input, { training: false }) as tf.Tensor);
      observe?.(output, targets);
      return LOSSES[this.#loss].compute({ output, targets, rows: output.length / units, units });
    });
  }

  /**
   * Computes the loss of a batch and the gradient of its mean.
   *
   * @param use Receives, within `tf.tidy`, the gradient by each weight that the loss depends on;
   * not called when the loss is not finite.
   */
  learn(
    { features, rows, targets, weights: rowWeights }: Batch,
    weights: readonly tf.Tensor[],
    use: (gradients: readonly (tf.Tensor | undefined)[]) => void,
  ): BatchLoss {
    return this.#run(() => {
      const units = this.#units;
      const input = tensorOf(features, [rows, ...this.#shape]);
      // Filled during the forward pass, before the backward pass reads it.
      const shape = this.#model.outputs[0]?.shape.slice(1).map((size) => size ?? 1) ?? [];
      const values = shape.reduce((product, size) => product * size, rows);
      const upstream = tensorOf(new Float32Array(values), [rows, ...shape]);
      let result: BatchLoss = { loss: 0, correct: 0, counted: 0 };
      const { grads } = tf.engine().gradients(
        () => {
          const output = this.#model.apply(input, { training: true }) as tf.Tensor;
          const { compute } = LOSSES[this.#loss];
          result = compute({
            output: valuesOf(output),
            targets,
            rows: values / units,
            units,
            weights: rowWeights,
            gradient: valuesOf(upstream),
          });
          return output;
        },
        [...weights],
        upstream,
        true,
      );
      if (Number.isFinite(result.loss)) use(this.#penalized(grads, weights));
      return result;
    });
  }

  /** Adds the gradients of the layers' own regularizers. */
  #penalized(grads: tf.Tensor[], weights: readonly tf.Tensor[]): (tf.Tensor | undefined)[] {
    this.#regularized ??= this.#model.calculateLosses().length > 0;
    if (!this.#regularized) return grads;
    const penalty = tf.engine().gradients(
      () => tf.addN(this.#model.calculateLosses()),
      [...weights],
      undefined,
      true,
    );
    return grads.map((gradient, i) => {
      const more: tf.Tensor | undefined = penalty.grads[i];
      return gradient && more ? tf.add(gradient, more) : gradient ?? more;
    });
  }

  #run(work: () => BatchLoss): BatchLoss {
    let result: BatchLoss = { loss: 0, correct: 0, counted: 0 };
    try {
      tf.tidy(() => {
        result = work();
      });
    } catch (error) {
      dropTape();
      throw explain(error);
    }
    return result;
  }
}
