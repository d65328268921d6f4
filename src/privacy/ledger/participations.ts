import { isCount } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { Participation } from "../mechanism/banded.ts";

/** Participations of a client: the last release that it was in, and their number. */
type Entry = readonly [last: number, count: number];

/** Saved participations: rank, last release and number of each client that has taken part. */
export type SavedParticipations = readonly (readonly [rank: Rank, last: number, count: number])[];

/** Record of which client has taken part when, which admits no more than a guarantee allows. */
export class Participations {
  readonly #limits: Participation;
  readonly #entries = new Map<Rank, Entry>();

  /** Makes an empty record with the limits that the guarantee relies on. */
  constructor(limits: Participation) {
    this.#limits = limits;
  }

  /** Largest number of participations of a client so far. */
  get most(): number {
    return this.#entries.values().reduce((most, [, count]) => Math.max(most, count), 0);
  }

  /** Returns the reason why a client may not take part in a release; `undefined` where it may. */
  refusal(rank: Rank, release: number): string | undefined {
    const [last, count] = this.#entries.get(rank) ?? [0, 0];
    const { most, separation } = this.#limits;
    if (count >= most) return `it has taken part ${count} times, as often as the budget allows`;
    if (count === 0 || release - last >= separation) return undefined;
    return `it took part ${release - last} releases ago, and may again after ${separation}`;
  }

  /** Returns the number of clients, of ranks from 1, that have participations left. */
  countLeft(numClients: number): number {
    const used = this.#entries.entries().reduce(
      (sum, [rank, [, count]]) => sum + Number(rank <= numClients && count >= this.#limits.most),
      0,
    );
    return numClients - used;
  }

  /** Records that a client has taken part in a release. */
  add(rank: Rank, release: number): void {
    const [, count] = this.#entries.get(rank) ?? [0, 0];
    this.#entries.set(rank, [release, count + 1]);
  }

  /** Returns the record for a checkpoint. */
  save(): SavedParticipations {
    return [...this.#entries].map(([rank, [last, count]]) => [rank, last, count]);
  }

  /**
   * Adds a saved record: what either knows has happened.
   *
   * @throws {TypeError} If it is no such record.
   */
  restore(saved: unknown): void {
    if (!Array.isArray(saved)) throw new TypeError("expected a list of participations");
    for (const entry of saved) {
      if (!Array.isArray(entry) || entry.length !== 3 || !entry.every(isCount)) {
        throw new TypeError("expected participations of three whole numbers each");
      }
      const [rank = 0, last = 0, count = 0]: readonly number[] = entry;
      const [knownLast, knownCount] = this.#entries.get(rank) ?? [0, 0];
      this.#entries.set(rank, [Math.max(last, knownLast), Math.max(count, knownCount)]);
    }
  }
}
