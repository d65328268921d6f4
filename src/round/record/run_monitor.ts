/**
 * Best round of a run, and early stopping.
 *
 * @module
 */

import { AT_LEAST_ONE, checkInRange } from "../../base/check.ts";
import type { Task } from "../../data/schema/schema.ts";
import { checkCompatible } from "../../plan/compatibility/conflicts.ts";
import type { BestRound, EarlyStop, RoundReport } from "../report/report.ts";

/** Figure of a round, such as `"accuracy"`, and the direction in which it is better. */
export interface MonitoredMetric {
  /** `"loss"`, `"accuracy"`, `"trainLoss"`, or a name of the round's `metrics`. */
  readonly metric: string;
  /** Set if a lower value is better. */
  readonly isLowerBetter: boolean;
}

/** Options of early stopping and of the best model. */
export interface StoppingOptions {
  /**
   * Figure that decides on the best round and on early stopping: `"loss"`, `"accuracy"`,
   * `"trainLoss"`, or a name of the rounds' `metrics`, such as `"rocAuc"`. A name whose direction
   * is not known ends with `:min` or `:max`.
   *
   * @default {undefined} `"accuracy"` where the rounds have one, else `"loss"`.
   */
  readonly monitor?: string;
  /**
   * Number of evaluations without an improvement after which the run stops, at least 1. Default:
   * the run does not stop.
   */
  readonly patience?: number;
  /**
   * Amount by which a value must be better than the last improvement to be one, from 0.
   *
   * @default {0}
   */
  readonly minDelta?: number;
  /** Value of a figure, named as in `monitor`, at which the run stops. */
  readonly stopAt?: { readonly metric: string; readonly value: number };
  /**
   * Keeps the parameters of the best round, in memory and in checkpoints.
   *
   * @default {false}
   */
  readonly keepBest?: boolean;
}

const LOWER = /loss$|error$|^(brier|mse|rmse|mae|mape)$/i;
const HIGHER =
  /accuracy$|^(precision|recall|f1|auc|rocAuc|averagePrecision|r2|sensitivity|specificity)$/i;

/**
 * Reads the name of a figure, which may end with `:min` or `:max`.
 *
 * @throws {RangeError} If its direction is not known by the name.
 */
export function parseMonitor(text: string): MonitoredMetric {
  const [, metric = text, direction] = /^(.+):(min|max)$/.exec(text) ?? [];
  if (direction !== undefined) return { metric, isLowerBetter: direction === "min" };
  if (LOWER.test(metric)) return { metric, isLowerBetter: true };
  if (HIGHER.test(metric)) return { metric, isLowerBetter: false };
  throw new RangeError(
    `Cannot monitor ${text}: expected a metric whose direction is known, such as accuracy or loss, or ${text}:min or ${text}:max`,
  );
}

/**
 * Checks options of early stopping.
 *
 * @param problem The beginning of the error's message, such as `"Cannot simulate"`.
 * @param task Task of the model, as far as it is known.
 * @throws {RangeError} If an option is out of range, or a metric is not one of the task.
 */
export function checkStopping(
  options: StoppingOptions,
  problem: string,
  task: Task | undefined,
): void {
  const { monitor, patience = 1, minDelta = 0, stopAt } = options;
  if (monitor !== undefined) parseMonitor(monitor);
  if (stopAt !== undefined) parseMonitor(stopAt.metric);
  checkInRange(patience, AT_LEAST_ONE, problem, "a patience from 1");
  checkInRange(minDelta, { least: 0 }, problem, "a minimum delta from 0");
  if (stopAt !== undefined) {
    checkInRange(stopAt.value, {}, problem, `a finite ${stopAt.metric} to stop at`);
  }
  const monitored = [monitor, stopAt?.metric].flatMap((name) =>
    name === undefined ? [] : [parseMonitor(name).metric]
  );
  checkCompatible({ monitored, ...(task && { task }) }, problem);
}

