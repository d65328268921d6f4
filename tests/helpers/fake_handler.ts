import {
  ClientBackendHandler,
  type EvaluateResult,
  Manifest,
  type ParameterVector,
  type TrainPlan,
  type TrainResult,
} from "../../mod.ts";

/** A manifest of one tensor of so many values. */
export function vectorManifest(length: number): Manifest {
  return Manifest.of([{ name: "w", shape: [length] }]);
}

/** What a {@linkcode FakeHandler} does instead of learning. */
export interface FakeOptions {
  numSamples?: number;
  /** The loss that it tells. Default: 1 / round. */
  loss?: number;
  /** The loss of its evaluations. Default: the vector's first value. */
  evaluation?: number;
  /** Changes the vector in place. Default: adds 1. */
  step?: (vector: ParameterVector, plan: TrainPlan, signal?: AbortSignal) => void | Promise<void>;
}

/** A client whose training is a fixed step. */
export class FakeHandler extends ClientBackendHandler {
  readonly manifest: Manifest;
  readonly numSamples: number;
  readonly plans: TrainPlan[] = [];
  readonly #vector: ParameterVector;
  readonly #loss: number | undefined;
  readonly #evaluation: number | undefined;
  readonly #step: NonNullable<FakeOptions["step"]>;

  constructor(manifest: Manifest, options: FakeOptions = {}) {
    super();
    this.manifest = manifest;
    this.numSamples = options.numSamples ?? 1;
    this.#vector = new Float32Array(manifest.length);
    this.#loss = options.loss;
    this.#evaluation = options.evaluation;
    this.#step = options.step ?? ((vector) => vector.forEach((x, i) => vector[i] = x + 1));
  }

  get parameters(): ParameterVector {
    return this.#vector;
  }

  set parameters(vector: ParameterVector) {
    this.#vector.set(vector);
  }

  async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    this.plans.push(plan);
    await this.#step(this.#vector, plan, signal);
    const loss = this.#loss ?? 1 / plan.round;
    return { numSamples: this.numSamples, steps: plan.epochs, loss, metrics: {} };
  }

  evaluate(): Promise<EvaluateResult> {
    return Promise.resolve({
      numSamples: this.numSamples,
      loss: this.#evaluation ?? this.#vector[0] ?? 0,
      accuracy: 0.5,
    });
  }
}
