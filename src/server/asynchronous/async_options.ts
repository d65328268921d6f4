/**
 * Options of an asynchronous server.
 *
 * @module
 */

import { checkCount, type ServerTopologyOptions } from "../options.ts";

/** Options of an asynchronous server. */
export interface ServerAsyncOptions
  extends Omit<ServerTopologyOptions, "rounds" | "quorum" | "roundTries"> {
  /** Number of versions of the model that the run makes, at least 1. Must be given. */
  versions?: number;
  /**
   * Number of versions of the model, by its former name.
   *
   * @deprecated Use {@linkcode ServerAsyncOptions.versions}.
   */
  updates?: number;
  /** Number of clients that train at a time, at least 1. By default, all of them. */
  concurrency?: number;
  /**
   * Number of versions after which one is evaluated and saved, at least 1. The last version always
   * is.
   *
   * @default {1}
   */
  evaluateEvery?: number;
}

/**
 * Checks the options that only an asynchronous server has, and completes them.
 *
 * @throws {RangeError} If one is out of range, or there is no number of versions.
 */
export function checkAsyncOptions(options: ServerAsyncOptions): {
  readonly rounds: number;
  readonly concurrency: number;
  readonly evaluateEvery: number;
  readonly rest: Omit<ServerTopologyOptions, "rounds" | "quorum" | "roundTries">;
} {
  const { updates, versions, concurrency, evaluateEvery = 1, ...rest } = options;
  for (const [name, value] of Object.entries({ updates, versions, concurrency, evaluateEvery })) {
    if (value !== undefined) checkCount(name, value, 1);
  }
  // Without either the check of the base class would name the rounds.
  const rounds = versions ?? updates ?? NaN;
  if (Number.isNaN(rounds)) {
    throw new RangeError("Cannot make a server: expected versions of at least 1, got undefined");
  }
  return { rounds, concurrency: concurrency ?? options.worldSize - 1, evaluateEvery, rest };
}
