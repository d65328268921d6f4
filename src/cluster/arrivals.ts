import { v } from "../plan/deps.ts";
import type { Cluster } from "./connect.ts";
import type { StoredMsg } from "./deps.ts";
import { insist, pause } from "./insist.ts";
import { endedSchema } from "./job_message.ts";
import { DONE_STREAM, doneSubject, endedSubject, machineIn } from "./names.ts";
import { ownBytes, parcelBytes } from "./parcel.ts";
import type { Session } from "./session.ts";
import type { BlockList } from "./block_list.ts";
import type { ClientJob } from "../sim/client_pool.ts";

/** Outcome of a block. */
export interface Arrival {
  /** Id of its machine. */
  readonly machine: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Milliseconds after which the server is asked for an outcome that nobody has told of. */
const POLL_MILLIS = 500;
/** Outcomes that are read before their turn. */
const READ_AHEAD = 8;

/**
 * Outcomes of the blocks of a list as they come. Machines tell of each; what they tell is not
 * stored and may be lost, so that the server is asked too.
 */
export class Arrivals {
  readonly #cluster: Cluster;
  readonly #session: string;
  readonly #lost: AbortSignal;
  readonly #stop: () => void;
  #list: BlockList<ClientJob> | undefined;
  readonly #ended = new Set<number>();
  readonly #read = new Map<number, Promise<StoredMsg | null>>();
  /** Outcomes of machines that have given up their blocks. */
  readonly #failures = new Map<number, Arrival>();
  /** Resolves the wait for the next outcome. */
  #wake: () => void = () => {};

  /** Begins to listen. */
  constructor(cluster: Cluster, { id: session, lost }: Pick<Session, "id" | "lost">) {
    this.#cluster = cluster;
    this.#session = session;
    this.#lost = lost;
    const ended = cluster.connection.subscribe(endedSubject(session, ">"), {
      callback: (error, message) => {
        if (error === null) this.#onEnded(message.data, machineIn(message.subject));
      },
    });
    this.#stop = () => ended.unsubscribe();
  }

  /** Stops to listen. */
  stop(): void {
    if (!this.#cluster.connection.isClosed()) this.#stop();
  }

  /** Begins a list. */
  open(list: BlockList<ClientJob>): void {
    this.#list = list;
    this.#ended.clear();
    this.#read.clear();
    this.#failures.clear();
  }

  /** Forgets what has come of a block. */
  forget(block: number): void {
    this.#ended.delete(block);
    this.#read.delete(block);
    this.#failures.delete(block);
  }

  /** Returns the first outcome of the current attempt at a block; `null` for none. */
  async read(block: number): Promise<Arrival | undefined> {
    const reading = this.#read.get(block) ?? this.#find(block);
    this.#read.delete(block);
    const message = await reading;
    if (message === null) return this.#failures.get(block);
    return { machine: machineIn(message.subject), bytes: ownBytes(message.data) };
  }

  /** Waits until an outcome of the block was told of, or for a moment. */
  async wait(block: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    if (!this.#ended.delete(block)) {
      await pause(POLL_MILLIS, AbortSignal.any([woken.signal, signal]));
    }
    this.#wake = () => {};
  }

  async #find(block: number): Promise<StoredMsg | null> {
    const { number: list = -1 } = this.#list ?? {}, key = this.#list?.keyOf(block) ?? "";
    const next_by_subj = doneSubject({ session: this.#session, list, block, key }, ">");
    const { direct } = this.#cluster.manager;
    return await insist(
      this.#cluster,
      () => direct.getMessage(DONE_STREAM, { seq: 1, next_by_subj }),
      this.#lost,
    );
  }

  #onEnded(data: Uint8Array, machine: string): void {
    let ended;
    try {
      ended = v.parse(endedSchema, JSON.parse(new TextDecoder().decode(data)));
    } catch {
      return; // The server is asked for the outcome all the same.
    }
    const { list, block, key, failure } = ended;
    // Blocks that are not there would fill the memory.
    if (list !== this.#list?.number || block >= this.#list.length) return;
    if (failure !== undefined) {
      if (key !== this.#list.keyOf(block)) return;
      const bytes = parcelBytes({ list, block, key, millis: 0, failure });
      this.#failures.set(block, { machine, bytes });
    }
    this.#ended.add(block);
    if (this.#read.size < READ_AHEAD && !this.#read.has(block)) {
      const reading = this.#find(block);
      reading.catch(() => {});
      this.#read.set(block, reading);
    }
    this.#wake();
  }
}
