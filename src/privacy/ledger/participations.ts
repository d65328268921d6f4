import { isCount } from "../../base/check.ts";
import type { Rank } from "../../base/rank.ts";
import type { Participation } from "../mechanism/banded.ts";
import { type Owner, Owners } from "./owners.ts";

/** Participations of a client: the last release that it was in, and their number. */
type Entry = readonly [last: number, count: number];

/** Saved participations: client, last release and number of each client that has taken part. */
export type SavedParticipations = readonly (readonly [Owner, last: number, count: number])[];

/** Record of which client has taken part when, which admits no more than a guarantee allows. */
export class Participations {
  readonly #limits: Participation;
  readonly #owners: Owners;
  readonly #entries = new Map<Owner, Entry>();

  /** Makes an empty record with the limits that the guarantee relies on. */
  constructor(limits: Participation, owners: Owners = new Owners()) {
    this.#limits = limits;
    this.#owners = owners;
  }

  /** Largest number of participations of a client so far. */
  get most(): number {
    return this.#entries.values().reduce((most, [, count]) => Math.max(most, count), 0);
  }

  /** Returns the reason why a client may not take part in a release; `undefined` where it may. */
  refusal(rank: Rank, release: number): string | undefined {
    const [last, count] = this.#entries.get(this.#owners.of(rank)) ?? [0, 0];
    const { most, separation } = this.#limits;
    if (count >= most) return `it has taken part ${count} times, as often as the budget allows`;
    if (count === 0 || release - last >= separation) return undefined;
    return `it took part ${release - last} releases ago, and may again after ${separation}`;
  }

  /** Returns the number of clients, of ranks from 1, that have participations left. */
  countLeft(numClients: number): number {
    const isUsed = ([rank, owner]: readonly [Rank, Owner]) =>
      rank <= numClients && (this.#entries.get(owner)?.[1] ?? 0) >= this.#limits.most;
    const ranks = this.#entries.keys().filter((owner) => typeof owner === "number")
      .filter((rank) => this.#owners.of(rank) === rank).map((rank) => [rank, rank] as const);
    const count = (sum: number, one: readonly [Rank, Owner]) => sum + Number(isUsed(one));
    return numClients - ranks.reduce(count, 0) - this.#owners.keyed.reduce(count, 0);
  }

  /** Records that a client has taken part in a release. */
  add(rank: Rank, release: number): void {
    const owner = this.#owners.of(rank), [, count] = this.#entries.get(owner) ?? [0, 0];
    this.#entries.set(owner, [release, count + 1]);
  }

  /** Returns the record for a checkpoint. */
  save(): SavedParticipations {
    return [...this.#entries].map(([owner, [last, count]]) => [owner, last, count]);
  }

  /**
   * Adds a saved record: what either knows has happened.
   *
   * @throws {TypeError} If it is no such record.
   */
  restore(saved: unknown): void {
    if (!Array.isArray(saved)) throw new TypeError("expected a list of participations");
    for (const entry of saved) {
      const [owner, last, count]: readonly unknown[] = Array.isArray(entry) ? entry : [];
      const isOwner = isCount(owner) || typeof owner === "string";
      if (!isOwner || !isCount(last) || !isCount(count)) {
        throw new TypeError("expected participations of a client and two whole numbers each");
      }
      const [knownLast, knownCount] = this.#entries.get(owner) ?? [0, 0];
      this.#entries.set(owner, [Math.max(last, knownLast), Math.max(count, knownCount)]);
    }
  }
}
