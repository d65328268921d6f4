/**
 * Schedules of the learning rate.
 *
 * @module
 */

import { didYouMean } from "../base/did_you_mean.ts";
import { AT_LEAST_ONE, checkInRange, SHARE } from "../base/check.ts";

/** Settings that every schedule has. */
export interface ScheduleWarmup {
  /**
   * Number of rounds `W` at the beginning whose rate rises linearly: round `r` has the rate
   * `η · r / (W + 1)`. The schedule itself begins after them.
   *
   * @default {0}
   */
  readonly warmup?: number;
}

/** The same rate in all rounds. */
export interface ConstantSchedule extends ScheduleWarmup {
  /** Name of the schedule. */
  readonly name: "constant";
}

/** A rate that falls by a factor after every `every` rounds: `η · decay^⌊t / every⌋`. */
export interface StepSchedule extends ScheduleWarmup {
  /** Name of the schedule. */
  readonly name: "step";
  /** Factor, above 0 and at most 1. */
  readonly decay: number;
  /** Number of rounds with the same rate, at least 1. */
  readonly every: number;
}

/** A rate that falls by a factor after each round: `η · decay^t`. */
export interface ExponentialSchedule extends ScheduleWarmup {
  /** Name of the schedule. */
  readonly name: "exponential";
  /** Factor, above 0 and at most 1. */
  readonly decay: number;
}

/**
 * A rate that falls along half a cosine: `η · (1 + cos(π · t / T)) / 2`, where `T` is the number of
 * rounds after the warm-up (Loshchilov and Hutter 2017, "SGDR", equation 5, with one period). The
 * rate of the last round is above 0; later rounds have the same.
 */
export interface CosineSchedule extends ScheduleWarmup {
  /** Name of the schedule. */
  readonly name: "cosine";
  /** Number of rounds of the run, the warm-up included. */
  readonly rounds: number;
}

/**
 * Schedule of the learning rate over the rounds of a run; in an asynchronous run, over the versions
 * of the model. In the formulas `η` is the learning rate of the plan, and `t` the number of rounds
 * since the warm-up: 0 in the first round after it.
 */
export type LearningRateSchedule =
  | ConstantSchedule
  | StepSchedule
  | ExponentialSchedule
  | CosineSchedule;

/** Names of the schedules. */
export const SCHEDULE_NAMES = ["constant", "step", "cosine", "exponential"] as const;

/**
 * Computes the learning rate of a round.
 *
 * @param learningRate The plan's learning rate.
 * @param round The round, from 1.
 * @returns The rate, above 0 where the plan's is.
 */
export function learningRateAt(
  schedule: LearningRateSchedule,
  learningRate: number,
  round: number,
): number {
  const { warmup = 0 } = schedule;
  if (round <= warmup) return learningRate * round / (warmup + 1);
  const rate = learningRate * factorAt(schedule, round - 1 - warmup);
  // A rate of 0 would not be a plan.
  return learningRate > 0 ? Math.max(rate, Number.MIN_VALUE) : rate;
}

/** Computes the factor of the rate, `t` rounds after the warm-up. */
function factorAt(schedule: LearningRateSchedule, t: number): number {
  switch (schedule.name) {
    case "constant":
      return 1;
    case "step":
      return schedule.decay ** Math.floor(t / schedule.every);
    case "exponential":
      return schedule.decay ** t;
    case "cosine": {
      const last = schedule.rounds - (schedule.warmup ?? 0);
      return (1 + Math.cos(Math.PI * Math.min(t, last - 1) / last)) / 2;
    }
  }
}

/**
 * Checks a schedule.
 *
 * @param problem The beginning of the error's message, such as `"Cannot make a server"`.
 * @throws {RangeError} If a value is out of range.
 */
export function checkSchedule(schedule: LearningRateSchedule, problem: string): void {
  const { name, warmup = 0 } = schedule;
  if (!SCHEDULE_NAMES.includes(name)) {
    throw new RangeError(
      `${problem}: expected a schedule of ${SCHEDULE_NAMES.join(", ")}, got ${name}${
        didYouMean(name, SCHEDULE_NAMES)
      }`,
    );
  }
  checkInRange(warmup, { whole: true, least: 0 }, problem, "a warm-up of 0 rounds or more");
  if (schedule.name === "step" || schedule.name === "exponential") {
    checkInRange(schedule.decay, SHARE, problem, "a decay above 0 and at most 1");
  }
  if (schedule.name === "step") {
    checkInRange(schedule.every, AT_LEAST_ONE, problem, "a step of 1 round or more");
  }
  if (schedule.name === "cosine") {
    const expected = `a cosine over more rounds than the warm-up of ${warmup}`;
    checkInRange(schedule.rounds, { whole: true, above: warmup }, problem, expected);
  }
}
