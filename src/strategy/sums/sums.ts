/**
 * Weighted sums over a round's updates.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import type { ClientUpdate } from "../strategy.ts";

/**
 * Way in which a round adds its updates up. `"running"` keeps a mean in float32, which depends on
 * the order of the updates. `"exact"` gives one result, bit for bit, whatever their order and
 * grouping.
 */
export type Aggregation = "running" | "exact";

/** Result of a sum of vectors: the weighted mean, or the weighted sum itself. */
export type SumKind = "mean" | "total";

/** The sums of an algorithm. */
export interface SumShape {
  /** Sums of vectors, by name. */
  readonly vectors: Readonly<Record<string, SumKind>>;
  /**
   * Names of the sums of numbers.
   *
   * @default {[]}
   */
  readonly figures?: readonly string[];
}

/** Vector that is added to a sum. */
export interface SumTerm {
  /** Values, as many as the global vector has. The view is valid until the next contribution. */
  readonly vector: ParameterVector;
  /** Weight, above 0. */
  readonly weight: number;
}

/** Part of one update in the sums. */
export interface Contribution {
  /** A term for each sum of vectors, by name. */
  readonly terms: Readonly<Record<string, SumTerm>>;
  /** A number for each sum of numbers, by name. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** Sums of a round, with at least one update. */
export interface Sums {
  /** Number of updates. */
  readonly count: number;
  /** Returns the sum of the weights of a sum of vectors. */
  weight(name: string): number;
  /** Returns a sum of numbers. */
  figure(name: string): number;
  /** Returns the result of a sum of vectors, which may be written to until the next round. */
  vector(name: string): ParameterVector;
}

/**
 * Round whose result depends on the updates only by weighted sums. The two functions share nothing
 * but what the round began with, so that contributions may be added up elsewhere.
 */
export interface SumRound {
  /** Returns what an update adds to the sums; it depends on no other update. */
  contribution(update: ClientUpdate): Contribution;
  /**
   * Makes the new global vector of the sums.
   *
   * @returns A vector that is valid until the next round and may be written to.
   */
  finish(sums: Sums): ParameterVector;
}

/** Returns the entry of a name. */
export function entryOf<T>(entries: Readonly<Record<string, T>>, name: string): T {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry !== undefined) return entry;
  throw new RangeError(
    `Cannot add up the updates: expected one of the sums ${Object.keys(entries)}, got ${name}`,
  );
}
