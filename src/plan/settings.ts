/**
 * Settings of local training.
 *
 * @module
 */

import { checkInRange, type Range } from "../base/check.ts";
import { v } from "./deps.ts";
import { type LocalRule, localRuleSchema } from "./rules/rules.ts";
import { finiteNumber, uint32 } from "./schemas.ts";
import { checkSecure, type SecureSettings, secureSettingsSchema } from "./secure_settings.ts";

/** Range of the whole numbers that a message holds, from their least. */
const WHOLE: Range = { whole: true, most: 0xFFFF_FFFF };

/** Settings of local training, sent to clients with an assignment or a round. */
export interface TrainSettings {
  /** Local epochs: passes over the client's data, at least 1. */
  readonly epochs: number;
  /** Samples of a step; 0 takes all of the client's data at once. */
  readonly batchSize: number;
  /** Step size, above 0. */
  readonly learningRate: number;
  /** Momentum of SGD, from 0 to below 1; 0 with Adam. */
  readonly momentum: number;
  /** L2 penalty, from 0: `weightDecay * w` is added to the gradient. */
  readonly weightDecay: number;
  /** `true` if momentum, or Adam's moments and step count, carry over from the round before. */
  readonly keepMomentum: boolean;
  /**
   * Rule that the clients follow beyond descending on their own loss.
   *
   * @default {undefined} No rule.
   */
  readonly rule?: LocalRule;
  /**
   * Optimizer that turns a gradient into a step: `"sgd"`, `"adam"` (Kingma and Ba 2015, algorithm
   * 1, with beta1 0.9, beta2 0.999 and epsilon 1e-8), or `"adamw"`, which is Adam whose weight
   * decay is no part of the gradient (Loshchilov and Hutter 2019, algorithm 2): before each step
   * the weights are multiplied by `1 - learningRate * weightDecay`.
   *
   * @default {"sgd"}
   */
  readonly optimizer?: OptimizerName;
  /**
   * `true` if momentum is Nesterov's, in PyTorch's form; `momentum` is then above 0.
   *
   * @default {false}
   */
  readonly nesterov?: boolean;
  /**
   * Strength of the proximal term, from 0: `proximal * (w - w0)` is added to the gradient, where
   * `w0` are the parameters at the start of the round (FedProx, Li et al. 2020, equation 2).
   *
   * @default {0}
   */
  readonly proximal?: number;
  /**
   * Weight of each class in the training loss: a finite number from 0 for each class of the model,
   * at least one of them above 0. The mean loss stays a sum over the number of samples,
   * `Σ w_i l_i / n`, as with Keras's `class_weight`.
   *
   * @default {undefined} 1 each.
   */
  readonly classWeights?: readonly number[];
  /**
   * Secure aggregation: clients send their updates under masks, so that the server learns nothing
   * but sums.
   *
   * @default {undefined} The server is sent each update by itself.
   */
  readonly secure?: SecureSettings;
}

/** Most classes that may have weights. */
const MAX_WEIGHTS = 1000;

/** Name of an optimizer. */
export type OptimizerName = typeof OPTIMIZER_NAMES[number];

/** Names of the optimizers. */
export const OPTIMIZER_NAMES = ["sgd", "adam", "adamw"] as const;

/** Reports whether an optimizer keeps the two moments of Adam. */
export function hasMoments(optimizer: OptimizerName | undefined): boolean {
  return optimizer === "adam" || optimizer === "adamw";
}

/** Check of settings that come from the wire. */
export const trainSettingsSchema = v.strictObject({
  epochs: uint32(1),
  batchSize: uint32(0),
  learningRate: v.pipe(finiteNumber, v.gtValue(0)),
  momentum: v.pipe(finiteNumber, v.minValue(0), v.ltValue(1)),
  weightDecay: v.pipe(finiteNumber, v.minValue(0)),
  keepMomentum: v.boolean(),
  rule: v.exactOptional(localRuleSchema),
  optimizer: v.exactOptional(v.picklist(OPTIMIZER_NAMES)),
  nesterov: v.exactOptional(v.boolean()),
  proximal: v.exactOptional(v.pipe(finiteNumber, v.minValue(0))),
  classWeights: v.exactOptional(
    v.pipe(v.array(v.pipe(finiteNumber, v.minValue(0))), v.minLength(2), v.maxLength(MAX_WEIGHTS)),
  ),
  secure: v.exactOptional(secureSettingsSchema),
});

/**
 * Checks that settings are in range. Whether they go together is decided by `checkCompatible()`.
 *
 * @param problem The beginning of the error's message, such as `"Cannot train"`.
 * @throws {RangeError} If a setting is out of range.
 */
export function checkSettings(settings: TrainSettings, problem: string): void {
  const check = (value: number, range: Range, expected: string) =>
    checkInRange(value, range, problem, expected);
  const wrong = (what: string, value: number | string): never => {
    throw new RangeError(`${problem}: expected ${what}, got ${value}`);
  };
  const { epochs, batchSize, learningRate, momentum, weightDecay } = settings;
  const { optimizer = "sgd", proximal = 0 } = settings;
  check(epochs, { ...WHOLE, least: 1 }, "a whole number of epochs from 1");
  check(batchSize, { ...WHOLE, least: 0 }, "a batch size from 0, a whole number");
  check(learningRate, { least: 0 }, "a learning rate from 0");
  check(momentum, { least: 0, below: 1 }, "a momentum from 0 to below 1");
  check(weightDecay, { least: 0 }, "a weight decay from 0");
  if (!OPTIMIZER_NAMES.includes(optimizer)) {
    wrong("the optimizer sgd, adam or adamw", JSON.stringify(optimizer));
  }
  check(proximal, { least: 0 }, "a proximal term from 0");
  const { classWeights, secure } = settings;
  if (secure) checkSecure(secure, problem);
  if (!classWeights) return;
  if (classWeights.length < 2 || classWeights.length > MAX_WEIGHTS) {
    wrong(`weights for 2 to ${MAX_WEIGHTS} classes`, classWeights.length);
  }
  const bad = classWeights.find((weight) => !(weight >= 0 && weight < Infinity));
  if (bad !== undefined) wrong("finite class weights from 0", bad);
  if (!classWeights.some((weight) => weight > 0)) wrong("a class weight above 0", "only 0");
}
