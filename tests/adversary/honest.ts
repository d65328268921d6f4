import {
  CannotTrainError,
  ClientBackendHandler,
  type EvaluateResult,
  Manifest,
  type ParameterVector,
  type TrainPlan,
  type TrainResult,
} from "../../mod.ts";
import type { GradientResult } from "../../src/plan/mod.ts";
import { delay } from "../../src/base/time/delay.ts";
import { stepFrom, stepGradient } from "../../src/world/federation/step_handler.ts";

/** The model: a body, and a head that `fedper` keeps on the client. */
export function manifestOf(length: number): Manifest {
  return Manifest.of([
    { name: "body/w", shape: [length - 10] },
    { name: "head/w", shape: [10] },
  ]);
}

/**
 * What an honest client sends of the round that began with these parameters, by the rule of the
 * strategy.
 */
export function honestUpdate(
  global: ParameterVector,
  { rank, round, rule }: { rank: number; round: number; rule: string | undefined },
): ParameterVector {
  if (rule === "gradient") return stepGradient(global, rank, round);
  const update = stepFrom(global, rank, round);
  // What stays on the client goes back as it came.
  if (rule === "fedper") update.set(global.subarray(-10), global.length - 10);
  return update;
}

/** The mean square, in the arithmetic that kernels have: past 1.8e19 it is no number any more. */
export function lossOf(vector: ParameterVector): number {
  let sum = 0;
  for (const x of vector) sum = Math.fround(sum + Math.fround(x * x));
  return Number.isFinite(sum) ? sum / vector.length : NaN;
}

/** Samples and steps that an honest client tells. */
export function figuresOf(rank: number): { numSamples: number; steps: number } {
  return { numSamples: 10 + rank, steps: 4 + rank % 3 };
}

/**
 * A client whose training is a step that anybody can compute, and that fails as the package's own
 * handlers do.
 */
export class HonestHandler extends ClientBackendHandler {
  readonly manifest: Manifest;
  readonly numSamples: number;
  readonly #vector: ParameterVector;
  readonly #rank: number;
  readonly #seconds: number;

  /** A training takes so many seconds. */
  constructor(manifest: Manifest, rank: number, seconds = 0) {
    super();
    this.manifest = manifest;
    this.numSamples = figuresOf(rank).numSamples;
    this.#vector = new Float32Array(manifest.length);
    this.#rank = rank;
    this.#seconds = seconds;
  }

  get parameters(): ParameterVector {
    return this.#vector;
  }

  set parameters(vector: ParameterVector) {
    if (!vector.every(Number.isFinite)) {
      throw new RangeError("Cannot load parameters: expected finite values, got some that are not");
    }
    this.#vector.set(vector);
  }

  async train({ round }: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    if (this.#seconds > 0) await delay(this.#seconds * 1000, signal);
    const loss = lossOf(this.#vector);
    this.#vector.set(stepFrom(this.#vector, this.#rank, round));
    return await this.#result(loss);
  }

  override async gradient({ round }: TrainPlan): Promise<GradientResult> {
    const gradient = stepGradient(this.#vector, this.#rank, round);
    return { ...await this.#result(lossOf(this.#vector)), gradient };
  }

  evaluate(): Promise<EvaluateResult> {
    const loss = lossOf(this.#vector);
    return Promise.resolve({ numSamples: this.numSamples, loss, accuracy: 0.5 });
  }

  #result(loss: number): Promise<TrainResult> {
    if (!Number.isFinite(loss)) {
      return Promise.reject(
        new CannotTrainError(
          `Training diverged: the loss is ${loss}; a lower learning rate may help`,
        ),
      );
    }
    return Promise.resolve({ ...figuresOf(this.#rank), loss, metrics: {} });
  }
}
