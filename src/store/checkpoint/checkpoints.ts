/**
 * Interface of checkpoint stores.
 *
 * @module
 */

import type { Manifest, ParameterVector } from "../../params/manifest.ts";

/** State of a run after a round. */
export interface Checkpoint {
  /** Layout of the vector. */
  readonly manifest: Manifest;
  /** Global vector. It must not change while it is saved. */
  readonly parameters: ParameterVector;
  /**
   * Further vectors by name, of any length. They are stored as tensors beside those of the model,
   * and must not change while they are saved.
   */
  readonly vectors?: Readonly<Record<string, ParameterVector>>;
  /** Last completed round, from 0. */
  readonly round: number;
  /** Remaining state of the run, which must be representable as JSON. It is saved in full. */
  readonly state: Readonly<Record<string, unknown>>;
  /**
   * Reports of the rounds up to this one, the oldest first, which must be representable as JSON.
   * They are stored once, beside the checkpoints, and a save writes only those that are new:
   * entries that stay must be the same objects from one save to the next.
   */
  readonly history?: readonly unknown[];
  /** Quality of the model; higher is better. The best checkpoint is kept. `NaN` counts as none. */
  readonly score?: number;
  /**
   * Account of what the run has told so far, which must be representable as JSON. It is stored
   * beside the checkpoints and survives each of them: a store gives the account that was saved
   * last with any checkpoint, also with an earlier one. A private run knows by it what it has
   * released after the checkpoint that it resumes from.
   */
  readonly account?: unknown;
}

/** Options of {@linkcode CheckpointStore} and {@linkcode KvCheckpointStore}. */
export interface CheckpointStoreOptions {
  /**
   * Number of newest checkpoints that are kept besides the best one, at least 1.
   *
   * @default {3}
   */
  keep?: number;
  /** Called with a warning of one line for each checkpoint that cannot be used. */
  onWarning?: (message: string) => void;
}

/**
 * Store for the checkpoints of a run: {@linkcode CheckpointStore} is a folder,
 * {@linkcode KvCheckpointStore} a part of a key-value store.
 */
export interface Checkpoints {
  /** Path of the folder, where the store is one. A server keeps its temporary files there. */
  readonly folder?: string;
  /**
   * Saves a checkpoint and its account, which both last when it returns, and gives its name in the
   * store. Earlier checkpoints stay whole whatever happens meanwhile. A server tries again after an
   * error, unless it is an `OvertakenError`.
   */
  save(checkpoint: Checkpoint): Promise<string>;
  /** Gives the newest whole checkpoint, if any; others are skipped. */
  latest(): Promise<Checkpoint | undefined>;
  /** Gives the whole checkpoint with the highest score, the newest of equals, if any. */
  best(): Promise<Checkpoint | undefined>;
  /**
   * Reserves what saves will need, such as file descriptors, until disposed of. A server calls it
   * for its run.
   */
  hold?(): Disposable;
}
