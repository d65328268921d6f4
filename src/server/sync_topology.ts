/**
 * Synchronous server.
 *
 * @module
 */

import { lazy } from "../base/lazy.ts";
import type { Rank } from "../base/rank.ts";
import { isMemberMessage, wrongAttempt } from "../round/secure/member_message.ts";
import type { SyncServerBackendHandler } from "../round/handler/sync_server_backend_handler.ts";
import { checkSecureGroup } from "../round/secure/group_check.ts";
import type { ServerTopologyOptions } from "./options.ts";
import type { ErrorPayload, Message } from "../wire/messages.ts";
import type { MessageArguments } from "./run/server_topology.ts";
import { checkOwners } from "./secure/check_owners.ts";
import type { SecureRounds } from "./secure/secure_rounds.ts";
import type { JoinedClient } from "./sessions/registration.ts";
import { ServerCommunicationTopology } from "./topology.ts";

const loadRunRound = /* @__PURE__ */ lazy(() => import("../round/run_round.ts"));

/**
 * Synchronous server. Each round selects a cohort, sends it the parameters, waits for its updates,
 * and makes the new model from them. At the end every client is sent `Exit`.
 *
 * A client that dies is dropped, and the round goes on with the others. Every wait has a time-out.
 *
 * @example A server and its two clients, in one process
 * ```ts
 * import {
 *   ClientSyncTop, loadDataset, mlp, NativeSGDHandler, partitionIid, ServerSyncTop, silentLogger,
 *   SyncParameterServerHandler,
 * } from "@fedlab/core";
 * import { initialParameters } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { train, test = train } = await loadDataset("digits");
 * const model = mlp({ inputShape: train.shape, numClasses: train.numClasses });
 * const group = { distBackend: "memory", logger: silentLogger } as const;
 * const server = new ServerSyncTop(
 *   new SyncParameterServerHandler({ ...await initialParameters(model, 1), model }),
 *   { ...group, listen: "wards", worldSize: 3, rounds: 2 },
 * );
 * const clients = partitionIid(train, 2, { seed: 1 }).map((rows) =>
 *   new ClientSyncTop(new NativeSGDHandler({ data: train, testData: test, rows }), {
 *     ...group,
 *     serverAddr: "wards",
 *   })
 * );
 * const [{ rounds }] = await Promise.all([server.run(), ...clients.map((client) => client.run())]);
 * assertEquals(rounds.map(({ received }) => received), [2, 2]);
 * ```
 */
export class ServerSyncTop extends ServerCommunicationTopology {
  #secure: SecureRounds | undefined;

  /**
   * Creates a server; nothing is opened before `run`.
   *
   * @throws {RangeError} If an option is out of range, the group is too small or too large for the
   * handler's secure aggregation, or a key may have several ranks where members sign.
   */
  constructor(handler: SyncServerBackendHandler, options: ServerTopologyOptions) {
    super(handler, options);
    checkSecureGroup(handler, options.worldSize - 1, "Cannot make a server");
    checkOwners(handler, options.gatekeeper);
  }

  /**
   * Trains cohorts until the round has a model, and evaluates it.
   *
   * @throws {DeadlineError} If all clients are gone, or every try has too few updates.
   */
  protected override async runRound(round: number): Promise<void> {
    const { runRound, selectEvaluators } = await loadRunRound();
    const run = this.activeRun, secure = await this.#secureRounds();
    const { trained: { training, ...tries }, evaluated, failure } = await runRound(round, {
      handler: this.handler,
      numClients: this.options.worldSize - 1,
      limits: this.options,
      tracer: run.tracer,
      available: (least) => run.waitForClients(least),
      ...(secure && {
        openTraining: (round, cohort, options) => secure.open(round, cohort, options),
        reopenTraining: () => {
          const openSum = run.openSums.take(round);
          return openSum && secure.reopen(openSum);
        },
      }),
      train: async (training) => void await run.runExchange(training),
      saveRelease: ({ training, ...tries }) => run.saveRelease(training, tries),
      evaluate: (training) =>
        run.evaluate(round, selectEvaluators(run.clients, training, this.handler)),
      lossBefore: () => run.lastEvaluation?.loss,
      onModelUpdated: (training) => run.markAccepted(training),
      onModelReverted: () => run.unmarkAccepted(),
      onRevoked: (error, update) => run.refuseUpdate(error, update),
      emit: (event) => run.emit(event),
      warn: (text) => run.warn(text),
    });
    run.endRound(training, evaluated, tries);
    // The model is the round's even if its evaluation has failed.
    if (failure !== undefined) throw failure;
  }

  /** Sends the messages of the open exchange, and waits for the answers. */
  override async performExchange(): Promise<void> {
    const { exchange } = this.activeRun;
    if (this.#secure === undefined || !this.#secure.isIts(exchange)) {
      return await super.performExchange();
    }
    await this.#secure.perform(exchange, {
      activate: () => this.activateClients(),
      listen: () => this.listenClients(),
    });
  }

  /**
   * Acts on a client's message, also on those of secure aggregation.
   *
   * @throws {ProtocolError} If the message is refused.
   */
  override onReceive(sender: Rank, ...message: MessageArguments): void | Promise<void> {
    const [code, payload] = message, received = { code, payload } as Message;
    if (this.handler.secure === undefined || !isMemberMessage(received)) {
      return super.onReceive(sender, ...message);
    }
    if (this.#secure === undefined) throw wrongAttempt(sender, received.payload);
    return this.#secure.take(sender, received);
  }

  /** Takes a client's notice that it has no update for a round, or reveals nothing, and stays. */
  override onCannotTrain(sender: Rank, notice: ErrorPayload): void {
    if (this.#secure?.refused(sender, notice.round)) {
      this.activeRun.countCannotTrain(sender, notice.round ?? 0, notice.message);
    } else {
      super.onCannotTrain(sender, notice);
      this.#secure?.complained(sender, notice.accused);
    }
  }

  /** Sends a client that is back what it has not answered. */
  override onJoin(client: JoinedClient): void {
    super.onJoin(client);
    this.#secure?.joined(client.rank);
  }

  /** Goes on without a client that has left. */
  override onLeave(rank: Rank, reason: string): void {
    super.onLeave(rank, reason);
    this.#secure?.left(rank);
  }

  /** Cleans up after the last round. */
  protected override endRounds(): void {
    this.#secure = undefined;
    super.endRounds();
  }

  async #secureRounds(): Promise<SecureRounds | undefined> {
    const { secure } = this.handler;
    if (secure === undefined) return undefined;
    const { SecureRounds } = await import("./secure/secure_rounds.ts");
    const [topology, run] = [this as ServerSyncTop, this.activeRun];
    return this.#secure ??= new SecureRounds({
      handler: this.handler,
      timeouts: this.timeouts,
      run,
      get parametersToSend() {
        return topology.parametersToSend;
      },
    }, secure);
  }
}
