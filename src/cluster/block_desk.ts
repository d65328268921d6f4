/**
 * Way of blocks to the machines and of their outcomes back.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import type { ClientJob, ClientPoolOptions, JobOptions } from "../sim/client_pool.ts";
import { Arrivals } from "./arrivals.ts";
import type { BlockList } from "./block_list.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import type { StoredMsg } from "./deps.ts";
import { insist, pause } from "./insist.ts";
import { ATTEMPT_HEADER, MACHINE_HEADER, readDone } from "./job_message.ts";
import type { KnownMachines } from "./known_machines.ts";
import { DONE_STREAM, JOBS_STREAM, jobSubject } from "./names.ts";
import { type BlockOutcomes, checkFinite, OutcomeReader } from "./outcome_reader.ts";
import { ownBytes, parcelBytes, readParcel } from "./parcel.ts";
import { Refusals } from "./refusals.ts";
import type { Session } from "./session.ts";
import { PART_BYTES, type Vectors } from "./vectors.ts";

/** Milliseconds without an outcome after which the queue is searched for the block. */
const SEARCH_MILLIS = 10_000;
/** Milliseconds between two notices of a cluster without machines. */
const NOTICE_MILLIS = 10_000;
/** Milliseconds after which a block that a machine was left out for is posted again. */
const AGAIN_MILLIS = 100;

/** Parts of a {@linkcode BlockDesk}. */
export interface BlockDeskParts {
  readonly cluster: Cluster;
  readonly session: Session;
  readonly machines: KnownMachines;
  readonly vectors: Vectors;
  readonly options: ClientPoolOptions;
  readonly onNotice: (line: string) => void;
}

/** Outcomes of a block, with the time that its machine took. */
export interface TimedOutcomes extends BlockOutcomes {
  readonly millis: number;
}

/** Posts blocks, and receives their outcomes in the order in which it is asked for them. */
export class BlockDesk {
  readonly #parts: BlockDeskParts;
  readonly #arrivals: Arrivals;
  readonly #reader: OutcomeReader;
  /** Outcomes that could not be used. */
  readonly refusals: Refusals;
  #posts = 0;

  constructor(parts: BlockDeskParts) {
    this.#parts = parts;
    this.#arrivals = new Arrivals(parts.cluster, parts.session.id);
    this.#reader = new OutcomeReader(parts.options, parts.vectors);
    this.refusals = new Refusals(parts.machines, parts.onNotice);
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
    { own, sums }: JobOptions<Job>,
    signal: AbortSignal,
  ): Promise<void> {
    const { cluster, session: { id }, vectors } = this.#parts;
    const { head: plain, views, bytes } = list.message(block, own), { leftOut } = this.refusals;
    const head = {
      ...plain,
      ...(sums && { sum: true }),
      ...(leftOut.length > 0 && { without: leftOut }),
    };
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
    options: JobOptions<Job>,
    signal: AbortSignal,
  ): Promise<TimedOutcomes> {
    const { refusals } = this;
    for (;;) {
      const message = await this.#message(list, block, options, signal);
      // Bytes that cannot be read are somebody's too.
      let by = machineIn(message);
      try {
        const { head, body } = readParcel(ownBytes(message.data)), done = readDone(head);
        by ??= done.by;
        if (refusals.has(by) || refusals.has(done.by)) {
          throw new ClusterError("bad-message", "the machine is left out");
        }
        if (done.list !== list.number || done.block !== block) {
          throw new ClusterError("bad-message", "the outcome is of another block");
        }
        if (done.failure !== undefined) {
          throw new ClusterError(
            "lost-jobs",
            `Cannot go on: machine ${done.by} gives up on a block of jobs: ${done.failure}`,
          );
        }
        const jobs = list.jobsOf(block);
        const read = await this.#reader.read(done, body, jobs, options.sums, signal);
        // Training may end so; then a second machine says the same.
        if (list.attemptOf(block) === 1) checkFinite(read.outcomes);
        refusals.accept(by);
        return { ...read, millis: done.millis };
      } catch (error) {
        if (!(error instanceof ClusterError) || error.fault !== "bad-message") throw error;
        refusals.refuse(by, error);
        if (refusals.has(by)) await pause(AGAIN_MILLIS, signal);
        list.retry(block);
        this.#arrivals.forget(block);
        await this.post(list, block, options, signal);
      }
    }
  }

  /** Returns the message with a block's outcome once it is there, of the current attempt. */
  async #message<Job extends ClientJob>(
    list: BlockList<Job>,
    block: number,
    options: JobOptions<Job>,
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
          await this.post(list, block, options, signal);
        }
      }
    }
  }
}

/** Returns the id of the machine that an outcome is of, where its header tells it. */
function machineIn(message: StoredMsg): string | undefined {
  return message.header?.get(MACHINE_HEADER) || undefined;
}

/** Returns the attempt that an outcome is of; 0 for one that cannot be read. */
function attemptIn(message: StoredMsg): number {
  const attempt = Number(message.header?.get(ATTEMPT_HEADER));
  // What cannot be told is refused when it is read.
  return Number.isInteger(attempt) && attempt > 0 ? attempt : Infinity;
}
