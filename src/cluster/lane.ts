import { errorMessage } from "../base/errors.ts";
import { runtime } from "../base/runtime/runtime.ts";
import type { ClientJob, ClientPool, ClientPoolOptions, RoundInput } from "../sim/client_pool.ts";
import { WorkerPool } from "../sim/worker_pool.ts";
import { BlockSum } from "./block_sum.ts";
import { ClusterError } from "./cluster_error.ts";
import type { Cluster } from "./connect.ts";
import type { Consumer, JsMsg } from "./deps.ts";
import { insist, orLost, pause } from "./insist.ts";
import { type Block, type BlockInput, type Done, readBlock } from "./job_message.ts";
import { Lease } from "./lease.ts";
import { doneSubject, endedSubject, JOBS_STREAM, ownerOf } from "./names.ts";
import { OutcomeWriter } from "./outcomes.ts";
import { ownBytes, parcelBytes, parcelHead, readParcel, totalBytes } from "./parcel.ts";
import { ACK_WAIT_MILLIS } from "./session.ts";
import { PART_BYTES, type Vectors } from "./vectors.ts";

/** Milliseconds that a request for a block stays at the server. */
const EXPIRES_MILLIS = 1000;
/** Milliseconds between two signs that a block is being done. */
const WORKING_MILLIS = ACK_WAIT_MILLIS / 4;
/** Milliseconds after which a block that failed is given to any machine again. */
const AGAIN_MILLIS = 500;
/** Deliveries of a block after which its machine gives up on it. */
const MOST_DELIVERIES = 3;

/** Parts of a {@linkcode Lane}. */
export interface LaneParts {
  readonly cluster: Cluster;
  readonly session: string;
  readonly machine: string;
  readonly options: ClientPoolOptions;
  readonly vectors: Vectors;
  /** Returns the input of a round. */
  readonly input: (input: BlockInput) => Promise<RoundInput>;
  readonly onNotice: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Thread of a machine in one session: it takes one block at a time. */
export class Lane implements AsyncDisposable {
  readonly #parts: LaneParts;
  #pool: ClientPool | undefined;
  /** Number of the input that the pool has. */
  #input: { readonly number: number; readonly round: RoundInput } | undefined;
  #sum: Promise<BlockSum | undefined> | undefined;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** Does blocks until the session ends. */
  async run(): Promise<void> {
    const { cluster, session, signal } = this.#parts;
    const open = () => cluster.stream.consumers.get(JOBS_STREAM, session);
    let consumer: Consumer | undefined;
    while (!signal.aborted) {
      try {
        consumer ??= await open();
        const message = await orLost(cluster, consumer.next({ expires: EXPIRES_MILLIS }));
        if (message !== null) await this.#do(message);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ClusterError && error.fault === "left-out") throw error;
        // The server is away, or the session has ended, which the machine is told of.
        if (cluster.connection.isClosed()) throw error;
        await pause(AGAIN_MILLIS / 5, signal);
      }
    }
  }

