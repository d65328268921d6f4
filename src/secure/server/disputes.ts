import type { SecureShares } from "../messages.ts";

/**
 * Disputes about boxes: a member says that the box of another one holds no share for it. The server
 * cannot open the box, and what would prove who is right would open it, so that it cannot blame one
 * of them. Who is in dispute with more than half of its neighbours is out alone, since most members
 * are honest; of any other dispute both are out. A member that makes others drop out so drops out
 * itself.
 */
export class Disputes {
  readonly #boxes: ReadonlyMap<number, Pick<SecureShares, "shares">>;
  readonly #opponents = new Map<number, Set<number>>();

  /**
   * Creates a list without disputes.
   *
   * @param boxes Boxes that each member was sent.
   */
  constructor(boxes: ReadonlyMap<number, Pick<SecureShares, "shares">>) {
    this.#boxes = boxes;
  }

  /** Notes a complaint of a member about others; those of whom it was sent no box do not count. */
  add(rank: number, accused: readonly number[]): void {
    const senders = new Set(this.#boxes.get(rank)?.shares.map((share) => share.rank));
    for (const other of accused.filter((other) => senders.has(other))) {
      this.#of(rank).add(other);
      this.#of(other).add(rank);
    }
  }

  /** Members that are to be left out of another attempt, with the reason of each. */
  get out(): Map<number, string> {
    const out = new Map<number, string>();
    for (const [rank, others] of this.#opponents) {
      const neighbours = this.#boxes.get(rank)?.shares.length ?? 0;
      if (others.size <= neighbours / 2) continue;
      const count = `${others.size} of its ${neighbours} neighbours`;
      out.set(rank, `rank ${rank} and ${count} disagree about boxes`);
    }
    const alone = new Set(out.keys());
    for (const [rank, others] of this.#opponents) {
      const left = [...others].filter((other) => !alone.has(other)).sort((a, b) => a - b);
      if (alone.has(rank) || left.length === 0) continue;
      out.set(rank, `rank ${rank} disagrees about a box with ${left.join(", ")}`);
    }
    return out;
  }

  #of(rank: number): Set<number> {
    const opponents = this.#opponents.get(rank) ?? new Set();
    this.#opponents.set(rank, opponents);
    return opponents;
  }
}
