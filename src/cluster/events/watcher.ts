import { type Cluster, type ClusterOptions, connectCluster } from "../connect.ts";
import { JetStreamApiError } from "../deps.ts";
import { ClusterError } from "../cluster_error.ts";
import { insist, pause } from "../insist.ts";
import { EVENTS_STREAM, eventSubject } from "../names.ts";
import { readEvent, type RunEvent } from "./run_event.ts";

/** Events that one request reads. */
const BATCH = 256;

/** Milliseconds after which the server is asked for events that nobody has told of. */
const POLL_MILLIS = 2000;

/** Code of the server's error for a stream that is not there. */
const NO_STREAM = 10059;

/** Event of a run, with its place and time. */
export interface StoredEvent {
  /** Number of the event in the stream. */
  readonly seq: number;
  /** Time at which the server stored it. */
  readonly time: Date;
  /** The event. */
  readonly event: RunEvent;
}

/**
 * Reader of the events of a cluster's runs: those that are over, and those under way as they come.
 * It makes nothing on the server, so that any number of them may read.
 */
export class Watcher implements AsyncDisposable {
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /**
   * Connects to a cluster.
   *
   * @throws {ClusterError} If the cluster cannot be used.
   */
  static async connect(options: ClusterOptions): Promise<Watcher> {
    return new Watcher(await connectCluster({ name: "fedlab watcher", ...options }));
  }

  /** Lists the ids of the runs of which there are events, in no order. */
  async runs(): Promise<string[]> {
    const subject = eventSubject("*");
    const info = await this.#stream(subject);
    const start = eventSubject("").length;
    return Object.keys(info?.state.subjects ?? {}).map((subject) => subject.slice(start));
  }

  /** Reads the events of a run so far. */
  async read(id: string, signal?: AbortSignal): Promise<StoredEvent[]> {
    const events: StoredEvent[] = [];
    if (await this.#stream(eventSubject(id)) === undefined) return events;
    for (let from = 1;;) {
      const batch = await this.#batch(id, from, signal);
      events.push(...batch.events);
      if (batch.next === from) return events;
      from = batch.next;
    }
  }

  /**
   * Gives the events of a run, those so far and then each as it comes, up to its end.
   *
   * @throws The signal's reason.
   */
  async *follow(id: string, signal?: AbortSignal): AsyncGenerator<StoredEvent, void> {
    let woken = new AbortController();
    const { connection } = this.#cluster;
    const told = connection.subscribe(eventSubject(id), { callback: () => woken.abort() });
    try {
      for (let from = 1;;) {
        woken = new AbortController();
        const { events, next } = await this.#batch(id, from, signal);
        for (const event of events) {
          yield event;
          if (event.event.type === "finished" || event.event.type === "stopped") return;
        }
        if (next === from) {
          const { signal: waking } = woken;
          await pause(POLL_MILLIS, signal ? AbortSignal.any([waking, signal]) : waking);
        }
        signal?.throwIfAborted();
        from = next;
      }
    } finally {
      if (!connection.isClosed()) told.unsubscribe();
    }
  }

  /** Reads events from a number of the stream on; `next` is `from` where there are none. */
  async #batch(
    id: string,
    from: number,
    signal?: AbortSignal,
  ): Promise<{ events: StoredEvent[]; next: number }> {
    return await insist(this.#cluster, async () => {
      const events: StoredEvent[] = [];
      let next = from;
      try {
        const found = await this.#cluster.manager.direct.getBatch(EVENTS_STREAM, {
          ...{ seq: from, next_by_subj: eventSubject(id), batch: BATCH },
        });
        for await (const message of found) {
          next = message.seq + 1;
          const event = readEvent(message.string());
          if (event !== undefined) events.push({ seq: message.seq, time: message.time, event });
        }
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return { events, next };
    }, signal);
  }

  async #stream(subjects_filter: string) {
    try {
      return await insist(
        this.#cluster,
        () => this.#cluster.manager.streams.info(EVENTS_STREAM, { subjects_filter }),
      );
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_STREAM) return undefined;
      throw error;
    }
  }

  /** Closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }
}

/** Tells whether a request found no message. */
function isNotFound(error: unknown): boolean {
  if (error instanceof ClusterError) return false;
  return error instanceof Error && /no results|not found/i.test(error.message);
}
