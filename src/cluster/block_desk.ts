/**
 * Way of blocks to the machines and of their outcomes back.
 *
 * @module
 */

import { runtime } from "../base/runtime/runtime.ts";
import type { ClientJob, ClientPoolOptions, JobOptions } from "../sim/client_pool.ts";
import { type Arrival, Arrivals } from "./arrivals.ts";
import type { BlockList } from "./block_list.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import { type Believed, Doubts, doubtsIn } from "./doubts.ts";
import { insist, pause } from "./insist.ts";
import { readDone } from "./job_message.ts";
import type { KnownMachines } from "./known_machines.ts";
import { DONE_STREAM, JOBS_STREAM, jobSubject } from "./names.ts";
import { type BlockOutcomes, OutcomeReader } from "./outcome_reader.ts";
import { parcelBytes, readParcel } from "./parcel.ts";
import { Refusals } from "./refusals.ts";
import type { Session } from "./session.ts";
import { PART_BYTES, type Vectors } from "./vectors.ts";

/** Milliseconds without an outcome between two searches of the queue for the block. */
const SEARCH_MILLIS = 2000;
/** Milliseconds at least after which an idle machine is given a block that is not done. */
const PATIENCE_MILLIS = 10_000;
/** Times of a block of its size after which an idle machine is given it too. */
const PATIENCE = 4;
/** Milliseconds between two notices of a cluster without machines. */
const NOTICE_MILLIS = 10_000;
/** Milliseconds after which a block that a machine was left out for is posted again. */
const AGAIN_MILLIS = 100;
/** Doubtful outcomes of a block, each by another machine, after which the run ends. */
const MOST_SAID = 6;

/** Parts of a {@linkcode BlockDesk}. */
export interface BlockDeskParts {
  readonly cluster: Cluster;
  readonly session: Session;
  readonly machines: KnownMachines;
  readonly vectors: Vectors;
  readonly options: ClientPoolOptions;
  /** Milliseconds at least after which an idle machine is given a block that another one does. */
  readonly patienceMillis?: number | undefined;
  readonly onNotice: (line: string) => void;
}

/** Block whose outcome is waited for. */
interface Awaited<Job extends ClientJob> {
  readonly list: BlockList<Job>;
  readonly block: number;
  readonly options: JobOptions<Job>;
  readonly signal: AbortSignal;
  /** Milliseconds that a machine should take. */
  readonly millis: number;
  readonly doubts: Doubts;
  /** Owners of machines that leave the attempt to others. */
  others: readonly string[];
  /** Number of times that the attempt was posted. */
  posts: number;
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
  /** Number of outcomes that another machine was asked for too. */
  doubted = 0;
  readonly #believed: Believed = new Set();
  #posts = 0;

  constructor(parts: BlockDeskParts) {
    this.#parts = parts;
    this.#arrivals = new Arrivals(parts.cluster, parts.session);
    this.#reader = new OutcomeReader(parts.options, parts.vectors);
    this.refusals = new Refusals(parts.machines, parts.onNotice);
  }

  /** Stops to listen. */
  stop(): void {
    this.#arrivals.stop();
  }

