import { DeadlineError } from "../errors.ts";
import type { Rank } from "../net/process_group.ts";
import { within } from "../net/timeouts.ts";
import { MessageCode } from "../wire/message_code.ts";
import type { MessageOf } from "../wire/messages.ts";
import { type Agreement, type Parts, type Run, takenOf } from "./_agreement.ts";
import type { Evaluated } from "./_evaluated.ts";
import { Evaluation, type Training, unexpectedFigures } from "./_exchange.ts";
import type { Intake } from "./_intake.ts";
import { meanResult } from "./_mean_result.ts";
import { clientFigures } from "./distribution.ts";

/** What is said to a cohort, and what is waited for. */
export class Conversation {
  /** What goes on. */
  exchange: Training | Evaluation | undefined;
  readonly #parts: Parts;
  readonly #agreement: Agreement;
  readonly #run: () => Run;

  constructor(parts: Parts, agreement: Agreement, run: () => Run) {
    this.#parts = parts;
    this.#agreement = agreement;
    this.#run = run;
  }

  /** Has a cohort do something, and waits for it to be done. */
  async hold<Exchange extends Training | Evaluation>(
    exchange: Exchange,
    talk: () => Promise<void>,
  ): Promise<Exchange> {
    this.exchange = exchange;
    try {
      await talk();
    } finally {
      this.exchange = undefined;
      // Whoever still waits for its turn waits in vain when the run was stopped.
      for (const rank of exchange.intake.open) {
        exchange.intake.settle(rank, "dropped", "the run was stopped");
      }
    }
    return exchange;
  }

  /** Sends a rank of the cohort what the exchange is about; who is away gets it on coming back. */
  activate(rank: Rank): void {
    const { sessions } = this.#run();
    const { exchange } = this;
    if (exchange === undefined) throw new Error("Cannot talk to a cohort: no round is open");
    const isEvaluation = exchange instanceof Evaluation;
    const code = isEvaluation ? MessageCode.EvaluateParams : MessageCode.ParameterUpdate;
    const { handler, handler: { control } } = this.#parts;
    const { parameters } = this.#agreement;
    const { intake } = exchange;
    const payload = {
      round: intake.round,
      parameters,
      ...(control && !isEvaluation && { control }),
      ...takenOf(handler, this.#agreement.taken(rank)),
    };
    if (!sessions.send(rank, { code, payload }) && !sessions.seats.away.includes(rank)) {
      intake.settle(rank, "dropped", "it left before the round began");
    }
  }

  /** Waits until every member of the cohort has answered, is gone, or has let the round's time-out pass. */
  async listen(): Promise<void> {
    const { sessions } = this.#run();
    if (this.exchange === undefined) throw new Error("Cannot talk to a cohort: no round is open");
    const { intake } = this.exchange;
    if (!await this.#finished(intake)) {
      const reason = `no answer within ${this.#parts.timeouts.roundSeconds} seconds`;
      for (const rank of intake.unheard) intake.settle(rank, "dropped", reason);
      // Those that had begun to answer get as long again to come through.
      if (!await this.#finished(intake)) {
        for (const rank of intake.open) {
          intake.settle(rank, "dropped", reason);
          sessions.giveUp(rank, reason);
        }
      }
    }
  }

  /** Takes a client's figures in. Throws a `ProtocolError` when none are expected. */
  takeFigures(
    sender: Rank,
    figures: MessageOf<typeof MessageCode.EvaluateParams>["payload"],
  ): void {
    if (!(this.exchange instanceof Evaluation)) throw unexpectedFigures(sender, figures.round);
    this.exchange.take(sender, figures);
  }

  /** The server's own evaluation, or else that of the clients of those ranks, with whom `talk` has to do. */
  async evaluate(
    round: number,
    ranks: readonly Rank[],
    talk: () => Promise<void>,
  ): Promise<Evaluated> {
    const { evaluate } = this.#parts.handler;
    if (evaluate !== undefined) return { evaluation: await evaluate(this.#run().signal) };
    const { results } = await this.hold(new Evaluation(round, ranks), talk);
    return { evaluation: meanResult(results), clients: clientFigures(results) };
  }

  /** Whether all have answered or are gone before the round's time-out. */
  async #finished(intake: Intake): Promise<boolean> {
    const finished = intake.finished().then(() => true);
    const { roundSeconds: seconds } = this.#parts.timeouts;
    const late = () => new DeadlineError("late");
    try {
      return await within(finished, { seconds, signal: this.#run().signal, late });
    } catch (error) {
      if (error instanceof DeadlineError) return false;
      throw error;
    }
  }
}
