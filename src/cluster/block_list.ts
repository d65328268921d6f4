import { runtime } from "../base/runtime/runtime.ts";
import type { ClientJob, JobOptions } from "../sim/client_pool.ts";
import { bytesOf, totalBytes } from "./parcel.ts";
import type { Block, BlockInput } from "./job_message.ts";

/** Blocks of one list of jobs, in order, and which of them are posted. */
export class BlockList<Job extends ClientJob> {
  readonly number: number;
  readonly #jobs: readonly Job[];
  readonly #input: BlockInput | undefined;
  /** Index of the first job of each block, and behind it the number of jobs. */
  readonly #starts: number[] = [0];
  /** Key of the attempt at each block. */
  readonly #keys: string[] = [];

  /** Begins a list without blocks. */
  constructor(number: number, jobs: readonly Job[], input: BlockInput | undefined) {
    this.number = number;
    this.#jobs = jobs;
    this.#input = input;
  }

  /** Number of blocks so far. */
  get length(): number {
    return this.#keys.length;
  }

  /** Set once all jobs are in blocks. */
  get isWhole(): boolean {
    return this.#starts.at(-1) === this.#jobs.length;
  }

  /** Jobs that are in no block yet. */
  get left(): number {
    return this.#jobs.length - (this.#starts.at(-1) ?? 0);
  }

  /** Makes the next block, of at most `size` jobs, and returns its number. */
  next(size: number): number {
    const from = this.#starts.at(-1) ?? 0;
    this.#starts.push(Math.min(this.#jobs.length, from + size));
    return this.#keys.push(newKey()) - 1;
  }

  /** Returns the jobs of a block. */
  jobsOf(block: number): readonly Job[] {
    return this.#jobs.slice(this.#starts[block], this.#starts[block + 1]);
  }

  /** Key of the attempt at a block. */
  keyOf(block: number): string {
    return this.#keys[block] ?? "";
  }

  /** Begins another attempt of a block. */
  retry(block: number): void {
    this.#keys[block] = newKey();
  }

  /** Returns the message of a block, and copies of the vectors that its clients have kept. */
  message(
    block: number,
    own: JobOptions<Job>["own"],
  ): { readonly head: Block; readonly views: readonly ArrayBufferView[]; readonly bytes: number } {
    const jobs = this.jobsOf(block), owners: number[] = [], views: ArrayBufferView[] = [];
    jobs.forEach((job, i) => {
      const vector = own?.(job);
      if (vector === undefined) return;
      owners.push(i);
      views.push(bytesOf(vector).slice());
    });
    const head: Block = {
      list: this.number,
      block,
      key: this.keyOf(block),
      jobs: [...jobs],
      own: owners,
      ...(this.#input && jobs[0]?.kind !== "join" && { input: this.#input }),
    };
    return { head, views, bytes: totalBytes(views) };
  }
}

/** Returns a key that nobody can guess. */
function newKey(): string {
  return runtime.random.randomUUID().replaceAll("-", "");
}
