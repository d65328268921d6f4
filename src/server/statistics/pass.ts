import type { Rank } from "../../base/rank.ts";
import type { StatisticsAnswer, StatisticsQuestion } from "../../wire/messages.ts";

/** A client is gone while it was asked: its earlier answers must not count either. */
export class ClientGoneError extends Error {
  constructor(readonly rank: Rank, readonly reason: string) {
    super(`Rank ${rank} is gone: ${reason}`);
  }
}

/** Questions that were sent to clients, one to each, and their answers. */
export class Pass {
  /** Number of the questions. */
  readonly id: number;
  /** Answers by rank. */
  readonly answers = new Map<Rank, StatisticsAnswer>();
  /** Resolves when all clients have answered; rejects when one is gone. */
  readonly done: Promise<void>;
  readonly #questions: ReadonlyMap<Rank, StatisticsQuestion>;
  readonly #settle: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(id: number, questions: ReadonlyMap<Rank, StatisticsQuestion>) {
    this.id = id;
    this.#questions = questions;
    this.done = this.#settle.promise;
    // The run may end before anyone waits for it.
    this.done.catch(() => {});
  }

  /** The question to a rank that has not answered it; `undefined` if there is none. */
  pendingQuestion(rank: Rank): StatisticsQuestion | undefined {
    return this.answers.has(rank) ? undefined : this.#questions.get(rank);
  }

  /** Ranks that have not answered. */
  get pending(): Rank[] {
    return [...this.#questions.keys()].filter((rank) => !this.answers.has(rank));
  }

  /** Takes an answer. */
  take(rank: Rank, answer: StatisticsAnswer): void {
    this.answers.set(rank, answer);
    if (this.answers.size === this.#questions.size) this.#settle.resolve();
  }

  /** Ends the wait because a client is gone. */
  fail(error: ClientGoneError): void {
    this.#settle.reject(error);
  }
}
