import type { Rank } from "../../base/rank.ts";
import type { AsyncServerBackendHandler } from "../../round/handler/async_server_backend_handler.ts";
import type { ModelVersions } from "./model_versions.ts";
import { type Task, Tasks } from "./tasks.ts";

/** Options of a {@linkcode Dispatcher}. */
export interface DispatcherOptions {
  /** Handler that selects among the clients that ask for work. */
  readonly handler: AsyncServerBackendHandler;
  /** Largest number of clients that train at a time. */
  readonly concurrency: number;
  /** Time for a task, in seconds. */
  readonly seconds: number;
  /** Called with each task that begins. */
  onTask(task: Task): void;
  /** Called when the time of a task has passed; it may extend the task. */
  onLate(task: Task): void;
}

/** Clients that train or ask for work. Gives tasks to those that ask, while few enough train. */
export class Dispatcher {
  /** Tasks of the clients that train. */
  readonly tasks: Tasks;
  readonly #options: DispatcherOptions;
  /** Clients that ask for work, in the order of asking. */
  readonly #waiting = new Set<Rank>();
  #draws = 0;

  /** Creates a dispatcher without clients. */
  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.tasks = new Tasks(options.seconds, (task) => options.onLate(task));
  }

  /** Clients that may still send an update: those that train or ask for work. */
  get ranks(): Rank[] {
    return [...this.#waiting, ...this.tasks.ranks];
  }

  /** Notes that a client asks for work. */
  ask(rank: Rank): void {
    this.#waiting.add(rank);
  }

  /** Notes that a client does not ask for work any more. */
  withdraw(rank: Rank): void {
    this.#waiting.delete(rank);
  }

  /** Forgets all clients that ask for work. */
  clear(): void {
    this.#waiting.clear();
  }

  /** Begins tasks of clients that ask for work, as many as may train beside the others. */
  assign(model: ModelVersions): void {
    const { handler, concurrency, onTask } = this.#options;
    const free = concurrency - this.tasks.size, candidates = this.#candidates(model.paused);
    if (model.isOver || free <= 0 || candidates.length === 0) return;
    for (const rank of handler.selectClients(++this.#draws, candidates, free)) {
      this.withdraw(rank);
      const task: Task = {
        rank,
        round: model.nextTask,
        version: model.made,
        base: model.parameters,
        sent: model.sentFor(model.nextTask),
        isCoded: false,
        isAnswering: false,
        isReading: false,
      };
      this.tasks.begin(task);
      onTask(task);
    }
  }

  /** Ends the tasks of a version that was taken back; their clients ask for work again. */
  takeBack(version: number): void {
    for (const rank of this.tasks.ranks) {
      if (this.tasks.get(rank)?.version !== version) continue;
      this.tasks.end(rank);
      this.ask(rank);
    }
  }

  /** Clients that ask for work, without those that pause while others train or ask. */
  #candidates(paused: readonly Rank[]): Rank[] {
    const pausing = new Set(paused);
    const rest = [...this.#waiting].filter((rank) => !pausing.has(rank));
    return rest.length === 0 && this.tasks.size === 0 ? [...this.#waiting] : rest;
  }
}
