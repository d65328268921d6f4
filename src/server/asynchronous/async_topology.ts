/**
 * The asynchronous server.
 *
 * @module
 */

import { DeadlineError, errorMessage, ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { AsyncServerBackendHandler } from "../../round/handler/async_server_backend_handler.ts";
import { unexpectedRefusal } from "../../round/cohort/unexpected.ts";
import { evaluationFields, type EvaluationSummary } from "../../round/report/evaluation_summary.ts";
import { NonFiniteResultError } from "../../round/handler/result_check.ts";
import { KnownClients } from "../../round/handler/known_clients.ts";
import { mostExtreme } from "../../round/handler/update_bound.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { AgreementMode, ErrorPayload, ParameterUpdatePayload } from "../../wire/messages.ts";
import { DEFAULT_ROUND_TRIES } from "../../round/limits.ts";
import type { ServerTopologyOptions } from "../options.ts";
import { lastAcceptedField, type MessageArguments } from "../run/server_topology.ts";
import type { JoinedClient } from "../sessions/registration.ts";
import { ServerCommunicationTopology } from "../topology.ts";
import { Inbox } from "./inbox.ts";
import { RefusedUpdates } from "./refused_updates.ts";
import { type Task, Tasks } from "./tasks.ts";
import { Version } from "./version.ts";

/** How an asynchronous server works. */
export interface ServerAsyncOptions
  extends Omit<ServerTopologyOptions, "rounds" | "quorum" | "roundTries"> {
  /** Number of versions of the model that the run makes, at least 1. Must be given. */
  versions?: number;
  /**
   * Number of versions of the model, by its former name.
   *
   * @deprecated Use {@linkcode versions}.
   */
  updates?: number;
  /** Number of clients that train at a time, at least 1. Default: all of them. */
  concurrency?: number;
  /** After how many versions one is evaluated and kept; the last one is in any case. Default 1. */
  evaluateEvery?: number;
}

/** An update that waits to be taken in. */
interface Arrival {
  readonly sender: Rank;
  readonly payload: ParameterUpdatePayload;
}

function checkCount(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) return;
  throw new RangeError(`Cannot make a server: expected ${name} of at least 1, got ${value}`);
}

/**
 * The asynchronous server: a client that asks for work is given the newest parameters, and its update goes into the model when it comes; nobody waits for
 * anybody. The run ends after so many versions of the model; at the end every client is sent `Exit`.
 *
 * `concurrency` clients train at a time, drawn by the seed from those that ask. A client that is silent for `roundSeconds`, or gone, loses its task, and
 * another may have its place. The order in which updates come decides the result: with one seed it is not the same bit for bit.
 *
 * @example A server and a client in one process
 * ```ts
 * import {
 *   AsyncParameterServerHandler, ClientAsyncTop, ClientBackendHandler, FedAsync, Manifest, ServerAsyncTop, silentLogger,
 *   type TrainResult,
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
 * const handler = new AsyncParameterServerHandler({ manifest, parameters: new Float32Array(1), strategy });
 * const server = new ServerAsyncTop(handler, { ...group, listen: "async", worldSize: 2, versions: 3 });
 * const client = new ClientAsyncTop(new AddTwo(), { ...group, serverAddr: "async" });
 * await Promise.all([server.run(), client.run()]);
 * assertEquals([...handler.parameters], [3]);
 * ```
 */
