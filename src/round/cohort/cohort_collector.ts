import { type Rank, SERVER_RANK } from "../../base/rank.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { Answer, type IncomingBody } from "./answer.ts";
import type { CohortAbsence, OverdueRank } from "../report/absence.ts";
import { RankWaits } from "./rank_waits.ts";

/** Outcome of a rank's part in a round. */
export type Outcome = "received" | "refused" | "dropped";

/** Options of a {@linkcode CohortCollector}. */
export interface CohortCollectorOptions {
  /** Number of consecutive ranks whose updates may be read at once. */
  readonly window: number;
  /** Number of updates that end the round. Default: the size of the cohort. */
  readonly enough?: number;
  /** Returns the time in milliseconds. Default: the runtime's clock. */
  readonly now?: () => number;
}

/**
 * Collects a cohort's answers of one round in rank order, so that the strategy's input does not
 * depend on the order of arrival. Only the next `window` pending ranks may be read. The others wait
 * in their sockets, so that memory does not grow with the cohort.
 *
 * ```text
 * rank   1 2 3 4 5 6     ✓ settled  ◐ being read  · not answered yet  … waits in its socket
 *        ✓ ✓ ◐ · ◐ …     window = 3: ranks 3 to 5, from the first pending rank on
 * ```
 *
 * A rank's time is up when bytes of its update are missing at the deadline. The time that it waited
 * for its place in the window is given back, so that no rank is late because of another one.
 */
export class CohortCollector {
  /** The round, from 1. */
  readonly round: number;
  /** The cohort, in rank order. */
  readonly cohort: readonly Rank[];
  /** Index of each rank in the cohort. */
  readonly #indices: ReadonlyMap<Rank, number>;
  readonly #window: number;
  readonly #enough: number;
  readonly #now: () => number;
  readonly #opened: number;
  readonly #outcomes = new Map<Rank, Outcome>();
  /** Number of ranks with each outcome: asked for at each update, so never counted anew. */
  readonly #counts: Record<Outcome, number> = { received: 0, refused: 0, dropped: 0 };
  readonly #absences = new Map<Rank, CohortAbsence>();
  readonly #answers = new Map<Rank, Answer>();
  /** Times at which the parameters were sent, where that was after the opening. */
  readonly #starts = new Map<Rank, number>();
  /** Waits of the ranks and, as the server's, for the end. */
  readonly #waits = new RankWaits();
  /** Number of complete answers, accepted or not, and index of the first pending rank. */
  #complete = 0;
  #head = 0;
  #failure: { readonly error: unknown } | undefined;

  /** Opens the collection of a round of that number. */
  constructor(round: number, cohort: readonly Rank[], options: CohortCollectorOptions) {
    const { window, enough = cohort.length, now = () => runtime.clock.now() } = options;
    this.round = round;
    this.cohort = [...cohort].sort((a, b) => a - b);
    this.#indices = new Map(this.cohort.map((rank, i) => [rank, i]));
    this.#window = window;
    this.#enough = enough;
    this.#now = now;
    this.#opened = now();
  }

  /** Returns `true` while the rank's answer is still to come. */
  isPending(rank: Rank): boolean {
    return this.#indices.has(rank) && !this.#outcomes.has(rank);
  }

  /** Returns the rank's outcome; `undefined` while it is pending, or outside the cohort. */
  outcome(rank: Rank): Outcome | undefined {
    return this.#outcomes.get(rank);
  }

