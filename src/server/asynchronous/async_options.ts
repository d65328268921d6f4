/**
 * Options of an asynchronous server.
 *
 * @module
 */

import type { ServerTopologyOptions } from "../options.ts";

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
