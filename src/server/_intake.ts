import type { Rank } from "../net/process_group.ts";

/** How a rank's part in a round ended. */
export type Outcome = "received" | "refused" | "dropped";

/**
 * One round's answers, taken in rank order: what the strategy sees does not depend on who was first. Only the next `window` ranks that are still open
 * may be read; the others wait in their sockets, so that memory does not grow with the cohort.
 */
export class Intake {
  /** The round, from 1. */
  readonly round: number;
  /** The cohort, in rank order. */
  readonly cohort: readonly Rank[];
  /** Where each rank stands in the cohort. */
  readonly #places: ReadonlyMap<Rank, number>;
  readonly #window: number;
  readonly #enough: number;
  readonly #outcomes = new Map<Rank, Outcome>();
  readonly #reasons = new Map<Rank, string>();
  readonly #answering = new Set<Rank>();
  readonly #watchers = new Set<() => void>();
  #head = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(round: number, cohort: readonly Rank[], window: number, enough = cohort.length) {
    this.round = round;
    this.#enough = enough;
    this.cohort = [...cohort].sort((a, b) => a - b);
    this.#places = new Map(this.cohort.map((rank, i) => [rank, i]));
    this.#window = window;
  }

  /** Whether the rank's answer is still to come. */
  expects(rank: Rank): boolean {
    return this.#places.has(rank) && !this.#outcomes.has(rank);
  }

  /** How the rank's part ended; `undefined` while it is open. */
  outcome(rank: Rank): Outcome | undefined {
    return this.#outcomes.get(rank);
  }

  /** The ranks that are still open. */
  get open(): Rank[] {
    return this.cohort.filter((rank) => !this.#outcomes.has(rank));
  }

  /** The open ranks of which not even the beginning of an answer was seen. */
  get unheard(): Rank[] {
    return this.open.filter((rank) => !this.#answering.has(rank));
  }

  /** Number of ranks whose part ended so. */
  count(outcome: Outcome): number {
    return [...this.#outcomes.values()].filter((one) => one === outcome).length;
  }

  /** Why ranks were dropped or refused. */
  get losses(): { rank: Rank; reason: string }[] {
    return [...this.#reasons].map(([rank, reason]) => ({ rank, reason })).sort((a, b) =>
      a.rank - b.rank
    );
  }

  /**
   * An answer begins to come in: the deadline is kept. Resolves true once it may be read, false when the rank is not expected (any more). A rank
   * that came back while its first answer is still being taken in waits for how that ends.
   */
  async admit(rank: Rank): Promise<boolean> {
    await this.#until(() => !this.expects(rank) || !this.#answering.has(rank));
    if (!this.expects(rank)) return false;
    this.#answering.add(rank);
    this.#closeWhenEnough();
    await this.#until(() =>
      !this.expects(rank) || (this.#places.get(rank) ?? Infinity) < this.#head + this.#window
    );
    return this.expects(rank);
  }

  /** What came was not this round's answer, or broke off: the rank is as if nothing had been heard. */
  takeBack(rank: Rank): void {
    this.#answering.delete(rank);
    this.#wake();
  }

  /** Resolves true when every lower rank is done and it is this one's turn to be taken in, false when the rank is not expected any more. */
  async turn(rank: Rank): Promise<boolean> {
    await this.#until(() => !this.expects(rank) || this.cohort[this.#head] === rank);
    return this.expects(rank);
  }

  /** Ends a rank's part; the first word counts. */
  settle(rank: Rank, outcome: Outcome, reason?: string): void {
    if (!this.expects(rank)) return;
    this.#outcomes.set(rank, outcome);
    if (reason !== undefined) this.#reasons.set(rank, reason);
    while (this.#head < this.cohort.length && this.#outcomes.has(this.cohort[this.#head] ?? 0)) {
      this.#head++;
    }
    this.#wake();
  }

  /** The round cannot be ended, whatever answers are still to come. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  /** Resolves when no rank is open; rejects when the round has failed. */
  async finished(): Promise<void> {
    await this.#until(() => this.#failure !== undefined || this.#head === this.cohort.length);
    if (this.#failure) throw this.#failure.error;
  }

  /** Of a cohort that was chosen larger than needed, those that have not begun to answer are too late once enough others have. */
  #closeWhenEnough(): void {
    const begun = this.open.filter((rank) => this.#answering.has(rank)).length;
    if (begun + this.count("received") < this.#enough) return;
    for (const rank of this.unheard) {
      this.settle(rank, "dropped", `${this.#enough} others were first`);
    }
  }

  #wake(): void {
    for (const wake of this.#watchers) wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
  }
}