  /** The ranks without an outcome, in order. */
  get pending(): Rank[] {
    return this.cohort.slice(this.#head).filter((rank) => !this.#outcomes.has(rank));
  }

  /** Returns the number of ranks with that outcome. */
  count(outcome: Outcome): number {
    return this.#counts[outcome];
  }

  /** The ranks that were dropped or refused, in order, with their reasons. */
  get absences(): CohortAbsence[] {
    return [...this.#absences.values()].sort((a, b) => a.rank - b.rank);
  }

  /**
   * Announces an answer, and waits unless it may be read at once. A rank that reconnected while
   * its first answer is still being accepted waits for the outcome of that one.
   *
   * @returns `false` when the rank is not pending, or no longer, or the answer was withdrawn.
   */
  admit(rank: Rank, body?: IncomingBody): boolean | Promise<boolean> {
    if (!this.isPending(rank) || !this.#answers.has(rank)) return this.#admit(rank, body);
    const isNext = () => !this.isPending(rank) || !this.#answers.has(rank);
    return this.#waits.until(rank, isNext).then(() => this.#admit(rank, body));
  }

  #admit(rank: Rank, body: IncomingBody | undefined): boolean | Promise<boolean> {
    if (!this.isPending(rank)) return false;
    const index = this.#indices.get(rank) ?? Infinity, answer = new Answer(body, this.#now());
    this.#answers.set(rank, answer);
    if (index < this.#head + this.#window) return true;
    const isOver = () => !this.isPending(rank) || this.#answers.get(rank) !== answer;
    return this.#waits.until(rank, () => isOver() || index < this.#head + this.#window)
      .then(() => !isOver());
  }

  /** Notes that the rank's answer has its place and is read from now on. */
  markReading(rank: Rank): void {
    this.#answers.get(rank)?.read(this.#now());
  }

  /** Notes that the rank's answer waits and is not read until {@linkcode markReading}. */
  markWaiting(rank: Rank): void {
    this.#answers.get(rank)?.wait(this.#now());
  }

  /** Notes whether the parameters are sent to the rank: its time begins when they are. */
  markSent(rank: Rank, isSent = true): void {
    this.#starts.set(rank, isSent ? this.#now() : Infinity);
  }

  /** Returns `true` while the parameters are still to be sent to the rank. */
  isUnsent(rank: Rank): boolean {
    return this.#starts.get(rank) === Infinity;
  }

  /** Notes that the rank's answer is complete. Once there are enough, drops the other ranks. */
  markComplete(rank: Rank): void {
    const answer = this.#answers.get(rank) ?? new Answer(undefined, this.#now());
    if (!this.isPending(rank) || answer.isComplete) return;
    answer.isComplete = true;
    this.#answers.set(rank, answer);
    if (++this.#complete < this.#enough) return;
    const reason = `${this.#enough} others were first`;
    for (const late of this.pending) {
      if (!this.#answers.get(late)?.isComplete) this.settle(late, "dropped", reason, true);
    }
  }

  /** Forgets an answer that was not this round's, or broke off: the rank may answer again. */
  withdraw(rank: Rank): void {
    if (this.#answers.get(rank)?.isComplete && this.#outcomes.get(rank) !== "received") {
      this.#complete--;
    }
    this.#answers.delete(rank);
    this.#waits.wake(rank);
  }

  /**
   * Waits, unless it is this rank's turn already, until every lower rank is settled.
   *
   * @returns `false` when the rank is no longer pending.
   */
  waitForTurn(rank: Rank): boolean | Promise<boolean> {
    if (!this.isPending(rank)) return false;
    if (this.cohort[this.#head] === rank) return true;
    const isDue = () => !this.isPending(rank) || this.cohort[this.#head] === rank;
    return this.#waits.until(rank, isDue).then(() => this.isPending(rank));
  }

  /** Records a rank's outcome. Later calls are ignored. */
  settle(rank: Rank, outcome: Outcome, reason?: string, isExcused = false): void {
    if (!this.isPending(rank)) return;
    this.#setOutcome(rank, outcome);
    if (reason !== undefined) this.#absences.set(rank, { rank, reason, isExcused });
    this.#waits.wake(rank);
    this.#moveHead();
  }

  /** Refuses an accepted update after all, because it spoils the round. */
  revoke(rank: Rank, reason: string): void {
    this.#setOutcome(rank, "refused");
    this.#absences.set(rank, { rank, reason, isExcused: false });
  }

  #setOutcome(rank: Rank, outcome: Outcome): void {
    const before = this.#outcomes.get(rank);
    if (before !== undefined) this.#counts[before]--;
    this.#counts[outcome]++;
    this.#outcomes.set(rank, outcome);
  }

  /**
   * Returns the milliseconds until the first deadline of a pending rank.
   *
   * @param seconds The round's time-out.
   * @returns `undefined` while all pending ranks wait for their place or their turn.
   */
  millisToDeadline(seconds: number): number | undefined {
    let first = Infinity;
    for (const rank of this.pending) first = Math.min(first, this.#deadline(rank, seconds));
    return first === Infinity ? undefined : Math.max(0, first - this.#now());
  }

  /** Returns the pending ranks whose time is up. */
  overdue(seconds: number): OverdueRank[] {
    const now = this.#now();
    return this.pending.filter((rank) => this.#deadline(rank, seconds) <= now).map((rank) => {
      const answer = this.#answers.get(rank), isReading = answer?.isReading ?? false;
      const reason = answer?.isReading ? answer.missingText : `no answer within ${seconds} seconds`;
      return { rank, reason, isReading };
    });
  }

  /** Makes {@linkcode allSettled} reject, whatever answers are still to come. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#waits.wake(SERVER_RANK);
  }

  /** Resolves when no rank is pending; rejects when the round has failed. */
  async allSettled(): Promise<void> {
    const isOver = () => this.#failure !== undefined || this.#head === this.cohort.length;
    await this.#waits.until(SERVER_RANK, isOver);
    if (this.#failure) throw this.#failure.error;
  }

  /** Returns the rank's deadline: never while it waits for its place, or once it is complete. */
  #deadline(rank: Rank, seconds: number): number {
    const answer = this.#answers.get(rank);
    const deadline = (this.#starts.get(rank) ?? this.#opened) + seconds * 1000;
    if (answer === undefined) return deadline;
    if (answer.isComplete || !answer.isReading) return Infinity;
    return deadline + answer.waitedMillis;
  }

  /**
   * Moves on to the first pending rank. Only the ranks that this concerns are woken: the one whose
   * turn it is, and those that have come into the window.
   */
  #moveHead(): void {
    const { cohort } = this, from = this.#head;
    while (this.#head < cohort.length && this.#outcomes.has(cohort[this.#head] ?? 0)) this.#head++;
    if (this.#head === from) return;
    if (this.#head === cohort.length) return this.#waits.wake(SERVER_RANK);
    this.#waits.wake(cohort[this.#head] ?? 0);
    const end = Math.min(cohort.length, this.#head + this.#window);
    for (let i = from + this.#window; i < end; i++) this.#waits.wake(cohort[i] ?? 0);
  }
}
