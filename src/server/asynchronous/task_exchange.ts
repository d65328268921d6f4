import { DeadlineError, errorMessage, ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import { unexpectedRefusal } from "../../round/cohort/unexpected.ts";
import type { AsyncServerBackendHandler } from "../../round/handler/async_server_backend_handler.ts";
import type { ErrorPayload, ParameterUpdatePayload } from "../../wire/messages.ts";
import type { ActiveRun } from "../run/active_run.ts";
import type { JoinedClient } from "../sessions/registration.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Inbox } from "./inbox.ts";
import { ModelVersions } from "./model_versions.ts";
import type { Task, Tasks } from "./tasks.ts";
import type { Version } from "./version.ts";

/** Update that waits to be accepted. */
interface Arrival {
  readonly sender: Rank;
  readonly payload: ParameterUpdatePayload;
}

/** Topology that the tasks belong to. */
export interface TaskExchangeHost {
  readonly handler: AsyncServerBackendHandler;
  /** Largest number of clients that train at a time. */
  readonly concurrency: number;
  /** Time for a task, in seconds. */
  readonly seconds: number;
  /** Number of versions of the run. */
  readonly versions: number;
  /** Returns the operations of the run in progress. */
  run(): ActiveRun;
  /** Sends a client its task. */
  send(task: Task): void;
  /** Gives tasks to clients that ask for work. */
  activate(): void;
  /** Makes the error for an update of a client without a task. */
  unexpected(rank: Rank): ProtocolError;
}

/** Tasks of the clients of a run, and the updates that answer them. */
export class TaskExchange {
  readonly #host: TaskExchangeHost;
  readonly #dispatcher: Dispatcher;
  #inbox = new Inbox<Arrival>();
  #versions: ModelVersions | undefined;

  /** Creates an exchange without tasks. */
  constructor(host: TaskExchangeHost) {
    const { handler, concurrency, seconds } = host;
    this.#host = host;
    this.#dispatcher = new Dispatcher({
      ...{ handler, concurrency, seconds },
      onTask: (task) => host.send(task),
      onLate: (task) => this.#onLate(task),
    });
  }

  /** True once the first version is being made. */
  get hasBegun(): boolean {
    return this.#versions?.current !== undefined;
  }

  /** Versions of the run in progress, or of the last run. */
  get model(): ModelVersions {
    if (this.#versions !== undefined) return this.#versions;
    throw new Error("Cannot talk to clients: the topology is not running");
  }

  /** Tasks of the clients that train. */
  get tasks(): Tasks {
    return this.#dispatcher.tasks;
  }

  /** Clients of the run that do not train. */
  get idle(): Rank[] {
    return this.#host.run().clients.filter((rank) => this.tasks.get(rank) === undefined);
  }

  /** Begins a run with no version, or after the last version of a resumed run. */
  begin(): void {
    const { handler, versions, run } = this.#host;
    this.#inbox = new Inbox();
    this.#dispatcher.clear();
    this.#versions = new ModelVersions({
      handler,
      run: run(),
      count: versions,
      candidates: () => this.#dispatcher.ranks,
    });
  }

  /** Refuses updates from now on, and gives out no more tasks. */
  end(): void {
    this.model.current = undefined;
    this.tasks.clear();
    this.close();
  }

  /** Refuses updates from now on. */
  close(): void {
    this.#inbox.close(() =>
      new ProtocolError("wrong-round", "Cannot take the update: the last version is made")
    );
  }

  /** Notes that a client asks for work. A busy client gets no second task. */
  ask(rank: Rank): void {
    if (this.tasks.get(rank) !== undefined) return;
    this.#dispatcher.ask(rank);
    this.#host.activate();
  }

  /** Notes that a client does not ask for work any more. */
  withdraw(rank: Rank): void {
    this.#dispatcher.withdraw(rank);
  }

  /** Gives the newest parameters to clients that ask for work, while few enough train. */
  assign(): void {
    this.#dispatcher.assign(this.model);
    // A wait for a request becomes a wait for an update.
    this.#inbox.wake();
  }

  /** Puts an update in line; resolves when it was accepted, rejects when it was refused. */
  async put(sender: Rank, payload: ParameterUpdatePayload): Promise<void> {
    await this.#inbox.put({ sender, payload });
  }

  /**
   * Waits for an update and accepts it.
   *
   * @throws {DeadlineError} If no client asks for work in time, or none gives an update that can be
   * accepted.
   */
  async acceptNext(): Promise<void> {
    const { seconds } = this.#host;
    const run = this.#host.run(), { signal } = run;
    const late = () =>
      new DeadlineError(`No client asks for work: gave up after ${seconds} seconds`);
    for (;;) {
      if (this.model.failure !== undefined) throw this.model.failure;
      if (this.#inbox.next((arrival) => this.#accept(arrival))) return;
      if (this.tasks.size > 0) await withDeadline(this.#inbox.changed(), { signal });
      else {
        await run.waitForClients(1);
        if (this.tasks.size > 0) continue;
        await withDeadline(this.#inbox.changed(), { signal, seconds, late });
      }
    }
  }

  /** Ends all tasks and refuses updates; returns the clients whose tasks have ended. */
  interrupt(): readonly Rank[] {
    const { ranks } = this.tasks;
    for (const rank of ranks) this.tasks.end(rank);
    this.close();
    return ranks;
  }

  /** Takes back a version; what clients train on it begins anew, and what was interrupted. */
  unmake(version: Version, interrupted: readonly Rank[]): void {
    const bad = this.model.unmake(version);
    this.#inbox.open();
    for (const rank of interrupted) this.#dispatcher.ask(rank);
    this.#dispatcher.takeBack(bad);
  }

  /** Sends a client its task again, or counts it among those that ask for work. */
  join({ rank, round, awaited }: JoinedClient): void {
    const task = this.tasks.get(rank);
    if (task !== undefined && task.round !== round) this.#host.send(task);
    // A client that was told of a task that it has lost since waits for it, and does not ask.
    if (task === undefined && awaited !== undefined && this.hasBegun) this.ask(rank);
  }

  /** Gives the task of a client up that has left. */
  leave(rank: Rank, reason: string): void {
    this.#dispatcher.withdraw(rank);
    this.model.forget(rank);
    this.#drop(rank, reason);
  }

  /** Ends the task of a client whose update is refused before it is put in line. */
  drop(rank: Rank, error: ProtocolError): void {
    this.#drop(rank, errorMessage(error));
    this.model.countRefused(rank, errorMessage(error));
  }

  /**
   * Ends the task of a client that cannot train on it; the client may ask for another.
   *
   * @throws {ProtocolError} If it has no such task.
   */
  refuse(sender: Rank, { round, message }: ErrorPayload): void {
    const task = this.tasks.get(sender);
    if (task === undefined || task.round !== round) throw unexpectedRefusal(sender, round);
    this.tasks.end(sender);
    this.model.current?.miss(sender, message);
    this.model.countRefused(sender, message);
    this.#host.run().countCannotTrain(sender, task.round, message);
    this.#host.activate();
    this.#inbox.wake();
  }

  /**
   * Accepts an update.
   *
   * @throws {ProtocolError} If it was not asked for, or cannot be accepted.
   */
  #accept({ sender, payload }: Arrival): void {
    const task = this.tasks.get(sender), version = this.model.current;
    if (task === undefined || version === undefined) throw this.#host.unexpected(sender);
    if (payload.round !== task.round) {
      throw new ProtocolError(
        "wrong-round",
        `Cannot take the update of rank ${sender}: expected one for round ${task.round}, got one for round ${payload.round}`,
      );
    }
    this.tasks.end(sender);
    this.model.accept(task, version, payload);
  }

  /** Called when the time of a task has passed. */
  #onLate(task: Task): void {
    const { rank } = task;
    // An update that waits for a buffer, or to be accepted, has come in time.
    if (task.isAnswering && !task.isReading) return this.tasks.extend(task);
    if (this.#inbox.has(({ sender }) => sender === rank)) return this.tasks.extend(task);
    const reason = `no answer within ${this.#host.seconds} seconds`;
    const run = this.#host.run();
    if (task.isAnswering || run.isSending(rank)) run.disconnect(rank, reason);
    this.model.noteLate(rank);
    this.#drop(rank, reason);
    this.model.countRefused(rank, reason);
  }

  /** Ends the task of a client that will not answer; another client takes its place. */
  #drop(rank: Rank, reason: string): void {
    const { current } = this.model;
    if (this.tasks.end(rank) !== undefined && current !== undefined) {
      current.dropped++;
      current.miss(rank, reason);
      this.#host.activate();
    }
    this.#inbox.wake();
  }
}
