/**
 * Contract between a handler and the privacy that its client gives its own data.
 *
 * @module
 */

import type { ParameterVector } from "../params/manifest.ts";

/** Guarantee that a client gives its own data, as far as its ledger has come. */
export interface ClientPrivacyReport {
  /**
   * Data that two neighbouring sets differ in: one record (`"record"`), or all data of the client
   * (`"client"`).
   */
  readonly unit: "record" | "client";
  /** Mechanism: noise in each step of the training, or on the update that is sent. */
  readonly mechanism: "dp-sgd" | "local";
  /** Relation of neighbours: the record is there or not, or the data are replaced by others. */
  readonly relation: "add-remove" | "replace";
  /** Standard deviation of the noise, divided by the clip; absent before the first training. */
  readonly noise?: number;
  /** Largest L2 norm of a record's gradient, or of the update. */
  readonly clip: number;
  /** δ of the guarantee. */
  readonly delta: number;
  /** Number of noisy sums that were released: steps, or updates. */
  readonly releases: number;
  /**
   * Trainings that `releases` and ε count: all of them, also those for attempts at a round that
   * failed, since a client cannot see what became of its update. ε is an upper bound.
   */
  readonly counted?: string;
  /** Probability with which a record is in a step; absent before the first training. */
  readonly rate?: number;
  /** Origin of the noise: the operating system, or a seed, which guarantees nothing. */
  readonly source: "system" | "seeded";
  /** ε of all that the ledger holds; absent with seeded noise. */
  readonly epsilon?: number;
  /** ε of continuous noise of the same size, for comparison; in a full report alone. */
  readonly epsilonContinuous?: number;
  /** Largest ε that the client lets itself spend; absent where there is none. */
  readonly maxEpsilon?: number;
  /** Reason for which nothing is guaranteed; absent where it is. */
  readonly guarantee?: string;
  /** Advice on an option that guarantees less than it may seem. */
  readonly warning?: string;
}

/** Privacy that a client gives its own data, whatever its server does. */
export interface ClientPrivacy {
  /** Guarantee so far. */
  readonly report: ClientPrivacyReport;
  /** Returns the guarantee with ε of continuous noise, which takes a second or two to compute. */
  fullReport(): ClientPrivacyReport;
  /** Training on clipped gradients with noise; absent where that is not the mechanism. */
  readonly records?: RecordPrivacy | undefined;
  /** Noise on what the client sends; absent where that is not the mechanism. */
  readonly updates?: UpdatePrivacy | undefined;
  /**
   * Tells in how many rounds the client may take part, from the one that comes next on. The noise
   * for a wanted ε follows from it.
   */
  expect(rounds: number): void;
}

/** Steps of a training that is about to begin. */
export interface PlannedSteps {
  /** Number of steps. */
  readonly steps: number;
  /** Number of records that a step has on average. */
  readonly batchSize: number;
  /** Number of records of the client. */
  readonly records: number;
  /** Number of values that are trained. */
  readonly dimension: number;
}

/** Training of a client by DP-SGD. */
export interface RecordPrivacy {
  /**
   * Enters the steps of a training in the ledger, before the first of them is taken.
   *
   * @throws {PrivacyBudgetError} If they would pass the budget.
   */
  begin(planned: PlannedSteps): Promise<PrivateSteps>;
}

/** Steps that are in the ledger. */
export interface PrivateSteps {
  /** Largest L2 norm of a record's gradient in a sum. */
  readonly clip: number;
  /** Draws the records of a step, each with the same probability, by itself. */
  draw(): Uint32Array<ArrayBuffer>;
  /** Turns a part of a sum of clipped gradients into a mean with noise, in place. */
  release(sum: Float32Array): void;
}

/** Change of parameters that a client is about to send. */
export interface SentChange {
  /** Parameters that the server has sent. */
  readonly from: ParameterVector;
  /** Parameters that the client would send. */
  readonly to: ParameterVector;
  /** Places of the values that do not change, or do not travel. */
  readonly fixed: readonly (readonly [from: number, to: number])[];
}

/** Noise on the updates of a client. */
export interface UpdatePrivacy {
  /**
   * Enters an update in the ledger, and returns parameters in its place whose change is clipped and
   * has noise.
   *
   * @throws {PrivacyBudgetError} If it would pass the budget.
   */
  protect(change: SentChange): Promise<ParameterVector>;
  /**
   * Checks that an update is within the budget, before the client trains for it.
   *
   * @throws {PrivacyBudgetError} If it is not.
   */
  check(): Promise<void>;
}

/**
 * Describes a guarantee for a line of a log, such as
 * `epsilon 1.2345 of records at delta 1e-5, noise 1.10`.
 */
export function privacyText(
  { unit, epsilon, delta, noise, guarantee }: ClientPrivacyReport,
): string {
  if (guarantee !== undefined) return `privacy guarantees ${guarantee}`;
  const whom = unit === "record" ? "records" : "the client";
  const size = noise === undefined ? "" : `, noise ${noise.toFixed(2)}`;
  return `epsilon ${epsilon?.toFixed(4)} of ${whom} at delta ${delta}${size}`;
}
