import type { Random } from "../../base/random.ts";
import { delay } from "../../base/time/delay.ts";
import { Manifest, type ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult, GradientResult, TrainResult } from "../../plan/results.ts";
import type { TrainPlan } from "../../plan/train_plan.ts";
import type { ClientPrivacy } from "../../train/client_privacy.ts";
import { ClientBackendHandler } from "../../train/handler.ts";

/** Values of the head, which `fedper` keeps at the client. */
const HEAD_LENGTH = 4;

/** Returns the layout of a model of some values: a body and a head. */
export function stepManifest(length: number): Manifest {
  return Manifest.of([
    { name: "body/w", shape: [length - HEAD_LENGTH] },
    { name: "head/w", shape: [HEAD_LENGTH] },
  ]);
}

/** Returns the model with which a run begins. */
export function initialVector(length: number): Float32Array<ArrayBuffer> {
  return new Float32Array(length).map((_, i) => (i % 7) / 7);
}

/** Returns a number from -1 to 1 that depends on the client, the round and the position alone. */
function noise(client: number, round: number, i: number): number {
  let hash = Math.imul(i + 1, 0x9E3779B1) ^ Math.imul(client + 1, 0x85EBCA6B) ^
    Math.imul(round + 1, 0xC2B2AE35);
  hash = Math.imul(hash ^ hash >>> 15, 0x2C1B3C6D);
  return (hash ^ hash >>> 12 | 0) / 0x80000000;
}

/** Returns the change of a value by a training: a step towards the client's own target. */
function change(x: number, client: number, round: number, i: number): number {
  return 0.1 * (1 + 0.1 * client - x) + 0.02 * noise(client, round, i);
}

/** Returns the gradient that a client takes at some parameters: its training is a step down it. */
export function stepGradient(
  start: ParameterVector,
  client: number,
  round: number,
): ParameterVector {
  return start.map((x, i) => -change(x, client, round, i));
}

/** Returns the result of a client's training from some parameters. */
export function stepFrom(start: ParameterVector, client: number, round: number): ParameterVector {
  return start.map((x, i) => x + change(x, client, round, i));
}

/** Returns the mean square of a vector, which overflows as in a model of float32. */
export function meanSquare(vector: ParameterVector): number {
  let sum = 0;
  for (const x of vector) sum += Math.fround(x * x);
  return sum / vector.length;
}

/** Returns the figures that a client's trainings have. */
export function figuresOf(client: number): { readonly numSamples: number; readonly steps: number } {
  return { numSamples: 10 + client, steps: 4 + client % 3 };
}

/** Training that has been done. */
export interface Training {
  readonly round: number;
  /** Parameters with which it began, copied. */
  readonly start: ParameterVector;
  /** Its result, copied: parameters, or a gradient. */
  readonly result: ParameterVector;
}

/** Options of a {@linkcode StepHandler}. */
export interface StepHandlerOptions {
  /** Number of the client, from 1, which its data would follow from. */
  readonly client: number;
  readonly length: number;
  /** Shortest and longest time of a training, in seconds. */
  readonly trainSeconds: readonly [number, number];
  /** Stream that the times are drawn from. */
  readonly random: Random;
  /** Called with each training that is done. */
  readonly onTraining: (training: Training) => void;
  /** Privacy that the client gives its data. */
  readonly privacy?: ClientPrivacy | undefined;
}

/**
 * Client whose training is a step that anybody can compute again, and takes virtual time. Nothing
 * of it depends on the rank that the server assigns.
 */
export class StepHandler extends ClientBackendHandler {
  readonly manifest: Manifest;
  readonly numSamples: number;
  readonly #options: StepHandlerOptions;
  readonly #vector: ParameterVector;

  /** Creates a client. */
  constructor(options: StepHandlerOptions) {
    super();
    this.#options = options;
    this.manifest = stepManifest(options.length);
    this.numSamples = figuresOf(options.client).numSamples;
    this.#vector = new Float32Array(options.length);
  }

  override get privacy(): ClientPrivacy | undefined {
    return this.#options.privacy;
  }

  get parameters(): ParameterVector {
    return this.#vector;
  }

  set parameters(vector: ParameterVector) {
    this.#vector.set(vector);
  }

  async train({ round }: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    await this.#work(signal);
    const start = this.#vector.slice(), result = stepFrom(start, this.#options.client, round);
    this.#vector.set(result);
    this.#options.onTraining({ round, start, result });
    return this.#figures(meanSquare(start));
  }

  override async gradient({ round }: TrainPlan, signal?: AbortSignal): Promise<GradientResult> {
    await this.#work(signal);
    const start = this.#vector.slice();
    const gradient = stepGradient(start, this.#options.client, round);
    this.#options.onTraining({ round, start, result: gradient });
    return { ...this.#figures(meanSquare(start)), gradient };
  }

  async evaluate(): Promise<EvaluateResult> {
    await delay(100);
    return { numSamples: this.numSamples, loss: meanSquare(this.#vector), accuracy: 0.5 };
  }

  #work(signal?: AbortSignal): Promise<void> {
    const { trainSeconds: [least, most], random } = this.#options;
    return delay(1000 * (least + (most - least) * random.uniform()), signal);
  }

  #figures(loss: number): TrainResult {
    return { ...figuresOf(this.#options.client), loss, metrics: {} };
  }
}
