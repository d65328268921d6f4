import { errorMessage } from "../base/errors.ts";
import type { LossName } from "../train/handler.ts";
import { countAnswers } from "../train/confusion.ts";
import { LOSSES } from "../train/losses.ts";
import type { BatchLoss } from "../train/trainer.ts";
import { tf } from "./deps.ts";
import { tensorOf, valuesOf } from "./memory.ts";

/** Rows of a data set, ready to go into the model. */
export interface Batch {
  /** The features, row after row. */
  readonly features: Float32Array;
  /** One label a row. */
  readonly labels: Int32Array;
}

const GRADIENT_OF: readonly (readonly [kernel: RegExp, what: string])[] = [
  [/Depthwise/, "the gradient of a depthwise convolution"],
  [/Conv[23]D/, "the gradient of a convolution"],
  [/UnsortedSegmentSum/, "the gradient of an embedding or gather layer"],
];

/** Says which layers ask for a kernel that the backend lacks; any other error stays as it is. */
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

/** Frees what a forward pass saved for a backward pass that failed, as tfjs does only for one that succeeds. */
function dropTape(): void {
  const { state } = tf.engine();
  for (const { saved = [] } of state.activeTape ?? []) tf.dispose(saved);
  state.activeTape = [];
}

/** A model and its loss: finds the gradient of a batch, or judges one. */
export class Learner {
  readonly #model: tf.LayersModel;
  readonly #loss: LossName;
  readonly #shape: readonly number[];
  readonly #units: number;
  /** Whether layers have regularizers: a sequential model does not know before its first run. */
  #regularized: boolean | undefined;

  /** Joins a model and a loss that fit; `shape` is that in which one row goes into the model. */
  constructor(model: tf.LayersModel, loss: LossName, shape: readonly number[]) {
    this.#model = model;
    this.#loss = loss;
    this.#shape = shape;
    this.#units = model.outputs[0]?.shape[1] ?? 0;
  }

  /** Whether accuracy means something. */
  get classifies(): boolean {
    return LOSSES[this.#loss].classifies;
  }

  /** Judges the model on a batch, in inference mode; what it took each class for is added to the counts. */
  judge({ features, labels }: Batch, counts?: Uint32Array): BatchLoss {
    return this.#run(() => {
      const input = tensorOf(features, [labels.length, ...this.#shape]);
      const output = this.#model.apply(input, { training: false }) as tf.Tensor;
      const values = valuesOf(output);
      if (counts) countAnswers(counts, values, labels, this.#units);
      return LOSSES[this.#loss].compute(values, labels, this.#units);
    });
  }

  /**
   * Gives the loss of a batch, and to `use`, within `tf.tidy`, the gradient of its mean by each weight that it depends on; `use` is not called
   * when the loss is not finite.
   */
  learn(
    { features, labels }: Batch,
    weights: readonly tf.Tensor[],
    use: (gradients: readonly (tf.Tensor | undefined)[]) => void,
  ): BatchLoss {
    return this.#run(() => {
      const input = tensorOf(features, [labels.length, ...this.#shape]);
      // Filled during the forward pass, before the backward pass reads it.
      const upstream = tensorOf(
        new Float32Array(labels.length * this.#units),
        [labels.length, this.#units],
      );
      let result: BatchLoss = { loss: 0, correct: 0 };
      const { grads } = tf.engine().gradients(
        () => {
          const output = this.#model.apply(input, { training: true }) as tf.Tensor;
          const { compute } = LOSSES[this.#loss];
          result = compute(valuesOf(output), labels, this.#units, valuesOf(upstream));
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

  /** Adds what the layers' own regularizers ask for. */
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
    let result: BatchLoss = { loss: 0, correct: 0 };
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
