import { SHARE_BYTES } from "../client/boxes.ts";
import type { MaskMember } from "../client/mask_keys.ts";
import { SecureError } from "../errors.ts";
import type { UnmaskShares } from "../messages.ts";
import type { Bytes } from "../primitives.ts";
import type { Circles } from "./circles.ts";
import type { GivenShare } from "./recover.ts";
import { malformed } from "./refusals.ts";
import type { Unknown } from "./unmask.ts";

/** State of a session whose updates are complete. */
export interface Closed {
  readonly members: { get(rank: number): MaskMember };
  readonly circles: Circles;
  /** Members that shared. */
  readonly sharers: ReadonlyMap<number, unknown>;
  /** Digests of the seeds of the survivors. */
  readonly digests: ReadonlyMap<number, Bytes>;
}

/** Shares that survivors have revealed. */
export class Reveals {
  readonly #closed: Closed;
  /** Shares by holder and owner. */
  readonly #shares = new Map<number, ReadonlyMap<number, Bytes>>();

  /** Creates a collection for a session. */
  constructor(closed: Closed) {
    this.#closed = closed;
  }

  /** Number of survivors that have revealed their shares. */
  get size(): number {
    return this.#shares.size;
  }

  /** Tells if a survivor has revealed its shares. */
  has(rank: number): boolean {
    return this.#shares.has(rank);
  }

  /** Adds the shares of a survivor. */
  add(holder: number, { shares }: UnmaskShares): void {
    const { circles, sharers } = this.#closed;
    const owners = circles.among(holder, sharers);
    const isFit = shares.length === owners.length &&
      shares.every(({ length }) => length === SHARE_BYTES);
    if (!isFit) throw malformed(holder, `${owners.length} shares of ${SHARE_BYTES} bytes`);
    const byOwner = owners.flatMap((owner, i): [number, Bytes][] => {
      const share = shares[i];
      return share === undefined ? [] : [[owner, share]];
    });
    this.#shares.set(holder, new Map(byOwner));
  }

  /** True once there are enough shares of each secret. */
  get isEnough(): boolean {
    const { circles, sharers } = this.#closed;
    return [...sharers.keys()].every((owner) => this.#given(owner).length >= circles.threshold);
  }

  /**
   * Returns the secrets to recover.
   *
   * @throws {SecureError} "secret-lost", if there are too few shares of one.
   */
  unknowns(): Unknown[] {
    const { members, circles, sharers, digests } = this.#closed;
    const unknowns = [...sharers.keys()].map((owner): Unknown => {
      const member = members.get(owner), given = this.#given(owner);
      const seedDigest = digests.get(owner);
      if (seedDigest !== undefined) return { member, given, seedDigest, partners: [] };
      const partners = circles.among(owner, digests).map((rank) => members.get(rank));
      return { member, given, partners };
    });
    const lost = unknowns.filter(({ given }) => given.length < circles.threshold);
    if (lost.length === 0) return unknowns;
    const ranks = lost.map(({ member }) => member.rank);
    throw new SecureError(
      "secret-lost",
      `Cannot unmask the sum: too few shares of the secrets of ranks ${ranks.join(", ")}`,
      { ranks },
    );
  }

  /** Shares of a member's secret. Under another point than its holder's place a share is wrong. */
  #given(owner: number): GivenShare[] {
    return this.#closed.circles.around(owner).flatMap((holder, place) => {
      const share = this.#shares.get(holder)?.get(owner);
      return share?.at(-1) === place + 1 ? [{ holder, share }] : [];
    });
  }
}
