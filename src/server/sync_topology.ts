/**
 * The synchronous server.
 *
 * @module
 */

import type { Rank } from "../base/rank.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { Message, Payload } from "../wire/messages.ts";
import { receivedEvent } from "../round/report/update_events.ts";
import { TrainingExchange } from "../round/cohort/training_exchange.ts";
import { unexpectedUpdate } from "../round/cohort/unexpected.ts";
import { toParameterUpdate } from "../round/cohort/update_message.ts";
import { Federation } from "./federation.ts";
import { LastAcceptedRounds } from "../round/cohort/last_accepted_rounds.ts";
import { type RoundHost, roundReport, runRound, selectEvaluators } from "../round/run_round.ts";
import type { RunReport } from "../round/report/report.ts";
import { ServerCommunicationTopology } from "./topology.ts";

/**
 * The synchronous server: waits for its clients, then each round chooses a cohort, sends it the parameters, waits for the answers, and makes
 * the new model of them; at the end every client is sent `Exit`.
 *
 * A client that dies is dropped and the round goes on with the others; nothing waits without a time-out.
 *
 * @example A server and its two clients, in one process
 * ```ts
 * import {
 *   ClientSyncTop, loadDataset, mlp, NativeSGDHandler, partitionIid, ServerSyncTop, silentLogger, SyncParameterServerHandler,
 * } from "@fedlab/core";
 * import { initialParameters } from "@fedlab/core/tfjs";
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
  readonly #federation: Federation = this.#federate();
  readonly #taken = new LastAcceptedRounds();

  /** What there is to report of the run so far, or of the last one: also when `run` rejects. */
  async report(): Promise<RunReport> {
    return await this.#federation.record.report();
  }

  /**
   * Runs the federation and gives its report; the final vector is `handler.parameters`.
   *
   * Rejects with a `DeadlineError` when too few clients join, a `ConnectionClosedError` when all of them are gone, and with the signal's reason when
   * it is aborted; the clients are told in each case.
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<RunReport> {
    const { record } = this.#federation;
    this.#taken.clear();
    return await this.#federation.conduct(signal, async () => {
      while (!record.isOver) {
        await this.#round(record.rounds.length + 1);
        await this.#federation.keep();
      }
    });
  }

  /** Takes updates, of the kind that the strategy asks for, and figures in; a client's `Exit` and `Error` end its session; any other code is refused. */
  async onReceive(sender: Rank, code: MessageCode, payload: Payload): Promise<void> {
    const message = { code, payload } as Message;
    if (
      message.code !== MessageCode.ParameterUpdate && message.code !== MessageCode.GradientUpdate
    ) {
      return this.#federation.hear(sender, message);
    }
    this.#federation.checkCode(sender, code);
    const training = this.#training;
    if (training === undefined) throw unexpectedUpdate(sender, undefined);
    if (!await training.accept(sender, toParameterUpdate(message), this.handler)) return;
    this.#federation.tell(receivedEvent(training, sender, message.payload));
  }

  /** Sends the global parameters to the cohort; who is away gets them on coming back. */
  protected activateClients(): void {
    const { exchange } = this.#federation.conversation;
    if (exchange === undefined) throw new Error("Cannot talk to a cohort: no round is open");
    for (const rank of exchange.collector.cohort) this.#federation.conversation.activate(rank);
  }

  /** Waits until every member of the cohort has answered, is gone, or has let the round's time-out pass. */
  protected async listenClients(): Promise<void> {
    const { conversation, run: { sessions } } = this.#federation;
    await conversation.listen();
    // The vector is about to change: whoever has not taken all of it by now would get a mixture of two.
    for (const rank of conversation.exchange?.collector.cohort ?? []) {
      if (sessions.isSending(rank)) {
        sessions.giveUp(rank, "it did not take the round's parameters in time");
      }
    }
  }

  #federate(): Federation {
    const hasBegun = () => this.#federation.conversation.exchange !== undefined;
    const { handler, options, timeouts } = this;
    return new Federation({ handler, options, timeouts }, {
      mode: "sync",
      word: "Round",
      codes: [],
      get hasBegun() {
        return hasBegun();
      },
      get parameters() {
        return handler.parameters;
      },
      awaits: (rank) => {
        const collector = this.#training?.collector;
        return collector?.isPending(rank) ? collector.round : undefined;
      },
      taken: (rank) => this.#taken.get(rank, this.#federation.record.rounds),
      admit: (rank, incoming) =>
        this.#training?.collector.admit(rank, incoming) ?? Promise.resolve(false),
      started: (rank) => this.#training?.collector.markReading(rank),
      release: (rank) => this.#training?.collector.withdraw(rank),
      refusal: (rank) => unexpectedUpdate(rank, this.#training?.collector),
      receive: (rank, { code, payload }) => this.onReceive(rank, code, payload),
      joined: ({ rank, round }) => {
        const collector = this.#training?.collector;
        if (collector?.isPending(rank) && collector.round !== round) {
          this.#federation.conversation.activate(rank);
        }
      },
    });
  }

  get #training(): TrainingExchange | undefined {
    const { exchange } = this.#federation.conversation;
    return exchange instanceof TrainingExchange ? exchange : undefined;
  }

  /** Sends to a cohort and waits for its answers. */
  async #talk(): Promise<void> {
    this.activateClients();
    await this.listenClients();
  }

  async #round(round: number): Promise<void> {
    const federation = this.#federation;
    const { conversation, record, run: { logger, sessions: { seats: { group } } } } = federation;
    const measure = federation.measure();
    const host: RoundHost = {
      handler: this.handler,
      numClients: this.options.worldSize - 1,
      limits: this.options,
      available: (least) => federation.enough(least),
      train: async (training) => void await conversation.hold(training, () => this.#talk()),
      onModelUpdated: ({ collector: { round, cohort, absences } }) =>
        this.#taken.add({ round, cohort, losses: absences }),
      onModelReverted: () => this.#taken.revert(),
      evaluate: (training) => {
        const ranks = selectEvaluators(group.ranks, training, this.handler);
        return conversation.evaluate(round, ranks, () => this.#talk());
      },
      lossBefore: () => record.final?.loss,
      onRevoked: (error, update) => federation.refuse(error, update),
      emit: (event) => federation.tell(event),
      warn: (text) => logger.warn(text),
    };
    await record.completeRound(
      () => runRound(round, host),
      (trained, evaluated) =>
        federation.endRound(roundReport(round, trained, evaluated, measure())),
    );
  }
}
