import type { Rank } from "../../base/rank.ts";
import type { Owners } from "../ledger/owners.ts";
import type { MemberSettings, PrivacyReport, PrivateSelection } from "../../strategy/privacy.ts";

/** Clip and unit of the grid of a round. */
export interface Grid {
  /** Largest norm of a change. */
  readonly clip: number;
  /** Size of a unit. */
  readonly unit: number;
}

/** Clipped sum of a round, with what is known of the clients in it. */
export interface RoundSum {
  /** The sum, in units of the grid. */
  readonly sum: Float64Array;
  /** The grid. */
  readonly grid: Grid;
  /** Ranks of the clients in the sum. */
  readonly ranks: readonly Rank[];
  /** Number of clients whose change was at most the clip. */
  readonly within: number;
}

/** Account of noisy sums, with its demands on who is in them. */
export interface Mechanism {
  /** Name of the mechanism. */
  readonly name: PrivacyReport["mechanism"];
  /** Set if the guarantee needs cohorts that nobody knows. */
  readonly isCohortSecret: boolean;
  /** Options beside noise and δ that ε follows from, by name. A run goes on with the same ones. */
  readonly basis: Readonly<Record<string, number>>;
  /** Keys of the clients. */
  readonly owners: Owners;
  /** Number of releases so far. */
  readonly releases: number;
  /** Largest ε after all rounds of the plan. */
  readonly epsilonAtMost: number;
  /** Largest norm of a change in the next round. */
  readonly clip: number;
  /** Returns the reason why a client must not be in the next release, if there is one. */
  refusal(rank: Rank): string | undefined;
  /** Returns the reason why there must not be another release, if there is one. */
  stopReason(numClients: number): string | undefined;
  /** Selects the clients of the next release. */
  select(clients: PrivateSelection): Rank[];
  /**
   * Returns the settings of clients that clip their updates themselves. Absent where the mechanism
   * does not go with secure aggregation.
   *
   * @throws {RangeError} If the sums have no room.
   */
  members?(): MemberSettings;
  /** Returns what the mechanism adds to the report. */
  account():
    & Partial<PrivacyReport>
    & Pick<PrivacyReport, "relation" | "noise" | "clip" | "releases">;
  /** Returns the account as JSON. */
  save(): Readonly<Record<string, unknown>>;
  /** Adds a saved account. Throws a `TypeError` if it is none. */
  restore(saved: Readonly<Record<string, unknown>>): void;
}

/** Mechanism whose noise the server adds. */
export interface CentralMechanism extends Mechanism {
  /** Clip and unit of the next round. */
  readonly grid: Grid;
  /** Enters a release in the account and makes it: the noisy sum, in the units of the vectors. */
  release(round: RoundSum): Float64Array;
}
