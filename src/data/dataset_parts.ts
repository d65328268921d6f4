/**
 * Parts that a data set is made of.
 *
 * @module
 */

import type { Schema, Task } from "./schema/schema.ts";

/** Optional parts of a data set. */
export interface DatasetExtras {
  /**
   * Task.
   *
   * @default {"classification"}
   */
  readonly task?: Task | undefined;
  /**
   * Number of target values of a row: for classification 1, or the steps of a sequence.
   *
   * @default {1}
   */
  readonly outputs?: number | undefined;
  /**
   * Weight of each row in the training loss: finite numbers from 0. Default: 1 each.
   */
  readonly weights?: Float32Array | undefined;
  /** Meaning of the features and targets. Default: none. */
  readonly schema?: Schema | undefined;
}

/** Parts of a data set, for {@linkcode Dataset.of}. */
export interface DatasetParts extends DatasetExtras {
  /** Features, row after row. */
  readonly features: Float32Array;
  /** Targets, row after row; {@linkcode Dataset.targets} describes them for each task. */
  readonly targets: Int32Array | Float32Array;
  /** Shape of a row of features. */
  readonly shape: readonly number[];
  /** Task. */
  readonly task: Task;
  /** Number of classes; needed for classification alone. */
  readonly numClasses?: number | undefined;
}
