import type { Rank } from "../base/rank.ts";
import { MAX_DOTS, type OpenRound } from "./view.ts";

/** Letter of a client whose update is awaited. */
const AWAITED = ".";

/** The round under way: which clients of its cohort have answered. */
export class OpenRoundState {
  /** The round, from 1. */
  readonly round: number;
  readonly #startedAt: number;
  readonly #cohort: readonly Rank[];
  readonly #places: Map<Rank, number>;
  readonly #states: string[];
  readonly #arrived = new Set<Rank>();
  #received = 0;
  #expected: number;

  /** Begins a round with a cohort at a time in milliseconds. */
  constructor(round: number, cohort: readonly Rank[], startedAt: number) {
    this.round = round;
    this.#startedAt = startedAt;
    this.#expected = cohort.length;
    this.#cohort = cohort.length <= MAX_DOTS ? cohort : [];
    this.#places = new Map(this.#cohort.map((rank, place) => [rank, place]));
    this.#states = this.#cohort.map(() => AWAITED);
  }

  /** Sets the number of updates that were received and of those that are expected. */
  count(received: number, expected: number): void {
    this.#received = received;
    this.#expected = expected;
  }

  /** Notes that the update of a client is whole. Returns false if that is known already. */
  arrive(rank: Rank): boolean {
    return this.#arrived.size < this.#arrived.add(rank).size;
  }

  /** Sets the letter of a client. */
  mark(rank: Rank, state: string): void {
    const place = this.#places.get(rank);
    if (place !== undefined) this.#states[place] = state;
  }

  /** Returns the seconds from the start of the round to a time in milliseconds. */
  secondsAt(now: number): number {
    return Math.max(0, (now - this.#startedAt) / 1000);
  }

  /** Returns the view of the round. */
  view(): OpenRound {
    const whole = this.#states.filter((state) => state === "i" || state === "r").length;
    return {
      round: this.round,
      startedAt: this.#startedAt,
      received: Math.max(this.#received, whole),
      expected: this.#expected,
      cohort: this.#cohort,
      states: this.#states.join(""),
    };
  }
}
