import { Manifest, type ParameterVector } from "../../src/params/manifest.ts";
import type { EvaluateResult, TrainResult } from "../../src/plan/results.ts";
import { ClientBackendHandler } from "../../src/train/handler.ts";

/** Makes the manifest of a model with one tensor. */
export function flatManifest(length: number): Manifest {
  return Manifest.of([{ name: "w", shape: [length] }]);
}

/** Handler whose training only changes one value. */
export class StepHandler extends ClientBackendHandler {
  readonly manifest: Manifest;
  readonly numSamples = 1;
  readonly #vector: ParameterVector;

  constructor(length: number) {
    super();
    this.manifest = flatManifest(length);
    this.#vector = new Float32Array(length);
  }

  get parameters(): ParameterVector {
    return this.#vector;
  }

  set parameters(vector: ParameterVector) {
    this.#vector.set(vector);
  }

  train(): Promise<TrainResult> {
    this.#vector[0] = (this.#vector[0] ?? 0) + 1;
    return Promise.resolve({ numSamples: this.numSamples, steps: 1, loss: 0, metrics: {} });
  }

  evaluate(): Promise<EvaluateResult> {
    return Promise.resolve({ numSamples: this.numSamples, loss: 0 });
  }
}
