/**
 * What a server keeps of its run, and where.
 *
 * @module
 */

import type { Manifest, ParameterVector } from "../../params/manifest.ts";

/** A run as it stands after a round. */
export interface Checkpoint {
  /** What the vector holds. */
  readonly manifest: Manifest;
  /** The global vector. It must not change while it is saved. */
  readonly parameters: ParameterVector;
  /** Further vectors by name, of any length, kept as tensors beside the model's. They must not change either while they are saved. */
  readonly vectors?: Readonly<Record<string, ParameterVector>>;
  /** The round after which it stands, from 0. */
  readonly round: number;
  /**
   * What else there is to know of the run; anything that can be written as JSON. It is written anew
   * each time.
   */
  readonly state: Readonly<Record<string, unknown>>;
  /**
   * What there is to tell of each round up to this one, the oldest first; anything that can be
   * written as JSON. It is kept once, beside the checkpoints, and from one save to the next only
   * what is new is written: entries that stay have to be the same objects.
   */
  readonly history?: readonly unknown[];
  /** How good the model is, higher is better; the best one is kept. Not a number counts as none. */
  readonly score?: number;
}

/** Options of {@linkcode CheckpointStore} and {@linkcode KvCheckpointStore}. */
export interface CheckpointStoreOptions {
  /** How many of the newest are kept, besides the best one; at least 1. Default 3. */
  keep?: number;
  /** Told, in one line each, of checkpoints that cannot be used. */
  onWarning?: (message: string) => void;
}

/** Where a server keeps its run: {@linkcode CheckpointStore} is a folder, {@linkcode KvCheckpointStore} a part of a key-value store. */
export interface Checkpoints {
  /**
   * Keeps a checkpoint, and gives what it is called there. Those of earlier rounds are whole
   * whatever happens meanwhile. A server tries again after an error, unless it is an
   * `OvertakenError`.
   */
  save(checkpoint: Checkpoint): Promise<string>;
  /** The newest whole checkpoint, or nothing; those that are not whole are passed over. */
  latest(): Promise<Checkpoint | undefined>;
  /** The whole checkpoint with the highest score, the newest of equals, or nothing. */
  best(): Promise<Checkpoint | undefined>;
  /**
   * Holds what saves will need, such as file descriptors, until disposed of. A server calls it for
   * its run.
   */
  hold?(): Disposable;
}
