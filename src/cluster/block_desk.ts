/**
 * Way of blocks to the machines and of their outcomes back.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import { stats } from "../params/kernels.ts";
import type { ClientJob, JobOptions, JobOutcome } from "../sim/client_pool.ts";
import { Arrivals } from "./arrivals.ts";
import type { BlockList } from "./block_list.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import type { StoredMsg } from "./deps.ts";
import { insist } from "./insist.ts";
import { type Done, readDone } from "./job_message.ts";
import type { KnownMachines } from "./known_machines.ts";
import { DONE_STREAM, JOBS_STREAM, jobSubject } from "./names.ts";
import { mostBytes, type OutcomeShape, readOutcomes } from "./outcomes.ts";
import { ownBytes, parcelBytes, readParcel } from "./parcel.ts";
import type { Session } from "./session.ts";
import { PART_BYTES, type Vectors } from "./vectors.ts";

/** Milliseconds without an outcome after which the queue is searched for the block. */
const SEARCH_MILLIS = 10_000;
/** Milliseconds between two notices of a cluster without machines. */
const NOTICE_MILLIS = 10_000;
/** Attempts of a block whose outcomes cannot be used. */
const MOST_ATTEMPTS = 6;

/** Parts of a {@linkcode BlockDesk}. */
export interface BlockDeskParts {
  readonly cluster: Cluster;
  readonly session: Session;
  readonly machines: KnownMachines;
  readonly vectors: Vectors;
  readonly shape: OutcomeShape;
  readonly onNotice: (line: string) => void;
}

/** Outcomes of a block. */
export interface BlockOutcomes {
  readonly outcomes: readonly JobOutcome[];
  /** Milliseconds that its machine took. */
  readonly millis: number;
}

/** Posts blocks, and receives their outcomes in the order in which it is asked for them. */
export class BlockDesk {
  readonly #parts: BlockDeskParts;
  readonly #arrivals: Arrivals;
  #posts = 0;
  /** Results of machines that could not be used. */
  refused = 0;

  constructor(parts: BlockDeskParts) {
    this.#parts = parts;
    this.#arrivals = new Arrivals(parts.cluster, parts.session.id);
  }

  /** Stops to listen. */
  stop(): void {
    this.#arrivals.stop();
  }

  /** Begins a list of that number. */
  open(list: number): void {
    this.#arrivals.open(list);
  }

  /** Removes what the server has of a list. */
  async close(list: number): Promise<void> {
    const { cluster: { manager: { streams } }, session: { id } } = this.#parts;
    // Whatever fails here is removed with the session.
    const purge = (stream: string, filter: string) =>
      streams.purge(stream, { filter }).catch(() => {});
    await Promise.all([
      purge(DONE_STREAM, `fedlab.done.${id}.${list}.>`),
      purge(JOBS_STREAM, `fedlab.job.${id}.${list}.>`),
    ]);
  }

  /** Posts a block with copies of the vectors that its clients have kept. */
  async post<Job extends ClientJob>(
    list: BlockList<Job>,
    block: number,
    own: JobOptions<Job>["own"],
    signal: AbortSignal,
  ): Promise<void> {
    const { cluster, session: { id }, vectors } = this.#parts;
    const { head, views, bytes } = list.message(block, own);
    let parcel = parcelBytes(head, bytes > PART_BYTES ? [] : views);
    if (parcel.length > PART_BYTES || bytes > PART_BYTES) {
      parcel = parcelBytes({ ...head, ownVectors: await vectors.put(views, signal) });
    }
    const subject = jobSubject(id, list.number, block);
    const msgID = `${subject}.${this.#posts++}`;
    await insist(cluster, () => cluster.stream.publish(subject, parcel, { msgID }), signal);
  }

