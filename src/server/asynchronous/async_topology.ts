/**
 * Asynchronous server.
 *
 * @module
 */

import { DeadlineError, ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { unexpectedRefusal } from "../../round/cohort/unexpected.ts";
import type { AsyncServerBackendHandler } from "../../round/handler/async_server_backend_handler.ts";
import type { EvaluationSummary } from "../../round/report/evaluation_summary.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { AgreementMode, ErrorPayload, ParameterUpdatePayload } from "../../wire/messages.ts";
import { checkCount } from "../options.ts";
import { lastAcceptedField, type MessageArguments } from "../run/server_topology.ts";
import type { JoinedClient } from "../sessions/registration.ts";
import { ServerCommunicationTopology } from "../topology.ts";
import type { ServerAsyncOptions } from "./async_options.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Inbox } from "./inbox.ts";
import { ModelVersions } from "./model_versions.ts";
import type { Task, Tasks } from "./tasks.ts";
import { Version } from "./version.ts";
import { VersionEvaluation } from "./version_evaluation.ts";

/** Update that waits to be accepted. */
interface Arrival {
  readonly sender: Rank;
  readonly payload: ParameterUpdatePayload;
}

/**
 * Asynchronous server. A client that asks for work gets the newest parameters, and its update goes
 * into the model when it comes; no client waits for another. The run ends after a number of
 * versions of the model. At the end every client is sent `Exit`.
 *
 * At most `concurrency` clients train at a time, drawn by the seed from those that ask. A client
 * that is silent for `roundSeconds`, or has left, loses its task, and another one may take its
 * place. The result depends on the order in which updates come: it is not reproduced by the seed.
 *
 * @example A server and a client in one process
 * ```ts
 * import {
 *   AsyncParameterServerHandler, ClientAsyncTop, ClientBackendHandler, FedAsync, Manifest,
 *   ServerAsyncTop, silentLogger, type TrainResult,
 * } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const manifest = Manifest.of([{ name: "w", shape: [1] }]);
 * class AddTwo extends ClientBackendHandler {
 *   readonly manifest = manifest;
 *   readonly numSamples = 1;
 *   #w = new Float32Array(1);
 *   get parameters() { return this.#w; }
 *   set parameters(w) { this.#w.set(w); }
 *   train(): Promise<TrainResult> {
 *     this.#w.forEach((x, i) => this.#w[i] = x + 2);
 *     return Promise.resolve({ numSamples: 1, steps: 1, loss: 0, metrics: {} });
 *   }
 *   evaluate() { return Promise.resolve({ numSamples: 1, loss: 0 }); }
 * }
 *
 * const group = { distBackend: "memory", logger: silentLogger } as const;
 * const strategy = new FedAsync({ alpha: 0.5 });
 * const parameters = new Float32Array(1);
 * const handler = new AsyncParameterServerHandler({ manifest, parameters, strategy });
 * const options = { ...group, listen: "async", worldSize: 2, versions: 3 };
 * const server = new ServerAsyncTop(handler, options);
 * const client = new ClientAsyncTop(new AddTwo(), { ...group, serverAddr: "async" });
 * await Promise.all([server.run(), client.run()]);
 * assertEquals([...handler.parameters], [3]);
 * ```
 */
export class ServerAsyncTop extends ServerCommunicationTopology<AsyncServerBackendHandler> {
  /** Number of clients that train at a time. */
  readonly concurrency: number;
  /** Number of versions after which one is evaluated and saved. */
  readonly evaluateEvery: number;
  readonly #dispatcher: Dispatcher;
  #inbox = new Inbox<Arrival>();
  #versions: ModelVersions | undefined;

  /**
   * Creates a server; nothing is opened before `run`.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(handler: AsyncServerBackendHandler, options: ServerAsyncOptions) {
    const { updates, versions, concurrency, evaluateEvery = 1, ...rest } = options;
    for (const [name, value] of Object.entries({ updates, versions, concurrency, evaluateEvery })) {
      if (value !== undefined) checkCount(name, value, 1);
    }
    // Without either the check of the base class would name the rounds.
    const rounds = versions ?? updates ?? NaN;
    if (Number.isNaN(rounds)) {
      throw new RangeError("Cannot make a server: expected versions of at least 1, got undefined");
    }
    super(handler, { ...rest, rounds });
    this.concurrency = concurrency ?? options.worldSize - 1;
    this.evaluateEvery = evaluateEvery;
    this.#dispatcher = new Dispatcher({
      handler,
      concurrency: this.concurrency,
      seconds: this.timeouts.roundSeconds,
      onTask: (task) => this.#send(task),
      onLate: (task) => this.#onLate(task),
    });
  }

  /** Always `"async"`: clients ask for work. */
  override get mode(): AgreementMode {
    return "async";
  }

  /** Each round makes a version of the model. */
  override get roundName(): string {
    return "Version";
  }

  /** Clients send requests for work. */
  override get messageCodes(): readonly MessageCode[] {
    return [MessageCode.ParameterRequest];
  }

  /** True once the first version is being made. */
  override get hasBegun(): boolean {
    return this.#versions?.current !== undefined;
  }

  /** Newest parameters: a copy that stays as it is while it is sent and trained on. */
  override get parametersToSend(): ParameterVector {
    return this.#model.parameters;
  }

  /** Starts with no version, or after the last version of a resumed run. */
  protected override beginRun(): void {
    this.#inbox = new Inbox();
    this.#dispatcher.clear();
    this.#versions = new ModelVersions({
      handler: this.handler,
      run: this.activeRun,
      count: this.options.rounds,
      candidates: () => this.#dispatcher.ranks,
    });
  }

  /** Refuses updates from now on, and gives out no more tasks. */
  protected override endRounds(): void {
    this.#model.current = undefined;
    this.#tasks.clear();
    this.#closeInbox();
  }

  /** Saves the versions that are evaluated. */
  protected override isCheckpointDue(version: number): boolean {
    return version === this.options.rounds || version % this.evaluateEvery === 0;
  }

  /** Takes requests for work and everything that the base class takes. */
  override onReceive(sender: Rank, ...message: MessageArguments): Promise<void> {
    if (message[0] !== MessageCode.ParameterRequest) return super.onReceive(sender, ...message);
    // A busy client gets no second task.
    if (this.#tasks.get(sender) === undefined) {
      this.#dispatcher.ask(sender);
      this.activateClients();
    }
    return Promise.resolve();
  }

  /** Puts an update in line; resolves when it was accepted, rejects when it was refused. */
  protected override async onUpdate(sender: Rank, payload: ParameterUpdatePayload): Promise<void> {
    await this.#inbox.put({ sender, payload });
  }

  /** Gives the newest parameters to clients that ask for work, while few enough train. */
  protected override activateClients(): void {
    this.#dispatcher.assign(this.#model);
    // A wait for a request becomes a wait for an update.
    this.#inbox.wake();
  }

  /** Waits for an update and accepts it. */
  protected override async listenClients(): Promise<void> {
    const { activeRun, activeRun: { signal } } = this;
    const { roundSeconds: seconds } = this.timeouts;
    const late = () =>
      new DeadlineError(`No client asks for work: gave up after ${seconds} seconds`);
    for (;;) {
      if (this.#model.failure !== undefined) throw this.#model.failure;
      if (this.#inbox.next((arrival) => this.#accept(arrival))) return;
      if (this.#tasks.size > 0) await withDeadline(this.#inbox.changed(), { signal });
      else {
        await activeRun.waitForClients(1);
        if (this.#tasks.size > 0) continue;
        await withDeadline(this.#inbox.changed(), { signal, seconds, late });
      }
    }
  }

  /** Sends the parameters to evaluate, and waits for the figures; training goes on meanwhile. */
  override async performExchange(): Promise<void> {
    this.activeRun.sendToCohort();
    await this.activeRun.collectAnswers();
  }

  /** Makes a version of the model. */
  protected override async runRound(number: number): Promise<void> {
    const { activeRun: run, options: { rounds } } = this, model = this.#model;
    const version = model.current ??= new Version();
    const evaluation = new VersionEvaluation(model, run.lastEvaluation?.loss);
    run.emit({ type: "round-started", round: number, rounds, cohort: this.#tasks.ranks });
    while (!version.isDone) {
      this.activateClients();
      await this.listenClients();
    }
    const isLast = number === rounds;
    let result: Awaited<ReturnType<VersionEvaluation["run"]>> = { evaluated: {}, isSpoilt: false };
    // At the end all clients are free to evaluate; an update that still waits is refused first.
    const interrupted = isLast ? this.#tasks.ranks : [];
    for (const rank of interrupted) this.#tasks.end(rank);
    if (isLast) this.#closeInbox();
    try {
      if (this.isCheckpointDue(number)) {
        result = await evaluation.run(() => this.#evaluate(number));
      }
    } catch (error) {
      run.recordRound(version.reportOf(number, {}), undefined);
      throw error;
    }
    const { evaluated, isSpoilt } = result;
    if (isSpoilt) return this.#unmake(version, interrupted);
    model.markSound();
    run.recordRound(version.reportOf(number, evaluated), evaluated.evaluation);
  }

  /** Number of the task for which an update of the rank is expected. */
  override pendingRound(rank: Rank): number | undefined {
    return this.#tasks.get(rank)?.round;
  }

  /** Number of the task of the rank's last accepted update, as far as this process knows. */
  override lastAcceptedRound(rank: Rank): number | undefined {
    return this.#model.lastAccepted(rank);
  }

  /** Admits the update of every client that has a task. */
  override admitUpdate(rank: Rank): Promise<boolean> {
    return Promise.resolve(this.#tasks.markAnswering(rank));
  }

  /** Extends the time of a task whose update is about to be read. */
  override startUpdate(rank: Rank): void {
    this.#tasks.markReading(rank);
  }

  /** Called when an update that was begun waits, and is not read for a while. */
  override holdUpdate(rank: Rank): void {
    this.#tasks.markWaiting(rank);
  }

  /** Called when an update was accepted, was refused, or broke off. */
  override releaseUpdate(rank: Rank): void {
    this.#tasks.markEnded(rank);
  }

  /** Error for an update of a client without a task. */
  override unexpectedUpdate(rank: Rank): ProtocolError {
    return new ProtocolError(
      "wrong-round",
      `Cannot take the update of rank ${rank}: none is expected`,
    );
  }

  /** Sends a client its task again, or counts it among those that ask for work. */
  override onJoin({ rank, round, awaited }: JoinedClient): void {
    const task = this.#tasks.get(rank);
    if (task !== undefined && task.round !== round) this.#send(task);
    // A client that was told of a task that it has lost since waits for it, and does not ask.
    if (task !== undefined || awaited === undefined || !this.hasBegun) return;
    this.#dispatcher.ask(rank);
    this.activateClients();
  }

  /** Forgets that the client asks for work: it will ask again. */
  override onDisconnect(rank: Rank): void {
    this.#dispatcher.withdraw(rank);
  }

  /** Gives the client's task up. */
  override onLeave(rank: Rank, reason: string): void {
    this.#dispatcher.withdraw(rank);
    this.#model.forget(rank);
    this.#drop(rank, reason);
  }

  /** Ends the task of a client that cannot train on it; the client may ask for another. */
  override onCannotTrain(sender: Rank, { round, message }: ErrorPayload): void {
    const task = this.#tasks.get(sender);
    if (task === undefined || task.round !== round) throw unexpectedRefusal(sender, round);
    this.#tasks.end(sender);
    this.#model.current?.miss(sender, message);
    this.#model.countRefused(sender, message);
    this.activeRun.countCannotTrain(sender, task.round, message);
    this.activateClients();
    this.#inbox.wake();
  }

  /** Versions of the run in progress, or of the last run. */
  get #model(): ModelVersions {
    if (this.#versions !== undefined) return this.#versions;
    throw new Error("Cannot talk to clients: the topology is not running");
  }

  /** Tasks of the clients that train. */
  get #tasks(): Tasks {
    return this.#dispatcher.tasks;
  }

  /** Sends a client its task; a client that is away gets it on coming back. */
  #send({ rank, round, version, base: parameters }: Task): void {
    const plan = this.activeRun.planField(version + 1);
    const payload = { round, parameters, ...plan, ...lastAcceptedField(this, rank) };
    this.activeRun.send(rank, { code: MessageCode.ParameterUpdate, payload });
  }

  /** Takes back a version; what clients train on it begins anew. */
  #unmake(version: Version, interrupted: readonly Rank[]): void {
    const bad = this.#model.unmake(version);
    this.#inbox.open();
    for (const rank of interrupted) this.#dispatcher.ask(rank);
    this.#dispatcher.takeBack(bad);
  }

  /** Evaluates on the server, or on the clients that do not train. */
  async #evaluate(number: number): Promise<EvaluationSummary> {
    const run = this.activeRun;
    const idle = run.clients.filter((rank) => this.#tasks.get(rank) === undefined);
    return await run.evaluate(number, idle);
  }

  /**
   * Accepts an update.
   *
   * @throws {ProtocolError} If it was not asked for, or cannot be accepted.
   */
  #accept({ sender, payload }: Arrival): void {
    const task = this.#tasks.get(sender), version = this.#model.current;
    if (task === undefined || version === undefined) throw this.unexpectedUpdate(sender);
    if (payload.round !== task.round) {
      throw new ProtocolError(
        "wrong-round",
        `Cannot take the update of rank ${sender}: expected one for round ${task.round}, got one for round ${payload.round}`,
      );
    }
    this.#tasks.end(sender);
    this.#model.accept(task, version, payload);
  }

  /** Called when the time of a task has passed. */
  #onLate(task: Task): void {
    const { rank } = task;
    // An update that waits for a buffer, or to be accepted, has come in time.
    if (task.isAnswering && !task.isReading) return this.#tasks.extend(task);
    if (this.#inbox.has(({ sender }) => sender === rank)) return this.#tasks.extend(task);
    const reason = `no answer within ${this.timeouts.roundSeconds} seconds`;
    if (task.isAnswering || this.activeRun.isSending(rank)) {
      this.activeRun.disconnect(rank, reason);
    }
    this.#model.noteLate(rank);
    this.#drop(rank, reason);
    this.#model.countRefused(rank, reason);
  }

  /** Ends the task of a client that will not answer; another client takes its place. */
  #drop(rank: Rank, reason: string): void {
    const { current } = this.#model;
    if (this.#tasks.end(rank) !== undefined && current !== undefined) {
      current.dropped++;
      current.miss(rank, reason);
      this.activateClients();
    }
    this.#inbox.wake();
  }

  #closeInbox(): void {
    this.#inbox.close(() =>
      new ProtocolError("wrong-round", "Cannot take the update: the last version is made")
    );
  }
}
