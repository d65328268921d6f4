import type { Dataset } from "../data/dataset.ts";
import type { DataSource } from "../data/schema/data_source.ts";
import type { ClientPrivacy } from "./client_privacy.ts";
import type { LossName } from "./handler.ts";

/**
 * Part of a logger that a handler writes to. A `Logger` of `@std/log` fits, and so does `console`.
 */
export interface TrainLogger {
  /** Logs one line about a choice, such as the engine. */
  info?(message: string): unknown;
  /** Logs one line about a possible fault. */
  warn(message: string): unknown;
}

/** Options of every {@linkcode SGDHandler}. */
export interface SGDHandlerOptions {
  /**
   * Training data of the client, at least one row: a data set, or a source whose data are arranged
   * by the server's schema.
   */
  data: Dataset | DataSource;
  /**
   * Rows of the data that are the client's; at least one. Not with a source. Default: all of them.
   */
  rows?: Uint32Array;
  /**
   * Data to evaluate on. Default: the source's test data, `testRows` of the data, or else the
   * training data.
   */
  testData?: Dataset;
  /** Rows of the data to evaluate on, where there is no `testData`; at least one. */
  testRows?: Uint32Array;
  /** Loss to minimize. Default: the description's, or softmaxCrossEntropy when there is none. */
  loss?: LossName;
  /**
   * Privacy that the client gives its own data, such as `DPSGD`, which needs the native engine. The
   * server is then told no figures of the data.
   *
   * @default {undefined} None.
   */
  privacy?: ClientPrivacy;
}
