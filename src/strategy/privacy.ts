/**
 * The contract of strategies that keep clients private.
 *
 * @module
 */

import type { Rank } from "../base/rank.ts";
import type { AnnouncedPrivacy } from "../plan/announced_privacy.ts";
import type { SecureSettings } from "../plan/secure_settings.ts";
import type { RingSettings } from "../secure/ring.ts";
import type { Strategy } from "./strategy.ts";

/** Guarantee of a run, as far as it has come. */
export interface PrivacyReport {
  /** Data that two neighbouring runs differ in: all data of one client. */
  readonly unit: "client";
  /**
   * Relation of neighbours: the client's contributions are 0 (`"zero-out"`), or it is not there
   * (`"add-remove"`).
   */
  readonly relation: "zero-out" | "add-remove";
  /** Mechanism: correlated noise, or independent noise for cohorts drawn by chance. */
  readonly mechanism: "ftrl" | "fedavg" | "distributed";
  /** Standard deviation of the noise on the sum of a round's updates, divided by the clip. */
  readonly noise: number;
  /** Largest L2 norm of an update in the sum; the next round's where it adapts. */
  readonly clip: number;
  /** δ of the guarantee. */
  readonly delta: number;
  /**
   * Number of values that noise is added to: those that travel. Absent before the first round of
   * a process.
   */
  readonly dimension?: number;
  /** Number of models that were made from the clients' data. */
  readonly releases: number;
  /** Origin of the noise: the operating system, or a seed, which guarantees nothing. */
  readonly source: "system" | "seeded";
  /** ε of the guarantee so far, which holds for the discrete noise; absent with seeded noise. */
  readonly epsilon?: number;
  /** ε of continuous noise of the same size, for comparison; absent with seeded noise. */
  readonly epsilonContinuous?: number;
  /** Reason for which nothing is guaranteed; absent where it is. */
  readonly guarantee?: string;
  /** Parties that the guarantee rests on, in the report of a run. */
  readonly trust?: string;
  /** Largest number of releases that a client has taken part in; with `"ftrl"`. */
  readonly participationsMost?: number;
  /** Least number of releases from one participation of a client to the next; with `"ftrl"`. */
  readonly separationLeast?: number;
  /** Number of clients whose noise makes a sum private; with `"distributed"`. */
  readonly clientsLeast?: number;
  /** Probability with which each client is in a cohort; with `"fedavg"`. */
  readonly rate?: number;
  /** Models of the same seed differ, because the noise does. */
  readonly reproducible: boolean;
}

/** Clip of members of secure aggregation, with the ring in which their updates are summed. */
export interface MemberSettings extends Pick<SecureSettings, "maxNorm" | "noise"> {
  /** The ring. */
  readonly ring: RingSettings;
}

/** Clients that a cohort is selected from. */
export interface PrivateSelection {
  /** The available ranks. */
  readonly available: readonly Rank[];
  /** Number of updates that a round wants. */
  readonly count: number;
  /** Returns the last round that a rank was selected for, 0 for none. */
  lastRound(rank: Rank): number;
}

/** Demands of a private strategy on the rounds, and what it reports. */
export interface PrivacyTerms {
  /** Algorithm that takes the private mean. */
  readonly then: Strategy;
  /** Number of updates that a round wants. */
  readonly cohort: number;
  /** `true` if nobody may learn who is in a cohort, nor how many are. */
  readonly isCohortSecret: boolean;
  /**
   * `true` if the clients add the noise themselves, which needs secure aggregation.
   *
   * @default {false} The server adds it.
   */
  readonly isNoiseShared?: boolean;
  /**
   * Returns the clip of the clients under secure aggregation, where no server sees single updates.
   * Absent where the mechanism does not go with it.
   *
   * @throws {RangeError} If the sums of a cohort have no room in the ring.
   */
  members?(): MemberSettings;
  /** Enters the clients of a sum in the account; with `isNoiseShared`. */
  charge?(ranks: readonly Rank[]): void;
  /** Guarantee so far. */
  readonly report: PrivacyReport;
  /** Guarantee after all rounds, which clients are told before they take part. */
  readonly announced: AnnouncedPrivacy;
  /** Number of models that were made from the clients' data. */
  readonly releases: number;
  /**
   * Account of what was released so far, as JSON. It is saved before anything of a release is told,
   * and a run that resumes from an earlier checkpoint is given it by
   * {@linkcode PrivacyTerms.addAccount}.
   */
  readonly account: unknown;
  /**
   * Adds a saved account to the own one: what either has released stays in it.
   *
   * @throws {TypeError} If it is no account.
   * @throws {RangeError} If it is of another guarantee.
   */
  addAccount(saved: unknown): void;
  /**
   * Returns the reason for which no further round may begin; `undefined` while one may.
   *
   * @param numClients Number of clients in the group.
   */
  stopReason(numClients: number): string | undefined;
  /**
   * Notes the key that a rank belongs to: a client with a key is the same client under any rank.
   *
   * @param key Identity of the key; `undefined` for a client without one.
   */
  seat(rank: Rank, key: string | undefined): void;
  /** Selects a cohort, which may be empty where it is drawn by chance. */
  select(clients: PrivateSelection): Rank[];
}
