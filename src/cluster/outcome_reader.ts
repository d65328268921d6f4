import { errorMessage } from "../base/errors.ts";
import type { ClientJob, ClientPoolOptions, JobOptions, JobOutcome } from "../sim/client_pool.ts";
import { parseStrategy } from "../strategy/registry.ts";
import { ExactSums } from "../strategy/sums/exact_sums.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Done } from "./job_message.ts";
import { mostBytes, readOutcomes } from "./outcomes.ts";
import { readParcel } from "./parcel.ts";
import type { Vectors } from "./vectors.ts";

/** Outcomes of a block that were read and checked. */
export interface BlockOutcomes {
  readonly outcomes: readonly JobOutcome[];
  /** Sum of the updates of the outcomes that are `summed`, until the next block is read. */
  readonly sum: ExactSums | undefined;
}

/** Reads what machines send, of which it believes nothing. */
export class OutcomeReader {
  readonly #shape: ClientPoolOptions;
  readonly #vectors: Vectors;
  /** Sum that is read into, made when the first comes. */
  #sum: ExactSums | undefined;
  /** Memory of stored outcomes, used again for each block. */
  #memory = new ArrayBuffer(0);

  constructor(shape: ClientPoolOptions, vectors: Vectors) {
    this.#shape = shape;
    this.#vectors = vectors;
  }

  /**
   * Reads the outcomes of a block, and checks the figures of updates that are in its sum.
   *
   * @param sums Callbacks about sums, where the block may have one.
   * @throws {ClusterError} "bad-message".
   */
  async read<Job extends ClientJob>(
    { stored, outcomes }: Done,
    body: Uint8Array<ArrayBuffer>,
    jobs: readonly Job[],
    sums: JobOptions<Job>["sums"],
    signal: AbortSignal,
  ): Promise<BlockOutcomes> {
    const sum = sums && this.#emptySum(), sumBytes = sum?.savedBytes ?? 0, shape = this.#shape;
    let parcel = { head: outcomes, body };
    if (stored !== undefined) {
      const most = mostBytes(shape, jobs.length) + sumBytes + headBytes(jobs);
      parcel = readParcel(
        await this.#vectors.get(stored, most, signal, (bytes) => this.#place(bytes)),
      );
      this.#vectors.forget(stored);
    }
    const read = readOutcomes(parcel.head, parcel.body, jobs, shape, sumBytes);
    if (sum === undefined || read.sum === undefined) return { ...read, sum: undefined };
    try {
      checkSummed(read.outcomes, jobs, sums);
      sum.restore(read.sum);
      const expected = read.outcomes.filter(({ kind }) => kind === "summed").length;
      if (sum.count !== expected) {
        throw new RangeError(`expected a sum of ${expected} updates, got one of ${sum.count}`);
      }
    } catch (cause) {
      const message = `Cannot use the sum of a block: ${errorMessage(cause)}`;
      throw new ClusterError("bad-message", message, { cause });
    }
    return { ...read, sum };
  }

  /** Returns memory for the outcomes of a block; those of the block before are no longer used. */
  #place(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#memory.byteLength < bytes) {
      // Both at the same time would be too much.
      this.#memory = new ArrayBuffer(0);
      this.#memory = new ArrayBuffer(bytes);
    }
    return new Uint8Array(this.#memory, 0, bytes);
  }

  #emptySum(): ExactSums | undefined {
    const { sums, manifest } = this.#shape;
    const shape = sums && parseStrategy(sums.strategy).sums;
    return this.#sum ??= shape && new ExactSums(shape, manifest.length);
  }
}

function checkSummed<Job extends ClientJob>(
  outcomes: readonly JobOutcome[],
  jobs: readonly Job[],
  sums: JobOptions<Job>["sums"],
): void {
  for (const [i, job] of jobs.entries()) {
    const outcome = outcomes[i];
    if (outcome?.kind === "summed") sums?.check(job, outcome);
  }
}

/** Most bytes of the figures of an outcome, and of all outcomes of a block, as JSON. */
const MOST_FIGURES = 500_000, MOST_HEAD_BYTES = 2 ** 26;

function headBytes(jobs: readonly unknown[]): number {
  return Math.min(jobs.length * MOST_FIGURES + 1024, MOST_HEAD_BYTES);
}