  /**
   * Waits for the outcomes of a block. Those that cannot be used are refused, and the block is
   * given to another machine.
   *
   * @throws {ClusterError} If machines give up on the block, or give none that can be used.
   */
  async receive<Job extends ClientJob>(
    list: BlockList<Job>,
    block: number,
    own: JobOptions<Job>["own"],
    signal: AbortSignal,
  ): Promise<BlockOutcomes> {
    for (;;) {
      const message = await this.#message(list, block, own, signal);
      let done: Done | undefined;
      try {
        const { head, body } = readParcel(ownBytes(message.data));
        done = readDone(head);
        if (done.list !== list.number || done.block !== block) {
          throw new ClusterError("bad-message", "the outcome is of another block");
        }
        if (done.failure !== undefined) {
          throw new ClusterError(
            "lost-jobs",
            `Cannot go on: machine ${done.by} gives up on a block of jobs: ${done.failure}`,
          );
        }
        const outcomes = await this.#outcomes(list, block, done, body, signal);
        // Training may end so; then a second machine says the same.
        if (list.attemptOf(block) === 1) checkFinite(outcomes);
        return { outcomes, millis: done.millis };
      } catch (error) {
        if (!(error instanceof ClusterError) || error.fault !== "bad-message") throw error;
        this.#refuse(done?.by, error, list.attemptOf(block));
        list.retry(block);
        this.#arrivals.forget(block);
        await this.post(list, block, own, signal);
      }
    }
  }

  async #outcomes<Job extends ClientJob>(
    list: BlockList<Job>,
    block: number,
    { stored, outcomes }: Done,
    body: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<readonly JobOutcome[]> {
    const { vectors, shape } = this.#parts, jobs = list.jobsOf(block);
    if (stored === undefined) return readOutcomes(outcomes, body, jobs, shape);
    const whole = await vectors.get(
      stored,
      mostBytes(shape, jobs.length) + headBytes(jobs),
      signal,
    );
    vectors.forget(stored);
    const parcel = readParcel(whole);
    return readOutcomes(parcel.head, parcel.body, jobs, shape);
  }

  #refuse(by: string | undefined, error: ClusterError, attempt: number): void {
    const { machines, onNotice } = this.#parts;
    const name = by === undefined ? "a machine" : `machine ${machines.nameOf(by)}`;
    this.refused++;
    if (attempt >= MOST_ATTEMPTS) {
      throw new ClusterError(
        "bad-message",
        `Cannot go on: ${MOST_ATTEMPTS} outcomes of a block of jobs were refused, the last of ${name}: ${error.message}`,
        { cause: error },
      );
    }
    onNotice(`Refused what ${name} sent, and gave the jobs to another: ${error.message}`);
  }

  /** Returns the message with a block's outcome once it is there, of the current attempt. */
  async #message<Job extends ClientJob>(
    list: BlockList<Job>,
    block: number,
    own: JobOptions<Job>["own"],
    signal: AbortSignal,
  ): Promise<StoredMsg> {
    let searched = runtime.clock.now(), noticed = searched;
    for (;;) {
      signal.throwIfAborted();
      const message = await this.#arrivals.read(block);
      if (message !== null && attemptIn(message) >= list.attemptOf(block)) return message;
      await this.#arrivals.wait(block, signal);
      const now = runtime.clock.now(), { machines, session, onNotice } = this.#parts;
      if (machines.threads === 0 && now - noticed > NOTICE_MILLIS) {
        noticed = now;
        const { url } = this.#parts.cluster;
        onNotice(`Waiting for a machine: start fedlab worker --cluster ${url}`);
      }
      if (now - searched > SEARCH_MILLIS) {
        searched = now;
        // A server that has lost its store has lost the block.
        if (await session.isIdle() && await this.#arrivals.read(block) === null) {
          await this.post(list, block, own, signal);
        }
      }
    }
  }
}

/** Checks that the updates of a block are finite. */
function checkFinite(outcomes: readonly JobOutcome[]): void {
  for (const outcome of outcomes) {
    if (outcome.kind !== "trained" || stats(outcome.update).nonFinite === 0) continue;
    throw new ClusterError("bad-message", "an update has values that are not finite");
  }
}

/** Returns the attempt that an outcome is of; 0 for one that cannot be read. */
function attemptIn(message: StoredMsg): number {
  const attempt = Number(message.header?.get("Fedlab-Attempt"));
  // What cannot be told is refused when it is read.
  return Number.isInteger(attempt) && attempt > 0 ? attempt : Infinity;
}

/** Most bytes of the figures of outcomes as JSON. */
function headBytes(jobs: readonly unknown[]): number {
  return jobs.length * 500_000 + 1024;
}