export class ServerAsyncTop extends ServerCommunicationTopology<AsyncServerBackendHandler> {
  /** Number of clients that train at a time. */
  readonly concurrency: number;
  /** After how many versions one is evaluated and kept. */
  readonly evaluateEvery: number;
  readonly #tasks: Tasks = new Tasks(
    this.timeouts.roundSeconds,
    (task) => this.#late(task),
  );
  /** Who asks for work, in the order of asking. */
  readonly #waiting = new Set<Rank>();
  #inbox = new Inbox<Arrival>();
  /** The round of each client's last update that was taken in this run, as far as this process knows. */
  readonly #lastTaken = new Map<Rank, number>();
  /** The version that updates go into; none before the group is there, and after the last one. */
  #version: Version | undefined;
  /** Number of versions that were made. */
  #made = 0;
  /**
   * Names the tasks, so that an update is told from one for an earlier task: number of updates
   * that went into the versions, and of times that one was taken back.
   */
  #taken = 0;
  /** A copy of the newest parameters, made when a client is first sent them. */
  #newest: ParameterVector | undefined;
  #draws = 0;
  /** Who has missed or spoiled what. */
  #known = new KnownClients();
  /** Whose updates were refused since one was taken in, and what that ends the run with. */
  readonly #refused = new RefusedUpdates(DEFAULT_ROUND_TRIES);
  #failure: DeadlineError | undefined;
  /** Number of versions in a row that were taken back. */
  #spoiled = 0;

  /** Joins a handler to a group that will gather. Nothing is opened before `run`. Throws a `RangeError` for an option out of range. */
  constructor(handler: AsyncServerBackendHandler, options: ServerAsyncOptions) {
    const { updates, versions, concurrency, evaluateEvery = 1, ...rest } = options;
    for (const [name, value] of Object.entries({ updates, versions, concurrency, evaluateEvery })) {
      checkCount(name, value);
    }
    // Without either the check of the base class would name the rounds.
    const rounds = versions ?? updates ?? NaN;
    if (Number.isNaN(rounds)) {
      throw new RangeError("Cannot make a server: expected versions of at least 1, got undefined");
    }
    super(handler, { ...rest, rounds });
    this.concurrency = concurrency ?? options.worldSize - 1;
    this.evaluateEvery = evaluateEvery;
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

  /** Whether the first version is being made. */
  override get hasBegun(): boolean {
    return this.#version !== undefined;
  }

  /** Newest parameters: a copy that stays as it is while it is sent and trained on. */
  override get parametersToSend(): ParameterVector {
    return this.#newest ??= this.handler.parameters.slice();
  }

  /** Starts with an empty state, or after the last version of a resumed run. */
  protected override beginRun(): void {
    const { rounds } = this.activeRun;
    this.#inbox = new Inbox();
    this.#waiting.clear();
    this.#newest = undefined;
    this.#lastTaken.clear();
    this.#known = new KnownClients();
    this.#spoiled = 0;
    this.#refused.clear();
    this.#failure = undefined;
    this.#made = rounds.length;
    this.#taken = rounds.reduce((sum, { received }) => sum + received, 0);
  }

  /** Refuses updates from now on, and gives out no more tasks. */
  protected override endRounds(): void {
    this.#version = undefined;
    this.#tasks.clear();
    this.#closeInbox();
  }

  /** Saves the versions that are evaluated. */
  protected override isCheckpointDue(version: number): boolean {
    return version === this.options.rounds || version % this.evaluateEvery === 0;
  }

  /** Takes requests for work and everything that `ServerCommunicationTopology` takes. */
  override onReceive(sender: Rank, ...message: MessageArguments): Promise<void> {
    if (message[0] !== MessageCode.ParameterRequest) return super.onReceive(sender, ...message);
    // A busy client gets no second task.
    if (this.#tasks.get(sender) === undefined) {
      this.#waiting.add(sender);
      this.activateClients();
    }
    return Promise.resolve();
  }

  /** Puts an update in line; resolves when it was accepted, rejects when it was refused. */
  protected override async onUpdate(
    sender: Rank,
    payload: ParameterUpdatePayload,
  ): Promise<void> {
    await this.#inbox.put({ sender, payload });
  }

  /** Gives the newest parameters to clients that ask for work, while fewer than `concurrency` train. */
  protected override activateClients(): void {
    const free = this.concurrency - this.#tasks.size;
    const isOver = this.#version === undefined || this.#made === this.options.rounds;
    const candidates = this.#candidates();
    if (isOver || free <= 0 || candidates.length === 0) return;
    for (const rank of this.handler.selectClients(++this.#draws, candidates, free)) {
      this.#waiting.delete(rank);
      const task: Task = {
        rank,
        round: this.#taken + 1,
        version: this.#made,
        base: this.parametersToSend,
        isAnswering: false,
        isReading: false,
      };
      this.#tasks.begin(task);
      this.#send(task);
    }
    // Whoever waits for somebody to begin waits for an update from now on.
    this.#inbox.wake();
  }

  /** Waits for an update and takes it in. */
  protected override async listenClients(): Promise<void> {
    const { signal } = this.activeRun;
    const { roundSeconds: seconds } = this.timeouts;
    const late = () =>
      new DeadlineError(`No client asks for work: gave up after ${seconds} seconds`);
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#inbox.next((arrival) => this.#take(arrival))) return;
      if (this.#tasks.size > 0) await withDeadline(this.#inbox.changed(), { signal });
      else {
        await this.activeRun.waitForClients(1);
        if (this.#tasks.size > 0) continue;
        await withDeadline(this.#inbox.changed(), { signal, seconds, late });
      }
    }
  }

  /** Those that wait, without those that pause while others train or wait. */
  #candidates(): Rank[] {
    const paused = new Set(this.#known.paused(this.#made + 1));
    const rest = [...this.#waiting].filter((rank) => !paused.has(rank));
    return rest.length === 0 && this.#tasks.size === 0 ? [...this.#waiting] : rest;
  }

  /** Number of the task for which an update of the rank is expected. */
  override pendingRound(rank: Rank): number | undefined {
    return this.#tasks.get(rank)?.round;
  }

  /** Number of the task of the rank's last accepted update, as far as this process knows. */
  override lastAcceptedRound(rank: Rank): number | undefined {
    return this.#lastTaken.get(rank);
  }

  /** Admits the update of every client that has a task. */
  override admitUpdate(rank: Rank): Promise<boolean> {
    const task = this.#tasks.get(rank);
    if (task !== undefined) task.isAnswering = true;
    return Promise.resolve(task !== undefined);
  }

  /** Extends the time of a task whose update is about to be read. */
  override startUpdate(rank: Rank): void {
    const task = this.#tasks.get(rank);
    if (task === undefined) return;
    task.isReading = true;
    this.#tasks.extend(task);
  }

  /** Called when an update was accepted, was refused, or broke off. */
  override releaseUpdate(rank: Rank): void {
    const task = this.#tasks.get(rank);
    if (task !== undefined) task.isAnswering = task.isReading = false;
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
    if (task !== undefined || awaited === undefined || this.#version === undefined) return;
    this.#waiting.add(rank);
    this.activateClients();
  }

  /** Forgets that the client asks for work: it will ask again. */
  override onDisconnect(rank: Rank): void {
    this.#waiting.delete(rank);
  }

  /** Gives the client's task up. */
  override onLeave(rank: Rank, reason: string): void {
    this.#waiting.delete(rank);
    this.#refused.forget(rank);
    this.#drop(rank, reason);
  }

  #send({ rank, round, base: parameters }: Task): void {
    // Who is away gets it on coming back.
    const payload = { round, parameters, ...lastAcceptedField(this, rank) };
    this.activeRun.send(rank, { code: MessageCode.ParameterUpdate, payload });
  }

  /** Makes a version of the model. */
  protected override async runRound(number: number): Promise<void> {
    const run = this.activeRun, { options: { rounds } } = this;
    const version = this.#version ??= new Version();
    const before = run.lastEvaluation?.loss;
    // The model before is evaluated only if the version's updates have spoiled it.
    const initial = before === undefined ? this.parametersToSend : undefined;
    run.emit({ type: "round-started", round: number, rounds, cohort: this.#tasks.ranks });
    while (!version.isDone) {
      this.activateClients();
      await this.listenClients();
    }
    const isLast = number === rounds;
    let evaluated: EvaluationSummary = {};
    let isSpoilt = false;
    // At the end all clients are free to evaluate; an update that still waits is refused first.
    const interrupted = isLast ? this.#tasks.ranks : [];
    for (const rank of interrupted) this.#tasks.end(rank);
    if (isLast) this.#closeInbox();
    try {
      if (this.isCheckpointDue(number)) evaluated = await this.#evaluate(number);
      isSpoilt = evaluated.isUnsound === true &&
        (initial === undefined ? Number.isFinite(before) : await this.#wasSound(initial, number));
    } catch (error) {
      this.#record(version, {});
      throw error;
    }
    if (isSpoilt) return this.#unmake(version, interrupted);
    this.#spoiled = 0;
    this.#record(version, evaluated);
  }

  /** Records the report of a version. */
  #record(version: Version, evaluated: EvaluationSummary): void {
    const { trainLoss, ...rest } = version.figures;
    const { rounds } = this.activeRun;
    const report = {
      ...version.report,
      round: rounds.length + 1,
      ...evaluationFields(evaluated),
      ...(trainLoss !== undefined && { trainLoss }),
      ...rest,
    };
    this.activeRun.recordRound(report, evaluated.evaluation);
  }

  /** The version that was made last evaluates to no number, where the one before it does: it is taken back, and what clients train on it begins anew. */
  #unmake(version: Version, interrupted: readonly Rank[]): void {
    const what = "the version evaluates to no number";
    if (++this.#spoiled > DEFAULT_ROUND_TRIES) {
      throw new Error(`Cannot make version ${this.#made}: ${what}, whichever update is left out`);
    }
    const bad = this.#made--;
    this.#inbox.open();
    this.#takeBack(version, what);
    for (const rank of interrupted) this.#waiting.add(rank);
    for (const rank of this.#tasks.ranks) {
      if (this.#tasks.get(rank)?.version !== bad) continue;
      this.#tasks.end(rank);
      this.#waiting.add(rank);
    }
  }

  /** Whether the parameters before the version have a loss, so that its updates are to blame. */
  async #wasSound(initial: ParameterVector, number: number): Promise<boolean> {
    const made = this.handler.parameters.slice();
    const use = (vector: ParameterVector) => {
      this.handler.parameters = vector;
      this.#newest = undefined;
    };
    use(initial);
    try {
      return !(await this.#evaluate(number)).isUnsound;
    } finally {
      use(made);
    }
  }

  /** Evaluates on the server, or on the clients that do not train. */
  async #evaluate(number: number): Promise<EvaluationSummary> {
    const run = this.activeRun;
    const idle = run.clients.filter((rank) => this.#tasks.get(rank) === undefined);
    return await run.evaluate(number, idle);
  }

  /** Sends the parameters to evaluate, and waits for the figures; training goes on meanwhile. */
  override async performExchange(): Promise<void> {
    this.activeRun.sendToCohort();
    await this.activeRun.collectAnswers();
  }

  /** Takes an update in. Throws a `ProtocolError` for one that was not asked for, or is not sound. */
  #take({ sender, payload }: Arrival): void {
    const task = this.#tasks.get(sender), version = this.#version;
    if (task === undefined || version === undefined) throw this.unexpectedUpdate(sender);
    if (payload.round !== task.round) {
      throw new ProtocolError(
        "wrong-round",
        `Cannot take the update of rank ${sender}: expected one for round ${task.round}, got one for round ${payload.round}`,
      );
    }
    this.#tasks.end(sender);
    let norm: number;
    try {
      norm = this.handler.check(sender, payload, task);
    } catch (error) {
      this.#miss(version, sender, errorMessage(error));
      throw error;
    }
    const staleness = this.#made - task.version;
    version.add(sender, staleness, payload, norm);
    try {
      version.isDone = this.handler.onReceive(sender, payload, { base: task.base, staleness });
    } catch (error) {
      if (!(error instanceof NonFiniteResultError)) throw error;
      return this.#takeBack(version, "the version's result is not finite");
    }
    this.handler.noteUpdate(sender, norm, payload);
    this.#refused.clear();
    this.#known.addUpdate(sender, { round: this.#made + 1 });
    this.#taken++;
    this.#lastTaken.set(sender, task.round);
    this.activeRun.emit({
      type: "update-received",
      round: this.#made + 1,
      rank: sender,
      received: version.cohort.length,
      expected: this.handler.updatesPerVersion,
      ...(payload.numSamples !== undefined && { numSamples: payload.numSamples }),
      norm,
    });
    if (!version.isDone) return;
    this.#newest = undefined;
    this.#made++;
    if (this.#made < this.options.rounds) this.#version = new Version();
  }

  /** An update is refused that was asked for. */
  #miss(version: Version, rank: Rank, reason: string): void {
    version.miss(rank, reason);
    this.#known.addMiss(rank, this.#made + 1, true);
    this.#count(rank, reason);
  }

  /** The rank gives no update that was asked for. Ends the run when nobody else may give one. */
  #count(rank: Rank, reason: string): void {
    this.#refused.add(rank);
    if (!this.#refused.isTooMany([...this.#waiting, ...this.#tasks.ranks])) return;
    this.#failure ??= new DeadlineError(
      `Cannot make version ${
        this.#made + 1
      }: ${this.#refused.total} updates in a row were refused, the last one since: ${reason}`,
    );
    this.#inbox.wake();
  }

  /** A version, made or not, is spoilt by one of its updates: none of them counts, and the one that is farthest from the others is refused. */
  #takeBack(version: Version, what: string): void {
    this.handler.revertModel();
    this.#newest = undefined;
    this.#taken++;
    // The next one may have been begun already.
    const begun = this.#version === version ? undefined : this.#version;
    const next = this.#version = Version.inPlaceOf(version, begun);
    this.activeRun.emit({
      type: "round-retried",
      round: this.#made + 1,
      received: 0,
      quorum: this.handler.updatesPerVersion,
    });
    const rank = mostExtreme(version.updates);
    if (rank === undefined) return;
    const message =
      `Cannot take the update of rank ${rank}: ${what}, and it is the most extreme in it`;
    this.#miss(next, rank, message);
    const error = new ProtocolError("out-of-bounds", message);
    const { norm } = version.updates.get(rank) ?? {};
    this.activeRun.refuseUpdate(error, { rank, round: this.#made + 1, norm });
  }

  /** Ends the task of a client that cannot train on it; the client may ask for another. */
  override onCannotTrain(sender: Rank, { round, message }: ErrorPayload): void {
    const task = this.#tasks.get(sender);
    if (task === undefined || task.round !== round) throw unexpectedRefusal(sender, round);
    this.#tasks.end(sender);
    this.#version?.miss(sender, message);
    this.#count(sender, message);
    this.activeRun.countCannotTrain(sender, task.round, message);
    this.activateClients();
    this.#inbox.wake();
  }

  /** A client's time is up. */
  #late(task: Task): void {
    const { rank } = task;
    // What waits here for a buffer, or to be taken in, has come in time.
    if (task.isAnswering && !task.isReading) return this.#tasks.extend(task);
    if (this.#inbox.has(({ sender }) => sender === rank)) return this.#tasks.extend(task);
    const reason = `no answer within ${this.timeouts.roundSeconds} seconds`;
    if (task.isAnswering || this.activeRun.isSending(rank)) {
      this.activeRun.disconnect(rank, reason);
    }
    this.#known.addMiss(rank, this.#made + 1);
    this.#drop(rank, reason);
    this.#count(rank, reason);
  }

  /** A client will not answer: its place is another's. */
  #drop(rank: Rank, reason: string): void {
    if (this.#tasks.end(rank) !== undefined && this.#version !== undefined) {
      this.#version.dropped++;
      this.#version.miss(rank, reason);
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
