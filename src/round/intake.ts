import type { Rank } from "../base/rank.ts";

/** How a rank's part in a round ended. */
export type Outcome = "received" | "refused" | "dropped";

/** The body of an update while it comes in. */
export interface Incoming {
  /** Bytes that it has in all. */
  readonly size: number;
  /** Bytes that have come so far. */
  readonly received: number;
}

/** Why a rank's update is missing in a round. */
export interface Loss {
  readonly rank: Rank;
  readonly reason: string;
  /** Whether that is not the rank's own doing. */
  readonly isExcused: boolean;
}

/** A rank whose time is up, with bytes missing. */
export interface Overdue {
  readonly rank: Rank;
  readonly reason: string;
  /** Whether its update was being read. */
  readonly isReading: boolean;
}

/** An answer of which something has come. */
interface Answer {
  readonly incoming: Incoming | undefined;
  /**
   * When its beginning was seen, and when its body began to be read: in between it waited for its
   * place here.
   */
  readonly seen: number;
  started?: number;
  /** Whether all of it is here. */
  isWhole: boolean;
}

/** What an intake takes besides its cohort. */
export interface IntakeOptions {
  /** Number of ranks in a row whose updates may be read at once. */
  readonly window: number;
  /** Number of updates that end the round. Default: those of the whole cohort. */
  readonly enough?: number;
  /** Tells the time in milliseconds. */
  readonly now?: () => number;
}

/**
 * One round's answers, taken in rank order: what the strategy sees does not depend on who was first. Only the next `window` ranks that are still open
 * may be read; the others wait in their sockets, so that memory does not grow with the cohort.
 *
 * A rank's time is up when bytes of its update are missing at the deadline. The time in which it
 * waited here for its place is given back to it, so that nobody is late because of another rank.
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
  readonly #now: () => number;
  readonly #opened: number;
  readonly #outcomes = new Map<Rank, Outcome>();
  readonly #losses = new Map<Rank, Loss>();
  readonly #answers = new Map<Rank, Answer>();
  readonly #watchers = new Set<{ readonly isDue: () => boolean; readonly wake: () => void }>();
  /** Number of answers that are here as a whole, taken in or not. */
  #whole = 0;
  #head = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(round: number, cohort: readonly Rank[], options: IntakeOptions) {
    const { window, enough = cohort.length, now = () => performance.now() } = options;
    this.round = round;
    this.cohort = [...cohort].sort((a, b) => a - b);
    this.#places = new Map(this.cohort.map((rank, i) => [rank, i]));
    this.#window = window;
    this.#enough = enough;
    this.#now = now;
    this.#opened = now();
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

  /** Number of ranks whose part ended so. */
  count(outcome: Outcome): number {
    let count = 0;
    for (const one of this.#outcomes.values()) if (one === outcome) count++;
    return count;
  }

  /** Why ranks were dropped or refused. */
  get losses(): Loss[] {
    return [...this.#losses.values()].sort((a, b) => a.rank - b.rank);
  }

  /**
   * An answer begins to come in. Resolves true once it may be read, false when the rank is not
   * expected (any more). A rank that came back while its first answer is still being taken in waits
   * for how that ends.
   */
  async admit(rank: Rank, incoming?: Incoming): Promise<boolean> {
    if (this.#answers.has(rank)) {
      await this.#until(() => !this.expects(rank) || !this.#answers.has(rank));
    }
    if (!this.expects(rank)) return false;
    this.#answers.set(rank, { incoming, seen: this.#now(), isWhole: false });
    await this.#until(() =>
      !this.expects(rank) || (this.#places.get(rank) ?? Infinity) < this.#head + this.#window
    );
    return this.expects(rank);
  }

  /** The rank's answer has its place, and is read from now on. */
  started(rank: Rank): void {
    const answer = this.#answers.get(rank);
    if (answer !== undefined) answer.started ??= this.#now();
  }

  /** All of the rank's answer is here. Once there are enough of them, the others are too late. */
  arrived(rank: Rank): void {
    const answer = this.#answers.get(rank) ?? { incoming: undefined, seen: 0, isWhole: false };
    if (!this.expects(rank) || answer.isWhole) return;
    answer.isWhole = true;
    this.#answers.set(rank, answer);
    if (++this.#whole < this.#enough) return;
    const reason = `${this.#enough} others were first`;
    for (const late of this.open) {
      if (!this.#answers.get(late)?.isWhole) this.settle(late, "dropped", reason, true);
    }
  }

  /** What came was not this round's answer, or broke off: the rank is as if nothing had been heard. */
  takeBack(rank: Rank): void {
    if (this.#answers.get(rank)?.isWhole && this.#outcomes.get(rank) !== "received") this.#whole--;
    this.#answers.delete(rank);
    this.#wake();
  }

  /** Resolves true when every lower rank is done and it is this one's turn to be taken in, false when the rank is not expected any more. */
  async turn(rank: Rank): Promise<boolean> {
    await this.#until(() => !this.expects(rank) || this.cohort[this.#head] === rank);
    return this.expects(rank);
  }

  /** Ends a rank's part; the first word counts. */
  settle(rank: Rank, outcome: Outcome, reason?: string, isExcused = false): void {
    if (!this.expects(rank)) return;
    this.#outcomes.set(rank, outcome);
    if (reason !== undefined) this.#losses.set(rank, { rank, reason, isExcused });
    while (this.#head < this.cohort.length && this.#outcomes.has(this.cohort[this.#head] ?? 0)) {
      this.#head++;
    }
    this.#wake();
  }

  /** An update that was taken in spoils the round: it is refused after all. */
  refuse(rank: Rank, reason: string): void {
    this.#outcomes.set(rank, "refused");
    this.#losses.set(rank, { rank, reason, isExcused: false });
  }

  /**
   * Milliseconds until the first open rank's time is up, where a round has so many seconds;
   * `undefined` while all wait for their place or their turn.
   */
  patience(seconds: number): number | undefined {
    const times = this.open.map((rank) => this.#deadline(rank, seconds)).filter(Number.isFinite);
    return times.length === 0 ? undefined : Math.max(0, Math.min(...times) - this.#now());
  }

  /** The open ranks whose time is up. */
  overdue(seconds: number): Overdue[] {
    const now = this.#now();
    return this.open.filter((rank) => this.#deadline(rank, seconds) <= now).map((rank) => {
      const { incoming, started } = this.#answers.get(rank) ?? {};
      if (started === undefined) {
        return { rank, reason: `no answer within ${seconds} seconds`, isReading: false };
      }
      const { received, size } = incoming ?? { received: 0, size: 0 };
      const reason = `only ${received} of the ${size} bytes of its update came in time`;
      return { rank, reason, isReading: true };
    });
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

  /** When the rank's time is up: never while it waits for its place, or is here as a whole. */
  #deadline(rank: Rank, seconds: number): number {
    const answer = this.#answers.get(rank);
    const deadline = this.#opened + seconds * 1000;
    if (answer === undefined) return deadline;
    if (answer.isWhole || answer.started === undefined) return Infinity;
    return deadline + answer.started - answer.seen;
  }

  /** Wakes those alone whose condition holds: all wait at once, and something changes for each. */
  #wake(): void {
    for (const watcher of this.#watchers) {
      if (!watcher.isDue()) continue;
      this.#watchers.delete(watcher);
      watcher.wake();
    }
  }

  async #until(isDue: () => boolean): Promise<void> {
    while (!isDue()) {
      await new Promise<void>((wake) => this.#watchers.add({ isDue, wake }));
    }
  }
}
