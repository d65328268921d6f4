import type { Checkpoints, CheckpointStoreOptions } from "../../store/checkpoint/checkpoints.ts";

/** Place where a store under test keeps checkpoints. */
export interface CheckpointPlace {
  /** Opens a store there, as a process that has just started does. */
  open(options?: CheckpointStoreOptions): Checkpoints;
  /** Lists the rounds with a checkpoint, in ascending order. */
  rounds(): Promise<number[]>;
  /** Returns what `save()` returns for the checkpoint of a round. */
  pathOf(round: number): string;
  /** Changes the last byte of the checkpoint of a round. */
  alter(round: number): Promise<void>;
  /** Changes the last byte of the history. */
  alterHistory(): Promise<void>;
}

/** Tools of the groups of tests of one store. */
export interface CheckpointTests {
  /** Registers a test, which runs in an empty place. */
  readonly test: (claim: string, run: (place: CheckpointPlace) => Promise<void>) => void;
}