/** Monitor of a run's rounds. What it knows follows from their reports. */
export class RunMonitor {
  readonly #options: StoppingOptions;
  readonly #target: (MonitoredMetric & { readonly value: number }) | undefined;
  #monitored: MonitoredMetric | undefined;
  #best: BestRound | undefined;
  /** Value from which improvements are measured, and the number of evaluations since. */
  #reference: { readonly round: number; readonly value: number } | undefined;
  #since = 0;
  #stopped: EarlyStop | undefined;
  readonly #seen = new Set<string>();

  constructor(options: StoppingOptions = {}) {
    const { monitor, stopAt } = options;
    this.#options = options;
    this.#monitored = monitor === undefined ? undefined : parseMonitor(monitor);
    this.#target = stopAt && { ...parseMonitor(stopAt.metric), value: stopAt.value };
  }

  /** Best round so far; `undefined` while there is no value. */
  get best(): BestRound | undefined {
    return this.#best;
  }

  /** Set if the run stops after the last round that was added. */
  get stopped(): EarlyStop | undefined {
    return this.#stopped;
  }

  /** Returns a number that is higher for a better round, by the metric that was asked for. */
  scoreOf(report: RoundReport): number | undefined {
    if (this.#options.monitor === undefined || this.#monitored === undefined) return undefined;
    const value = valueOf(report, this.#monitored.metric);
    return value === undefined || !this.#monitored.isLowerBetter ? value : -value;
  }

  /**
   * Adds the report of the next round.
   *
   * @throws {RangeError} If the round was evaluated and has no figure of the name to monitor, nor
   * had one before.
   */
  add(report: RoundReport): void {
    const { round } = report;
    this.#stopped = undefined;
    if (this.#target !== undefined) {
      const { metric, isLowerBetter, value: target } = this.#target;
      const value = this.#valueOf(report, metric, true);
      if (value !== undefined && (isLowerBetter ? value <= target : value >= target)) {
        const reason = `${metric} of ${shown(value)} has reached ${shown(target)}`;
        this.#stopped = { round, reason };
      }
    }
    const { monitor, patience = Infinity, minDelta = 0 } = this.#options;
    this.#monitored ??= defaultMetric(report);
    if (this.#monitored === undefined) return;
    const { metric, isLowerBetter } = this.#monitored;
    const value = this.#valueOf(report, metric, monitor !== undefined);
    if (value === undefined) return;
    const gain = (before: number) => isLowerBetter ? before - value : value - before;
    if (this.#best === undefined || gain(this.#best.value) > 0) {
      this.#best = { round, metric, value };
    }
    if (this.#reference === undefined || gain(this.#reference.value) > minDelta) {
      this.#reference = { round, value };
      this.#since = 0;
    } else if (++this.#since >= patience) {
      const { round: from, value: before } = this.#reference;
      const reason =
        `${metric} has not improved for ${this.#since} evaluations since round ${from}, where it was ${
          shown(before)
        }`;
      this.#stopped ??= { round, reason };
    }
  }

  #valueOf(report: RoundReport, metric: string, isWanted: boolean): number | undefined {
    const value = valueOf(report, metric);
    if (value !== undefined) this.#seen.add(metric);
    const { round, loss, accuracy, metrics } = report;
    // A loss that is not finite is absent.
    if (value !== undefined || !isWanted || metric === "loss" || this.#seen.has(metric)) {
      return value;
    }
    const names = [
      ...(loss === undefined ? [] : ["loss"]),
      ...(accuracy === undefined ? [] : ["accuracy"]),
      ...Object.keys(metrics ?? {}),
    ];
    if (names.length === 0) return undefined;
    throw new RangeError(
      `Cannot monitor ${metric}: expected it among the figures of round ${round}, got ${
        names.join(", ")
      }`,
    );
  }
}

/** Returns the figure of a round by its name. */
function valueOf(report: RoundReport, metric: string): number | undefined {
  const value = metric === "loss" || metric === "accuracy" || metric === "trainLoss"
    ? report[metric]
    : report.metrics?.[metric];
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function defaultMetric({ accuracy, loss }: RoundReport): MonitoredMetric | undefined {
  if (accuracy !== undefined) return { metric: "accuracy", isLowerBetter: false };
  return loss === undefined ? undefined : { metric: "loss", isLowerBetter: true };
}

function shown(value: number): string {
  return `${+value.toPrecision(6)}`;
}
