import { errorMessage } from "../../base/errors.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import { type Cluster, type ClusterOptions, connectCluster } from "../connect.ts";
import { nuid } from "../deps.ts";
import { insist, pause } from "../insist.ts";
import { eventSubject } from "../names.ts";
import { provision } from "../provision.ts";
import { eventText, type RunBegan, type RunEvent, shownEvent } from "./run_event.ts";

/** Milliseconds for which the last events are waited for. */
const CLOSE_MILLIS = 5000;

/**
 * Writer of a run's events to the stream of a cluster, each once and in order. A run does not wait
 * for it, and goes on without it where the server refuses an event.
 */
export class EventLog implements AsyncDisposable {
  /** Id of the run among those of the cluster. */
  readonly id: string;
  /** Beginning of the ids of this process's events: another one may write the run's later on. */
  readonly #process = nuid.next();
  readonly #cluster: Cluster;
  readonly #onNotice: (line: string) => void;
  #writing: Promise<void> = Promise.resolve();
  #count = 0;
  #hasFailed = false;

  private constructor(cluster: Cluster, id: string, onNotice: (line: string) => void) {
    this.id = id;
    this.#cluster = cluster;
    this.#onNotice = onNotice;
  }

  /**
   * Begins the events of a run, or goes on with those of a run that was taken over.
   *
   * @param id Id of the run, of letters, digits, `_` and `-`. Default: its name and a random end.
   * @throws {ClusterError} If the cluster cannot be used.
   */
  static async begin(
    options: ClusterOptions,
    run: Omit<RunBegan, "type">,
    id: string = idOf(run.name),
  ): Promise<EventLog> {
    const { onNotice = () => {} } = options;
    // The pool's connection tells when the server is away.
    const cluster = await connectCluster({ ...options, name: "fedlab events", onNotice: () => {} });
    try {
      await provision(cluster);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    const log = new EventLog(cluster, id, onNotice);
    log.#write({ type: "began", ...run });
    return log;
  }

  /** Writes an event, if watchers see it. */
  show(event: ServerEvent): void {
    const shown = shownEvent(event);
    if (shown !== undefined) this.#write(shown);
  }

  #write(event: RunEvent): void {
    const subject = eventSubject(this.id), msgID = `${this.#process}.${this.#count++}`;
    const text = eventText(event);
    this.#writing = this.#writing.then(async () => {
      if (this.#hasFailed) return;
      try {
        await insist(
          this.#cluster,
          () => this.#cluster.stream.publish(subject, text, { msgID }),
        );
      } catch (error) {
        this.#hasFailed = true;
        this.#onNotice(`Watchers see no more of this run: ${errorMessage(error)}`);
      }
    });
  }

  /** Waits for the last events, as far as the server answers, and closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#writing, pause(CLOSE_MILLIS, over.signal)]);
    over.abort();
    await this.#cluster[Symbol.asyncDispose]();
  }
}

function idOf(name: string): string {
  return `${name.replaceAll(/[^\w-]/g, "-").slice(0, 80)}-${nuid.next().slice(-6)}`;
}
