import {
  ClientBackendHandler,
  type EvaluateResult,
  Manifest,
  Random,
  type TrainPlan,
  type TrainResult,
} from "@fedlab/core";

/** Point with two features and a value. */
export type Point = readonly [a: number, b: number, y: number];

/** Layout of the model's parameters, which server and clients agree on. */
export const MANIFEST = Manifest.of([
  { name: "slopes", shape: [2] },
  { name: "intercept", shape: [1] },
]);

/** Training of your own: here linear regression by gradient descent, in plain TypeScript. */
export class Learner extends ClientBackendHandler {
  readonly manifest = MANIFEST;
  readonly #points: readonly Point[];
  readonly #vector = new Float32Array(MANIFEST.length);

  constructor(points: readonly Point[]) {
    super();
    this.#points = points;
  }

  get numSamples(): number {
    return this.#points.length;
  }

  get parameters(): Float32Array<ArrayBuffer> {
    return this.#vector;
  }

  set parameters(vector: Float32Array<ArrayBuffer>) {
    MANIFEST.check(vector);
    if (!vector.every(Number.isFinite)) {
      throw new RangeError("Cannot use the parameters: expected finite values");
    }
    this.#vector.set(vector);
  }

  async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const { epochs, seed, round, rank, learningRate } = plan;
    const size = plan.batchSize || this.numSamples;
    const random = new Random(seed, "batch-order", { round, rank });
    let steps = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      // Heartbeats are sent, and the signal is seen, only while the event loop runs.
      await new Promise((resolve) => setTimeout(resolve));
      const points = random.shuffle([...this.#points]);
      for (let at = 0; at < points.length; at += size, steps++) {
        signal?.throwIfAborted();
        this.#step(points.slice(at, at + size), learningRate);
      }
    }
    const { loss } = await this.evaluate();
    return { numSamples: this.numSamples, steps, loss, metrics: {} };
  }

  evaluate(signal?: AbortSignal): Promise<EvaluateResult> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { numSamples } = this;
    const loss = this.#points.reduce((sum, point) => sum + this.#error(point) ** 2, 0) / numSamples;
    return Promise.resolve({ numSamples, loss });
  }

  #error([a, b, y]: Point): number {
    const [slopeA = 0, slopeB = 0, intercept = 0] = this.#vector;
    return slopeA * a + slopeB * b + intercept - y;
  }

  /** Takes one gradient step on the mean squared error of the batch. */
  #step(batch: readonly Point[], learningRate: number): void {
    const gradient = [0, 0, 0];
    for (const point of batch) {
      const factor = 2 * this.#error(point) / batch.length;
      [point[0], point[1], 1].forEach((input, i) =>
        gradient[i] = (gradient[i] ?? 0) + factor * input
      );
    }
    gradient.forEach((slope, i) => this.#vector[i] = (this.#vector[i] ?? 0) - learningRate * slope);
  }
}
