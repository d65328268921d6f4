import { DeadlineError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import { withDeadline } from "../base/time/with_deadline.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { MessageOf } from "../wire/messages.ts";
import { type Agreement, type Parts, type Run, takenOf } from "./agreement.ts";
import type { EvaluationSummary } from "../round/report/evaluation_summary.ts";
import { isUnsound } from "../round/report/means.ts";
import { EvaluationExchange } from "../round/cohort/evaluation_exchange.ts";
import type { TrainingExchange } from "../round/cohort/training_exchange.ts";
import { unexpectedFigures } from "../round/cohort/unexpected.ts";
import type { CohortCollector } from "../round/cohort/cohort_collector.ts";
import { KnownClients } from "../round/handler/known_clients.ts";
import { meanOfClients } from "../round/report/means.ts";
import { clientFigures } from "../round/report/distribution.ts";

/** How often in a round's time it is looked whose time is up. */
const LOOKS = 8;

/** What is said to a cohort, and what is waited for. */
export class Conversation {
  /** What goes on. */
  exchange: TrainingExchange | EvaluationExchange | undefined;
  /** Who has given no figures of late: each evaluation would wait for them for all its time. */
  #evaluators = new KnownClients();
  readonly #parts: Parts;
  readonly #agreement: Agreement;
  readonly #run: () => Run;

  constructor(parts: Parts, agreement: Agreement, run: () => Run) {
    this.#parts = parts;
    this.#agreement = agreement;
    this.#run = run;
  }

  /** A run begins. */
  begin(): void {
    this.#evaluators = new KnownClients();
  }

  /** Has a cohort do something, and waits for it to be done. */
  async hold<Exchange extends TrainingExchange | EvaluationExchange>(
    exchange: Exchange,
    talk: () => Promise<void>,
  ): Promise<Exchange> {
    this.exchange = exchange;
    try {
      await talk();
    } finally {
      this.exchange = undefined;
      // Whoever still waits for its turn waits in vain when the run was stopped.
      for (const rank of exchange.collector.pending) {
        exchange.collector.settle(rank, "dropped", "the run was stopped", true);
      }
    }
    return exchange;
  }

  /** Sends a rank of the cohort what the exchange is about; who is away gets it on coming back. */
  activate(rank: Rank): void {
    const { sessions } = this.#run();
    const { exchange } = this;
    if (exchange === undefined) throw new Error("Cannot talk to a cohort: no round is open");
    const isEvaluation = exchange instanceof EvaluationExchange;
    const code = isEvaluation ? MessageCode.EvaluateParams : MessageCode.ParameterUpdate;
    const { handler, handler: { control } } = this.#parts;
    const { parameters } = this.#agreement;
    const { collector } = exchange;
    const payload = {
      round: collector.round,
      parameters,
      ...(control && !isEvaluation && { control }),
      ...takenOf(handler, this.#agreement.taken(rank)),
    };
    if (!sessions.send(rank, { code, payload }) && !sessions.seats.away.includes(rank)) {
      collector.settle(rank, "dropped", "it left before the round began");
    }
  }

  /**
   * Waits until every member of the cohort has answered, is gone, or has let its time pass. At the
   * deadline those are dropped of whose update bytes are missing; who waits here for its place or
   * its turn is not late.
   */
  async listen(): Promise<void> {
    const { sessions } = this.#run();
    if (this.exchange === undefined) throw new Error("Cannot talk to a cohort: no round is open");
    const { collector } = this.exchange;
    const { roundSeconds } = this.#parts.timeouts;
    while (!await this.#finished(collector, collector.millisToDeadline(roundSeconds))) {
      for (const { rank, reason, isReading } of collector.overdue(roundSeconds)) {
        collector.settle(rank, "dropped", reason);
        // What is still to come of its update would be taken for that of a later round.
        if (isReading) sessions.giveUp(rank, reason);
      }
    }
  }

  /** Takes a client's figures in. Throws a `ProtocolError` when none are expected. */
  takeFigures(
    sender: Rank,
    figures: MessageOf<typeof MessageCode.EvaluateParams>["payload"],
  ): void {
    if (!(this.exchange instanceof EvaluationExchange)) {
      throw unexpectedFigures(sender, figures.round);
    }
    this.exchange.accept(sender, figures);
  }

  /**
   * The server's own evaluation, or else that of the clients of those ranks, with whom `talk` has
   * to do; who has given no figures twice in a row is left out of one evaluation, then of 2, 4, … .
   */
  async evaluate(
    round: number,
    ranks: readonly Rank[],
    talk: () => Promise<void>,
  ): Promise<EvaluationSummary> {
    const { evaluate } = this.#parts.handler;
    if (evaluate !== undefined) {
      const evaluation = await evaluate(this.#run().signal);
      return { evaluation, isUnsound: isUnsound([evaluation]) };
    }
    const paused = new Set(this.#evaluators.paused(round));
    const cohort = ranks.filter((rank) => !paused.has(rank));
    const evaluation = new EvaluationExchange(round, cohort.length > 0 ? cohort : ranks);
    const { results, collector } = await this.hold(evaluation, talk);
    for (const rank of collector.cohort) {
      if (collector.outcome(rank) === "received") this.#evaluators.addUpdate(rank, { round });
      else this.#evaluators.addMiss(rank, round);
    }
    return {
      evaluation: meanOfClients(results),
      clients: clientFigures(results),
      isUnsound: isUnsound(results),
    };
  }

  /**
   * Whether all have answered or are gone before so many milliseconds have passed, or a share of a
   * round's time.
   */
  async #finished(collector: CohortCollector, millis: number | undefined): Promise<boolean> {
    const finished = collector.allSettled().then(() => true);
    // Whose time is up changes as updates begin to be read.
    const most = this.#parts.timeouts.roundSeconds / LOOKS;
    const seconds = Math.min(most, (millis ?? Infinity) / 1000);
    const late = () => new DeadlineError("late");
    try {
      return await withDeadline(finished, { seconds, signal: this.#run().signal, late });
    } catch (error) {
      if (error instanceof DeadlineError) return false;
      throw error;
    }
  }
}
