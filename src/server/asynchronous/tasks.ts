import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";

/** What a client was given to train on. */
export interface Task {
  readonly rank: Rank;
  /** What its update will name. */
  readonly round: number;
  /** Number of versions that there were. */
  readonly version: number;
  /** The parameters, which nobody changes. */
  readonly base: ParameterVector;
  /** Whether its answer has begun to come in. */
  isAnswering: boolean;
  /** Whether that is being read; before that it waits for a buffer. */
  isReading: boolean;
}

/** Who trains what, and until when. */
export class Tasks {
  readonly #tasks = new Map<Rank, Task>();
  readonly #timers = new Map<Rank, ReturnType<typeof setTimeout>>();
  readonly #seconds: number;
  readonly #late: (task: Task) => void;

  /** Each task has so many seconds; then `late` is called, which may give it as long again. */
  constructor(seconds: number, late: (task: Task) => void) {
    this.#seconds = seconds;
    this.#late = late;
  }

  /** Number of clients that are training. */
  get size(): number {
    return this.#tasks.size;
  }

  /** The clients that are training, in order. */
  get ranks(): Rank[] {
    return [...this.#tasks.keys()].sort((a, b) => a - b);
  }

  /** What the rank trains on. */
  get(rank: Rank): Task | undefined {
    return this.#tasks.get(rank);
  }

  /** A client begins. */
  begin(task: Task): void {
    this.#tasks.set(task.rank, task);
    this.#wait(task);
  }

  /** The client gets as long again. */
  extend(task: Task): void {
    this.#wait(task);
  }

  /** A client's task is over, however it ended; gives it, if there was one. */
  end(rank: Rank): Task | undefined {
    const task = this.#tasks.get(rank);
    this.#tasks.delete(rank);
    clearTimeout(this.#timers.get(rank));
    this.#timers.delete(rank);
    return task;
  }

  /** Ends all. */
  clear(): void {
    for (const rank of this.ranks) this.end(rank);
  }

  #wait(task: Task): void {
    clearTimeout(this.#timers.get(task.rank));
    const timer = setTimeout(() => this.#late(task), this.#seconds * 1000);
    this.#timers.set(task.rank, timer);
  }
}
