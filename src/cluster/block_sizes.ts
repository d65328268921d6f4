import type { ClientJob } from "../sim/client_pool.ts";
import { MOST_JOBS } from "./job_message.ts";

/** Milliseconds that a block should take: long beside the ways of its messages. */
const BLOCK_MILLIS = 500;
/** Most bytes of the vectors of a block of several jobs. */
const BLOCK_BYTES = 2 ** 24;
/** Blocks for each thread of the machines, so that a slow one holds none of the others up. */
const BLOCKS_PER_THREAD = 2;
/** Weight of the last block in the mean time of a job. */
const NEWEST = 0.3;

/** Sizes of blocks, by the time that jobs of a kind have taken. */
export class BlockSizes {
  readonly #millis = new Map<ClientJob["kind"], number>();

  /** Notes the time of a block of jobs of a kind. */
  note(kind: ClientJob["kind"], jobs: number, millis: number): void {
    const each = millis / jobs, before = this.#millis.get(kind) ?? each;
    this.#millis.set(kind, before + NEWEST * (each - before));
  }

  /** Returns the milliseconds that jobs of a kind take; 0 where none has been done. */
  millis(kind: ClientJob["kind"], jobs: number): number {
    return jobs * (this.#millis.get(kind) ?? 0);
  }

  /**
   * Returns the number of jobs of a block.
   *
   * @param jobs Number of jobs of the list.
   * @param threads Number of threads of all machines.
   * @param bytes Bytes of the vectors of a job.
   */
  size(kind: ClientJob["kind"], jobs: number, threads: number, bytes: number): number {
    const byTime = BLOCK_MILLIS / (this.#millis.get(kind) ?? 0);
    const byThreads = Math.ceil(jobs / (BLOCKS_PER_THREAD * Math.max(1, threads)));
    const most = Math.min(byTime, byThreads, BLOCK_BYTES / Math.max(1, bytes), MOST_JOBS);
    return Math.max(1, Math.floor(most));
  }
}
