import type { Rank } from "../../base/rank.ts";
import { startDeadline } from "../../base/time/start_deadline.ts";
import type { SentModel, UpdateStart } from "../../round/handler/server_codecs.ts";
import type { ParameterVector } from "../../params/manifest.ts";

/** Task of a client: to train from a version of the model. */
export interface Task {
  readonly rank: Rank;
  /** Number of the task, which its update names as its round. */
  readonly round: number;
  /** Number of versions that were made before. */
  readonly version: number;
  /** Parameters to train from, which do not change. */
  readonly base: ParameterVector;
  /** Those parameters as clients with the codec of the downlink are sent them. */
  readonly sent: SentModel;
  /** Set if the client was sent the encoded parameters. */
  isCoded: boolean;
  /** Set if its update has begun to arrive. */
  isAnswering: boolean;
  /** Set if its update is being read; until then it waits for a buffer. */
  isReading: boolean;
}

/** Tasks of the clients that train, each with a time-out. */
export class Tasks {
  readonly #tasks = new Map<Rank, Task>();
  /** Functions that end the time-outs. */
  readonly #timers = new Map<Rank, () => void>();
  readonly #seconds: number;
  readonly #onLate: (task: Task) => void;

  /**
   * Creates an empty set of tasks.
   *
   * @param seconds Time for each task.
   * @param onLate Called when the time of a task has passed; it may extend the task.
   */
  constructor(seconds: number, onLate: (task: Task) => void) {
    this.#seconds = seconds;
    this.#onLate = onLate;
  }

  /** Number of clients that train. */
  get size(): number {
    return this.#tasks.size;
  }

  /** Clients that train, in order. */
  get ranks(): Rank[] {
    return [...this.#tasks.keys()].sort((a, b) => a - b);
  }

  /** Task of a rank. */
  get(rank: Rank): Task | undefined {
    return this.#tasks.get(rank);
  }

  /** Vectors that the update of a rank is related to; `undefined` if it has no task. */
  startOf(rank: Rank): UpdateStart | undefined {
    const task = this.#tasks.get(rank);
    if (task === undefined) return undefined;
    const { base: parameters, sent, isCoded } = task;
    return { parameters, sent: isCoded ? sent.parameters : parameters };
  }

  /** Begins a task. */
  begin(task: Task): void {
    this.#tasks.set(task.rank, task);
    this.extend(task);
  }

  /** Starts the time of a task anew. */
  extend(task: Task): void {
    this.#timers.get(task.rank)?.();
    const end = startDeadline(this.#seconds * 1000, () => this.#onLate(task));
    this.#timers.set(task.rank, end);
  }

  /** Notes that the update of a task begins to arrive. Gives `false` for a rank without a task. */
  markAnswering(rank: Rank): boolean {
    const task = this.#tasks.get(rank);
    if (task !== undefined) task.isAnswering = true;
    return task !== undefined;
  }

  /** Notes that the update of a task is being read, and extends the task. */
  markReading(rank: Rank): void {
    const task = this.#tasks.get(rank);
    if (task === undefined) return;
    task.isReading = true;
    this.extend(task);
  }

  /** Notes that the update of a task waits, and is not read for a while. */
  markWaiting(rank: Rank): void {
    const task = this.#tasks.get(rank);
    if (task !== undefined) task.isReading = false;
  }

  /** Notes that the update of a task has ended, or broke off. */
  markEnded(rank: Rank): void {
    const task = this.#tasks.get(rank);
    if (task !== undefined) task.isAnswering = task.isReading = false;
  }

  /** Ends the task of a rank, and gives it. */
  end(rank: Rank): Task | undefined {
    const task = this.#tasks.get(rank);
    this.#tasks.delete(rank);
    this.#timers.get(rank)?.();
    this.#timers.delete(rank);
    return task;
  }

  /** Ends all tasks. */
  clear(): void {
    for (const rank of this.ranks) this.end(rank);
  }
}