  async #do(message: JsMsg): Promise<void> {
    const { signal, onNotice } = this.#parts;
    const working = runtime.timers.setInterval(() => message.working(), WORKING_MILLIS);
    try {
      const { head, body } = readParcel(ownBytes(message.data)), block = readBlock(head);
      const owner = ownerOf(this.#parts.machine);
      if (block.others?.includes(owner)) return message.nak(AGAIN_MILLIS / 5);
      if (block.without?.includes(owner)) {
        message.nak();
        throw new ClusterError(
          "left-out",
          "Cannot take part: the coordinator refused several outcomes of this machine in a row",
        );
      }
      try {
        if (!await this.#complete(block, body)) return message.nak(AGAIN_MILLIS);
      } catch (error) {
        signal.throwIfAborted();
        await this.#drop();
        const reason = errorMessage(error);
        onNotice(`Cannot do a block of jobs: ${reason}`);
        if (message.info.deliveryCount < MOST_DELIVERIES) return message.nak(AGAIN_MILLIS);
        await this.#giveUp({ ...keysOf(block), millis: 0, failure: reason.slice(0, 1000) });
      }
      await message.ackAck().catch(() => false);
    } finally {
      runtime.timers.clearInterval(working);
    }
  }

  /** Does a block and sends its outcomes; returns false where the session has no lease. */
  async #complete(block: Block, body: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { signal, vectors, input, options: { manifest } } = this.#parts;
    const began = runtime.clock.now(), pool = await this.#started();
    if (block.input && this.#input?.number !== block.input.number) {
      const round = await input(block.input);
      await pool.publish(round);
      this.#input = { number: block.input.number, round };
    }
    const all = block.ownVectors
      ? await vectors.get(block.ownVectors, block.jobs.length * manifest.byteLength, signal)
      : body;
    const own = new Map(block.own.map((index, i) => {
      const at = all.byteOffset + i * manifest.byteLength;
      return [block.jobs[index], new Float32Array(all.buffer, at, manifest.length)];
    }));
    const outcomes = new OutcomeWriter(), sum = await this.#sumOf(block);
    await pool.run<ClientJob>(block.jobs, {
      own: (job) => own.get(job),
      take: (job, outcome) => {
        outcomes.add(sum && outcome.kind === "trained" ? sum.add(job, outcome) : outcome);
      },
      signal,
    });
    if (sum && sum.count > 0) outcomes.views.push(sum.save());
    const millis = runtime.clock.now() - began;
    // A process that was stopped for a while has not heard of the session's end.
    if (millis > ACK_WAIT_MILLIS && !await this.#isOpen()) return false;
    await this.#tell({ ...keysOf(block), millis }, outcomes.views, outcomes.heads);
    return true;
  }

  /** Begins the sum of a block, where it may have one that is shorter than its updates. */
  async #sumOf({ sum, jobs }: Block): Promise<BlockSum | undefined> {
    const { options } = this.#parts, input = this.#input?.round;
    if (!sum || input === undefined || jobs.length < BlockSum.leastJobs(options)) return undefined;
    const begun = await (this.#sum ??= BlockSum.create(options));
    begun?.begin(input);
    return begun;
  }

  /** Sends the outcome of a block, and tells that it is there. */
  async #tell(done: Done, views: readonly ArrayBufferView[], outcomes?: unknown): Promise<void> {
    const { cluster, session, vectors, signal } = this.#parts;
    let parcel = totalBytes(views) > PART_BYTES
      ? undefined
      : parcelBytes({ ...done, outcomes }, views);
    let stored: Done["stored"];
    if (parcel === undefined || parcel.length > PART_BYTES) {
      stored = await vectors.put([parcelHead(outcomes), ...views], signal);
      parcel = parcelBytes({ ...done, stored });
    }
    const bytes = parcel, { list, block, key } = done;
    const subject = doneSubject({ session, list, block, key }, this.#parts.machine);
    await insist(
      cluster,
      () => cluster.stream.publish(subject, bytes, { msgID: subject }),
      signal,
    );
    this.#tellEnded({ list, block });
  }

  /** Sends the failure of a block, which a server without room does not store. */
  async #giveUp({ millis, ...failure }: Done): Promise<void> {
    try {
      await this.#tell({ millis, ...failure }, []);
    } catch (error) {
      this.#tellEnded(failure);
      throw error;
    }
  }

  #tellEnded(ended: object): void {
    const { cluster: { connection }, session, machine } = this.#parts;
    connection.publish(endedSubject(session, machine), JSON.stringify(ended));
  }

  async #isOpen(): Promise<boolean> {
    const { cluster, session } = this.#parts;
    return await Lease.holder(cluster, session) !== undefined;
  }

  async #started(): Promise<ClientPool> {
    return this.#pool ??= await WorkerPool.start(this.#parts.options);
  }

  async #drop(): Promise<void> {
    const pool = this.#pool;
    this.#pool = this.#input = undefined;
    await pool?.[Symbol.asyncDispose]();
  }

  /** Ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#drop();
  }
}

function keysOf({ list, block, key }: Block): Pick<Done, "list" | "block" | "key"> {
  return { list, block, key };
}
