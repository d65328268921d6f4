import { DeadlineError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { withDeadline } from "../../base/time/with_deadline.ts";
import { type EvaluationSummary, summarizeClients } from "../../round/report/evaluation_summary.ts";
import { mixedRows } from "../../round/report/client_results.ts";
import { isUnsound } from "../../round/report/means.ts";
import { evaluatedEvent, receivedEvent } from "../../round/report/update_events.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { EvaluationExchange } from "../../round/cohort/evaluation_exchange.ts";
import { TrainingExchange } from "../../round/cohort/training_exchange.ts";
import {
  unexpectedFigures,
  unexpectedRefusal,
  unexpectedUpdate,
} from "../../round/cohort/unexpected.ts";
import type { CohortCollector } from "../../round/cohort/cohort_collector.ts";
import type { UpdateStart } from "../../round/handler/server_codecs.ts";
import { KnownClients } from "../../round/handler/known_clients.ts";
import type { SharedMessage } from "../../net/outgoing_frame.ts";
import type {
  ErrorPayload,
  EvaluateParamsPayload,
  Message,
  ParameterUpdatePayload,
} from "../../wire/messages.ts";
import { Downloads } from "../downloads/downloads.ts";
import { sendToCohort } from "../downloads/send_to_cohort.ts";
import { ParametersMessages } from "./parameters_messages.ts";
import type { RunContext } from "./run_context.ts";
import { sendTraced } from "./told_tracer.ts";

/** Checks for passed deadlines in the time of one round. */
const CHECKS = 8;
/** Share of a round's time after which a download does not hold up others any more. */
const PLACE_SHARE = 1 / 8;

/** Exchanges of a run with cohorts: the parameters go out, updates or figures come back. */
export class ExchangeRunner {
  /** Exchange in progress. */
  open: TrainingExchange | EvaluationExchange | undefined;
  /** Names of the clients' sites, as claimed. */
  readonly sites = new Map<Rank, string>();
  readonly #run: RunContext;
  readonly #downloads: Downloads;
  readonly #messages: ParametersMessages;
  #hasToldRows = false;
  /** Clients that have sent no figures of late; each evaluation would wait for them in vain. */
  readonly #evaluators = new KnownClients();

  constructor(run: RunContext) {
    this.#run = run;
    this.#messages = new ParametersMessages(run);
    const { options: { downloadsAtOnce: atOnce }, timeouts: { roundSeconds } } = run.topology;
    this.#downloads = new Downloads({ atOnce, placeMillis: roundSeconds * 1000 * PLACE_SHARE });
  }

  /** Training in progress. */
  get training(): TrainingExchange | undefined {
    return this.open instanceof TrainingExchange ? this.open : undefined;
  }

  /** Vectors that an update of the rank is related to; `undefined` if no training is open. */
  startOf(rank: Rank): UpdateStart | undefined {
    const { training } = this, { parameters } = this.#run.topology.handler;
    const isCoded = training?.codedRanks.has(rank);
    return training && { parameters, sent: isCoded ? training.sent.parameters : parameters };
  }

  /** Opens an exchange until the topology has sent the messages and received the answers. */
  async runExchange<Exchange extends TrainingExchange | EvaluationExchange>(
    exchange: Exchange,
  ): Promise<Exchange> {
    this.open = exchange;
    try {
      await this.#run.topology.performExchange();
    } finally {
      this.open = undefined;
      this.#downloads.clear();
      // When the run was stopped, ranks that wait for their turn would wait for ever.
      for (const rank of exchange.collector.pending) {
        exchange.collector.settle(rank, "dropped", "the run was stopped", true);
      }
    }
    return exchange;
  }

  /** Sends a rank the parameters of the open exchange; a client that is away gets them later. */
  send(rank: Rank): void {
    // Its turn to download is still to come.
    if (this.#required().collector.isUnsent(rank)) return;
    this.#sendTo(rank, this.#messages.of(this.#required())(rank));
  }

  /** Sends a message; returns `false` when the client is away, or has left. */
  #sendTo(
    rank: Rank,
    message: Message | SharedMessage,
    onEnd?: (isSent: boolean) => void,
  ): boolean {
    const { sessions } = this.#run;
    if (sendTraced(this.#run, rank, message, onEnd)) {
      this.#run.costs.countVector("down", message, { whole: this.#run.subModels.bytes });
      return true;
    }
    if (!sessions.registry.isAway(rank)) {
      this.#required().collector.settle(rank, "dropped", "it left before the round began");
    }
    return false;
  }

  /** Returns the field with the settings of a round, where they differ from those assigned. */
  planField(round: number): { readonly plan?: TrainSettings } {
    return this.#messages.planField(round);
  }

  /** Sends the parameters to the cohort of the open exchange. */
  sendToCohort(): void {
    const { subModels, sessions } = this.#run;
    const exchange = this.#required(), messageTo = this.#messages.of(exchange);
    sendToCohort(exchange.collector, this.#downloads, {
      bytes: subModels.bytes,
      addressOf: (rank) => sessions.registry.group.get(rank)?.address,
      sendTo: (rank, onEnd) => this.#sendTo(rank, messageTo(rank), onEnd),
    });
  }

  /**
   * Waits until each client of the cohort has answered, is gone, or has passed its deadline. At the
   * deadline clients are dropped whose updates are not complete; an update that waits for its
   * buffer or its turn is not late.
   */
  async collectAnswers(): Promise<void> {
    const { sessions, topology: { timeouts: { roundSeconds } } } = this.#run;
    const { collector } = this.#required();
    while (!await this.#isFinished(collector, collector.millisToDeadline(roundSeconds))) {
      for (const { rank, reason, isReading } of collector.overdue(roundSeconds)) {
        collector.settle(rank, "dropped", reason);
        // The rest of its update would be taken for that of a later round.
        if (isReading) sessions.disconnect(rank, reason);
      }
    }
  }

  /** Disconnects the clients of the cohort that have not read all of the parameters yet. */
  disconnectSlowReceivers(): void {
    const { sessions } = this.#run;
    for (const rank of this.open?.collector.cohort ?? []) {
      if (!sessions.isSending(rank)) continue;
      sessions.disconnect(rank, "it did not take the round's parameters in time");
    }
  }

  /**
   * Accepts an update for the training in progress, when it is its rank's turn.
   *
   * @throws {ProtocolError} If the update is refused.
   */
  acceptUpdate(sender: Rank, update: ParameterUpdatePayload): void | Promise<void> {
    const { training } = this;
    if (training === undefined) throw unexpectedUpdate(sender, undefined);
    const accepted = training.accept(sender, update);
    const report = (isAccepted: boolean) => {
      if (isAccepted) this.#run.emit(receivedEvent(training, sender, update));
    };
    return typeof accepted === "boolean" ? report(accepted) : accepted.then(report);
  }

  /**
   * Settles a rank that has no update for the training in progress.
   *
   * @returns The round of the training.
   * @throws {ProtocolError} If no update of that round is expected of it.
   */
  settleCannotTrain(sender: Rank, { round, message }: ErrorPayload): number {
    const { collector } = this.training ?? {};
    if (collector === undefined || collector.round !== round) {
      throw unexpectedRefusal(sender, round);
    }
    if (!collector.isPending(sender)) throw unexpectedUpdate(sender, collector);
    collector.settle(sender, "refused", message, true);
    return collector.round;
  }

  /**
   * Takes a client's figures.
   *
   * @throws {ProtocolError} If none are expected.
   */
  takeFigures(sender: Rank, figures: EvaluateParamsPayload): void {
    if (!(this.open instanceof EvaluationExchange)) throw unexpectedFigures(sender, figures.round);
    const site = this.sites.get(sender);
    const result = this.open.accept(sender, figures, site);
    if (result) this.#run.emit(evaluatedEvent(figures.round, result));
  }

  /**
   * Evaluates the parameters on the server or, where the handler has no evaluator, on the clients
   * of those ranks. A client that has sent no figures twice in a row is left out of one evaluation,
   * then of 2, 4, and so on.
   */
  async evaluate(round: number, ranks: readonly Rank[]): Promise<EvaluationSummary> {
    const { topology: { handler: { evaluate, isClosed } }, signal } = this.#run;
    // The clients' own figures would tell what noise or masks hide.
    if (evaluate === undefined && isClosed) return {};
    if (evaluate !== undefined) {
      const evaluation = await evaluate(signal);
      return { evaluation, isUnsound: isUnsound([evaluation]) };
    }
    const paused = new Set(this.#evaluators.paused(round));
    const cohort = ranks.filter((rank) => !paused.has(rank));
    const evaluation = new EvaluationExchange(round, cohort.length > 0 ? cohort : ranks);
    const { results, collector } = await this.runExchange(evaluation);
    for (const rank of collector.cohort) {
      if (collector.outcome(rank) === "received") this.#evaluators.addUpdate(rank, { round });
      else this.#evaluators.addMiss(rank, round);
    }
    for (const rank of evaluation.mismatched) {
      this.#run.peers.members.warn(
        `rank ${rank}`,
        `The metrics leave out rank ${rank}: its sums are those of another task or number of outputs`,
      );
    }
    const mixed = mixedRows(results);
    if (mixed !== undefined && !this.#hasToldRows) this.#run.logger.warn(mixed);
    this.#hasToldRows ||= mixed !== undefined;
    return summarizeClients(results);
  }

  #required(): TrainingExchange | EvaluationExchange {
    if (this.open === undefined) throw new Error("Cannot talk to a cohort: no round is open");
    return this.open;
  }

  /** Reports whether the cohort finishes before its next deadline, or before the next check. */
  async #isFinished(collector: CohortCollector, millis: number | undefined): Promise<boolean> {
    const { topology: { timeouts: { roundSeconds } }, signal } = this.#run;
    const finished = collector.allSettled().then(() => true);
    // Deadlines change when the server begins to read an update.
    const seconds = Math.min(roundSeconds / CHECKS, (millis ?? Infinity) / 1000);
    const late = () => new DeadlineError("late");
    try {
      return await withDeadline(finished, { seconds, signal, late });
    } catch (error) {
      if (error instanceof DeadlineError) return false;
      throw error;
    }
  }
}
