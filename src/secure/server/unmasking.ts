import type { AttemptId, UnmaskRequest, UnmaskShares } from "../messages.ts";
import type { Bytes } from "../primitives.ts";
import type { RingVector } from "../quantize.ts";
import { Circles } from "./circles.ts";
import type { SecureSum } from "./options.ts";
import { unknownMember } from "./refusals.ts";
import { type Closed, Reveals } from "./reveals.ts";
import { fromText, type SavedSession, toText } from "./saved_session.ts";
import { unmask } from "./unmask.ts";

/** Session whose updates are complete. */
export interface ClosedSession extends AttemptId, Closed {
  /** Signatures of the list of survivors, where the clients vote. */
  readonly votes: ReadonlyMap<number, Bytes>;
  /** Sum of the masked updates. */
  readonly sums: RingVector;
  /** Computes the salt of the keys. */
  salt(): Promise<Bytes>;
}

/**
 * Last stage of a session: the survivors reveal shares, by which the masks are taken away. It can
 * be saved and restored: a server that was restarted asks for the same shares once more, and for no
 * others.
 */
export class Unmasking {
  readonly #closed: ClosedSession;
  readonly #reveals: Reveals;

  /** Opens the stage. */
  constructor(closed: ClosedSession) {
    this.#closed = closed;
    this.#reveals = new Reveals(closed);
  }

  /** Opens the stage of a session that was saved, with a copy of its sum. */
  static restore(saved: SavedSession, sums: RingVector): Unmasking {
    const { round, attempt, degree, threshold, shared } = saved;
    const keys = fromText(saved.members), salt = Uint8Array.fromHex(saved.salt);
    return new Unmasking({
      ...{ round, attempt, sums },
      members: {
        get: (rank) => {
          const maskKey = keys.get(rank);
          if (maskKey === undefined) throw unknownMember(rank);
          return { rank, maskKey };
        },
      },
      circles: new Circles([...keys.keys()], { degree, threshold }),
      sharers: new Map(shared.map((rank) => [rank, true])),
      digests: fromText(saved.digests),
      votes: fromText(saved.votes),
      salt: () => Promise.resolve(salt),
    });
  }

  /** Digests of the seeds of the survivors. */
  get digests(): ReadonlyMap<number, Bytes> {
    return this.#closed.digests;
  }

  /** Sum of the masked updates. */
  get sums(): RingVector {
    return this.#closed.sums;
  }

  /** Returns the session as JSON. The sum, masked, is to be saved beside it. */
  async save(): Promise<SavedSession> {
    const { round, attempt, circles, members, sharers, digests, votes, salt } = this.#closed;
    const keys = circles.ranks.map((rank) => [rank, members.get(rank).maskKey] as const);
    return {
      ...{ round, attempt, degree: circles.degree, threshold: circles.threshold },
      salt: (await salt()).toHex(),
      members: toText(keys),
      shared: [...sharers.keys()],
      digests: toText(digests),
      ...(votes.size > 0 && { votes: toText(votes) }),
    };
  }

  /** Requests to the survivors. */
  get requests(): Map<number, UnmaskRequest> {
    const { round, attempt, circles, sharers, digests, votes } = this.#closed;
    return new Map([...digests.keys()].map((rank) => {
      const signed = circles.among(rank, votes).flatMap((voter) => {
        const signature = votes.get(voter);
        return signature === undefined ? [] : [{ rank: voter, signature }];
      });
      return [rank, {
        ...{ round, attempt },
        dropped: circles.among(rank, sharers).filter((other) => !digests.has(other)),
        ...(signed.length > 0 && { votes: signed }),
      }];
    }));
  }

  /** Survivors that have revealed nothing yet. */
  get awaited(): number[] {
    return [...this.#closed.digests.keys()].filter((rank) => !this.#reveals.has(rank));
  }

  /** Survivors that have revealed shares. */
  get revealed(): number[] {
    return [...this.#closed.digests.keys()].filter((rank) => this.#reveals.has(rank));
  }

  /** True once there are enough shares of each secret. */
  get isRecoverable(): boolean {
    return this.#reveals.isEnough;
  }

  /**
   * Adds the shares that a survivor reveals.
   *
   * @throws {SecureError} "unknown-member" or "malformed".
   */
  add(rank: number, message: UnmaskShares): void {
    if (!this.#closed.digests.has(rank)) throw unknownMember(rank);
    this.#reveals.add(rank, message);
  }

  /**
   * Takes the masks away.
   *
   * @throws {SecureError} "secret-lost", if there are too few shares of a secret; "wrong-shares",
   * if those that there are do not fit.
   */
  async finish(): Promise<SecureSum> {
    const { circles, sharers, digests, sums, salt } = this.#closed;
    const { degree, threshold } = circles, unknowns = this.#reveals.unknowns();
    const wrong = await unmask(sums, unknowns, { threshold, salt: await salt() });
    const stages = {
      ...{ degree, threshold, members: circles.ranks.length, shared: sharers.size },
      ...{ masked: digests.size, revealed: this.#reveals.size },
    };
    return { sums, survivors: [...digests.keys()].sort((a, b) => a - b), wrong, stages };
  }
}