  /** Begins a list. */
  open(list: BlockList<ClientJob>): void {
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
    others: readonly string[] = [],
  ): Promise<void> {
    const { cluster, session: { id }, vectors } = this.#parts;
    const { head: plain, views, bytes } = list.message(block, own), { leftOut } = this.refusals;
    const head = {
      ...plain,
      ...(sums && { sum: true }),
      ...(leftOut.length > 0 && { without: leftOut }),
      ...(others.length > 0 && { others }),
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
   * Waits for the outcomes of a block. Those that cannot be used are refused, and those that are in
   * doubt wait for another machine's: the block is given to another machine.
   *
   * @param millis Milliseconds that a machine should take.
   * @throws {ClusterError} If machines give up on the block, or give none that can be used.
   */
  async receive<Job extends ClientJob>(
    list: BlockList<Job>,
    block: number,
    options: JobOptions<Job>,
    signal: AbortSignal,
    millis: number,
  ): Promise<TimedOutcomes> {
    const { refusals } = this, jobs = list.jobsOf(block);
    const doubts = new Doubts(this.#parts.machines, this.#believed);
    const awaited: Awaited<Job> = {
      ...{ list, block, options, signal, millis, doubts, others: [], posts: 1 },
    };
    for (;;) {
      const { machine: by, bytes } = await this.#arrival(awaited);
      try {
        const { head, body } = readParcel(bytes), done = readDone(head);
        if (refusals.has(by)) throw new ClusterError("bad-message", "the machine is left out");
        if (done.list !== list.number || done.block !== block || done.key !== list.keyOf(block)) {
          throw new ClusterError("bad-message", "the outcome is of another block");
        }
        const read = done.failure === undefined
          ? await this.#reader.read(done, body, jobs, options.sums, signal)
          : undefined;
        const found = read
          ? doubtsIn(read.outcomes, jobs, this.#parts.options)
          : [{ job: "a block of jobs", what: "cannot be done" }];
        if (doubts.settle(by, found, refusals)) {
          if (read === undefined) {
            throw new ClusterError(
              "lost-jobs",
              `Cannot go on: machine ${
                this.#parts.machines.nameOf(by)
              } gives up on a block of jobs: ${done.failure}`,
            );
          }
          refusals.accept(by);
          if (awaited.posts > 1) this.#forgetPosts(list.number, block);
          return { ...read, millis: done.millis };
        }
        this.doubted++;
        if (doubts.asked.length >= MOST_SAID) {
          throw new ClusterError(
            "lost-jobs",
            `Cannot go on: ${MOST_SAID} machines do not agree on the outcomes of a block of jobs`,
          );
        }
      } catch (error) {
        if (!(error instanceof ClusterError) || error.fault !== "bad-message") throw error;
        refusals.refuse(by, error);
      }
      if (refusals.has(by)) await pause(AGAIN_MILLIS, signal);
      await this.#again(awaited);
    }
  }

  /** Begins another attempt at a block, which machines that have answered leave to others. */
  async #again<Job extends ClientJob>(awaited: Awaited<Job>): Promise<void> {
    const { list, block, options, signal, doubts } = awaited;
    list.retry(block);
    this.#arrivals.forget(block);
    awaited.others = doubts.hasOthers ? doubts.asked : [];
    awaited.posts++;
    await this.post(list, block, options, signal, awaited.others);
  }

  /** Returns the outcome of the current attempt at a block once it is there. */
  async #arrival<Job extends ClientJob>(awaited: Awaited<Job>): Promise<Arrival> {
    const { list, block, options, signal, millis, doubts } = awaited;
    const { machines, session, onNotice, patienceMillis = PATIENCE_MILLIS } = this.#parts;
    const { clock } = runtime;
    let searched = clock.now(), noticed = searched, given = searched;
    for (let patience = Math.max(patienceMillis, PATIENCE * millis);;) {
      signal.throwIfAborted();
      const arrival = await this.#arrivals.read(block);
      if (arrival !== undefined) return arrival;
      await this.#arrivals.wait(block, signal);
      const now = clock.now();
      if (machines.threads === 0 && now - noticed > NOTICE_MILLIS) {
        noticed = now;
        const { url } = this.#parts.cluster;
        onNotice(`Waiting for a machine: start fedlab worker --cluster ${url}`);
      }
      if (awaited.others.length > 0 && !doubts.hasOthers) await this.#again(awaited);
      if (now - searched <= SEARCH_MILLIS) continue;
      searched = now;
      const { isEmpty, hasIdle } = await session.queue();
      const isLate = hasIdle && now - given > patience;
      // Lost with the server's store, or acknowledged by a machine that has not done it.
      if (!isEmpty && !isLate || await this.#arrivals.read(block)) continue;
      given = now;
      if (isLate) patience *= 2;
      awaited.posts++;
      await this.post(list, block, options, signal, awaited.others);
    }
  }

  /** Removes what machines have not taken of a block that was posted several times. */
  #forgetPosts(list: number, block: number): void {
    const filter = jobSubject(this.#parts.session.id, list, block);
    this.#parts.cluster.manager.streams.purge(JOBS_STREAM, { filter }).catch(() => {});
  }
}
