/**
 * Asynchronous server.
 *
 * @module
 */

import { ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { AsyncServerBackendHandler } from "../../round/handler/async_server_backend_handler.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { AgreementMode, ErrorPayload, ParameterUpdatePayload } from "../../wire/messages.ts";
import { lastAcceptedField, type MessageArguments } from "../run/server_topology.ts";
import type { UpdateStart } from "../../round/handler/server_codecs.ts";
import type { JoinedClient } from "../sessions/registration.ts";
import { ServerCommunicationTopology } from "../topology.ts";
import { checkAsyncOptions, type ServerAsyncOptions } from "./async_options.ts";
import { TaskExchange } from "./task_exchange.ts";
import type { Task } from "./tasks.ts";
import { taskMessage } from "./task_message.ts";
import { Version } from "./version.ts";
import { VersionEvaluation } from "./version_evaluation.ts";

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
  readonly #exchange: TaskExchange;

  /**
   * Creates a server; nothing is opened before `run`.
   *
   * @throws {RangeError} If an option is out of range.
   */
  constructor(handler: AsyncServerBackendHandler, options: ServerAsyncOptions) {
    const { rounds, concurrency, evaluateEvery, rest } = checkAsyncOptions(options);
    super(handler, { ...rest, rounds });
    this.concurrency = concurrency;
    this.evaluateEvery = evaluateEvery;
    this.#exchange = new TaskExchange({
      ...{ handler, concurrency, versions: rounds, seconds: this.timeouts.roundSeconds },
      run: () => this.activeRun,
      send: (task) => this.#send(task),
      activate: () => this.activateClients(),
      unexpected: (rank) => this.unexpectedUpdate(rank),
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
    return this.#exchange.hasBegun;
  }

  /** Newest parameters: a copy that stays as it is while it is sent and trained on. */
  override get parametersToSend(): ParameterVector {
    return this.#exchange.model.parameters;
  }

  /** Starts with no version, or after the last version of a resumed run. */
  protected override beginRun(): void {
    this.#exchange.begin();
  }

  /** Refuses updates from now on, and gives out no more tasks. */
  protected override endRounds(): void {
    this.#exchange.end();
  }

  /** Saves the versions that are evaluated. */
  protected override isCheckpointDue(version: number): boolean {
    return version === this.options.rounds || version % this.evaluateEvery === 0;
  }

  /** Takes requests for work and everything that the base class takes. */
  override onReceive(sender: Rank, ...message: MessageArguments): void | Promise<void> {
    if (message[0] !== MessageCode.ParameterRequest) return super.onReceive(sender, ...message);
    this.#exchange.ask(sender);
  }

  /** Puts an update in line; resolves when it was accepted, rejects when it was refused. */
  protected override async onUpdate(sender: Rank, payload: ParameterUpdatePayload): Promise<void> {
    await this.#exchange.put(sender, payload);
  }

  /** Gives the newest parameters to clients that ask for work, while few enough train. */
  protected override activateClients(): void {
    this.#exchange.assign();
  }

  /** Waits for an update and accepts it. */
  protected override async listenClients(): Promise<void> {
    await this.#exchange.acceptNext();
  }

  /** Sends the parameters to evaluate, and waits for the figures; training goes on meanwhile. */
  override async performExchange(): Promise<void> {
    this.activeRun.sendToCohort();
    await this.activeRun.collectAnswers();
  }

  /** Makes a version of the model. */
  protected override async runRound(number: number): Promise<void> {
    const { activeRun: run, options: { rounds } } = this, { model, tasks } = this.#exchange;
    const version = model.current ??= new Version();
    const evaluation = new VersionEvaluation(model, run.lastEvaluation?.loss);
    run.emit({ type: "round-started", round: number, rounds, cohort: tasks.ranks });
    while (!version.isDone) {
      this.activateClients();
      await this.listenClients();
    }
    const isLast = number === rounds;
    let result: Awaited<ReturnType<VersionEvaluation["run"]>> = { evaluated: {}, isSpoilt: false };
    // At the end all clients are free to evaluate; an update that still waits is refused first.
    const interrupted = isLast ? this.#exchange.interrupt() : [];
    try {
      if (this.isCheckpointDue(number)) {
        result = await evaluation.run(() => run.evaluate(number, this.#exchange.idle));
      }
    } catch (error) {
      run.recordRound(version.reportOf(number, {}), undefined);
      throw error;
    }
    const { evaluated, isSpoilt } = result;
    if (isSpoilt) return this.#exchange.unmake(version, interrupted);
    model.markSound();
    run.recordRound(version.reportOf(number, evaluated), evaluated.evaluation);
  }

  /** Vectors that the update of a rank is related to. */
  override startOf(rank: Rank): UpdateStart | undefined {
    return this.#exchange.tasks.startOf(rank);
  }

  /** Ends the task whose update cannot be decoded. */
  protected override onUndecodable(sender: Rank, error: ProtocolError): void {
    this.#exchange.drop(sender, error);
  }

  /** Number of the task for which an update of the rank is expected. */
  override pendingRound(rank: Rank): number | undefined {
    return this.#exchange.tasks.get(rank)?.round;
  }

  /** Number of the task of the rank's last accepted update, as far as this process knows. */
  override lastAcceptedRound(rank: Rank): number | undefined {
    return this.#exchange.model.lastAccepted(rank);
  }

  /** Admits the update of every client that has a task. */
  override admitUpdate(rank: Rank): boolean {
    return this.#exchange.tasks.markAnswering(rank);
  }

  /** Extends the time of a task whose update is about to be read. */
  override startUpdate(rank: Rank): void {
    this.#exchange.tasks.markReading(rank);
  }

  /** Called when an update that was begun waits, and is not read for a while. */
  override holdUpdate(rank: Rank): void {
    this.#exchange.tasks.markWaiting(rank);
  }

  /** Called when an update was accepted, was refused, or broke off. */
  override releaseUpdate(rank: Rank): void {
    this.#exchange.tasks.markEnded(rank);
  }

  /** Error for an update of a client without a task. */
  override unexpectedUpdate(rank: Rank): ProtocolError {
    return new ProtocolError(
      "wrong-round",
      `Cannot take the update of rank ${rank}: none is expected`,
    );
  }

  /** Sends a client its task again, or counts it among those that ask for work. */
  override onJoin(client: JoinedClient): void {
    this.#exchange.join(client);
  }

  /** Forgets that the client asks for work: it will ask again. */
  override onDisconnect(rank: Rank): void {
    this.#exchange.withdraw(rank);
  }

  /** Gives the client's task up. */
  override onLeave(rank: Rank, reason: string): void {
    this.#exchange.leave(rank, reason);
  }

  /** Ends the task of a client that cannot train on it; the client may ask for another. */
  override onCannotTrain(sender: Rank, notice: ErrorPayload): void {
    this.#exchange.refuse(sender, notice);
  }

  /** Sends a client its task; a client that is away gets it on coming back. */
  #send(task: Task): void {
    const fields = lastAcceptedField(this, task.rank);
    this.activeRun.send(task.rank, taskMessage(task, this.activeRun, fields));
  }
}
