import { type GraphParameters, neighbourhoods } from "../graph.ts";
import { SecureError } from "../errors.ts";
import { type Shortage, unknownMember } from "./refusals.ts";

/** Neighbours of each member, and the threshold of their shares. */
export class Circles {
  /** No members. */
  static readonly empty: Circles = new Circles([], { degree: 0, threshold: 0 });

  /** Number of neighbours of each member. */
  readonly degree: number;
  /** Number of shares that give back a secret. */
  readonly threshold: number;
  readonly #around: ReadonlyMap<number, readonly number[]>;

  /** Lays members out in the order of a ring. */
  constructor(order: readonly number[], { degree, threshold }: GraphParameters) {
    this.degree = degree;
    this.threshold = threshold;
    this.#around = neighbourhoods(order, degree);
  }

  /** All members. */
  get ranks(): readonly number[] {
    return [...this.#around.keys()];
  }

  /**
   * Returns the neighbours of a member and itself, in the order of the ring.
   *
   * @throws {SecureError} "unknown-member".
   */
  around(rank: number): readonly number[] {
    const around = this.#around.get(rank);
    if (around === undefined) throw unknownMember(rank);
    return around;
  }

  /** Returns those of the neighbours of a member, and itself, that are present. */
  among(rank: number, present: ReadonlyMap<number, unknown>): number[] {
    return this.around(rank).filter((other) => present.has(other));
  }

  /**
   * Checks that as many as the threshold are present around each member of a set.
   *
   * @throws {SecureError} With the ranks around which too few are left.
   */
  check(
    members: ReadonlyMap<number, unknown>,
    present: ReadonlyMap<number, unknown>,
    fault: Shortage,
  ): void {
    const bare = [...members.keys()].filter((rank) => {
      return this.among(rank, present).length < this.threshold;
    });
    if (bare.length === 0) return;
    throw new SecureError(
      fault,
      `Cannot go on: fewer than ${this.threshold} members are left around ranks ${bare.join(", ")}`,
      { ranks: bare },
    );
  }
}
