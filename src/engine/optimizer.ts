import { RULE_LAYOUT } from "../generated/engine_exports.ts";
import type { Pointer } from "../params/instance.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { ADAM } from "../plan/train_plan.ts";
import { hasMoments } from "../plan/settings.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { EngineExports } from "./kernels.ts";
import { setValues } from "./structs.ts";

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Places of the values of the kernels' `Rule` that change with each step of Adam. */
const RATE = RULE_LAYOUT.offsets.rate / BYTES, SPREAD = RULE_LAYOUT.offsets.spread / BYTES;

/**
 * Vector that only some plans need: second moment of Adam, parameters at the start of the round,
 * correction.
 */
export type Extra = "second" | "start" | "correction";

/** Memory of an update. */
export interface UpdateMemory {
  readonly exports: EngineExports;
  readonly vector: ParameterVector;
  /** Number of bytes from a parameter to its gradient. */
  readonly gradientDistance: number;
  /** Velocity, or first moment of Adam. */
  readonly velocity: ParameterVector;
  readonly extras: Readonly<Partial<Record<Extra, ParameterVector>>>;
  /** The kernels' `Rule`. It lies in memory so that a step passes no number that must be boxed. */
  readonly rule: Float32Array<ArrayBuffer>;
}

/** Returns the vectors that the plan's update needs beside parameters, gradient and velocity. */
export function extrasOf({ optimizer, proximal = 0, correction }: TrainPlan): Extra[] {
  return [
    ...hasMoments(optimizer) ? ["second" as const] : [],
    ...proximal > 0 ? ["start" as const] : [],
    ...correction ? ["correction" as const] : [],
  ];
}

/** Updates of a round, each in one pass over the parameters. */
export class Optimizer {
  /** Parts of the vector that training changes. */
  readonly #spans: readonly { readonly offset: number; readonly length: number }[];
  #plan: TrainPlan | undefined;
  /** Number of steps in Adam's moments. */
  #steps = 0;
  /** True if all values of the velocity are 0. */
  #isAtRest = false;

  /** Creates an optimizer of the trainable tensors. */
  constructor(manifest: Manifest) {
    const spans: { offset: number; length: number }[] = [];
    for (const { offset, length, trainable } of manifest.tensors) {
      const last = spans.at(-1);
      if (!trainable) continue;
      if (last && last.offset + last.length === offset) last.length += length;
      else spans.push({ offset, length });
    }
    this.#spans = spans;
  }

  /**
   * Prepares a round. State of the round before is dropped, unless the plan keeps it for the same
   * rule.
   */
  begin(plan: TrainPlan, { vector, velocity, extras, rule }: UpdateMemory): void {
    const { optimizer = "sgd", learningRate, momentum, weightDecay, proximal = 0 } = plan;
    if (!plan.keepMomentum || optimizer !== (this.#plan?.optimizer ?? "sgd")) {
      if (!this.#isAtRest) velocity.fill(0);
      this.#isAtRest = true;
      extras.second?.fill(0);
      this.#steps = 0;
    }
    this.#plan = plan;
    if (proximal > 0) extras.start?.set(vector);
    if (plan.correction) extras.correction?.set(plan.correction);
    const { beta1, beta2, epsilon } = ADAM;
    const moments = hasMoments(optimizer)
      ? {
        stay: beta1,
        come: 1 - beta1,
        secondStay: beta2,
        secondCome: 1 - beta2,
        spread: 1,
        epsilon,
      }
      : { stay: momentum, come: 1, secondStay: 0, secondCome: 0, spread: 0, epsilon: 0 };
    // The decay of AdamW is no part of the gradient.
    const decay = optimizer === "adamw" ? 0 : weightDecay;
    const fields = { rate: learningRate, decay, proximal, ...moments };
    setValues(rule, RULE_LAYOUT, fields);
  }

  /** Updates the parameters by the gradient. */
  step({ exports, vector, gradientDistance, velocity, extras, rule }: UpdateMemory): void {
    const plan = this.#plan;
    if (plan === undefined) throw new Error("Cannot take a step: begin() was not called");
    const { optimizer, momentum, nesterov = false, proximal = 0, correction, weightDecay } = plan;
    const adam = hasMoments(optimizer);
    if (adam) {
      this.#steps++;
      rule[RATE] = plan.learningRate / (1 - ADAM.beta1 ** this.#steps);
      rule[SPREAD] = 1 / Math.sqrt(1 - ADAM.beta2 ** this.#steps);
    }
    const v = adam || momentum > 0 ? velocity.byteOffset : 0;
    if (v !== 0) this.#isAtRest = false;
    const s = adam ? placeOf(extras.second) : 0;
    const start = proximal > 0 ? placeOf(extras.start) : 0;
    const more = correction ? placeOf(extras.correction) : 0;
    for (const { offset, length } of this.#spans) {
      const bytes = offset * BYTES, w = vector.byteOffset + bytes;
      if (optimizer === "adamw" && weightDecay > 0) {
        exports.scale(w, 1 - plan.learningRate * weightDecay, length);
      }
      exports.update(
        w,
        w + gradientDistance,
        v === 0 ? 0 : v + bytes,
        s === 0 ? 0 : s + bytes,
        start === 0 ? 0 : start + bytes,
        more === 0 ? 0 : more + bytes,
        length,
        nesterov ? 1 : 0,
        rule.byteOffset,
      );
    }
  }
}

function placeOf(vector: ParameterVector | undefined): Pointer {
  if (vector === undefined) throw new Error("Cannot take a step: the plan was not made room for");
  return vector.byteOffset;
}
