import { ProtocolError } from "../errors.ts";
import { ProcessGroup, type Rank } from "../net/process_group.ts";

/** What a client that registers says of itself. */
export interface Claim {
  /** Who it has proven to be. */
  readonly identity: string;
  readonly token?: string;
  readonly rank?: Rank;
  readonly worldSize?: number;
}

/** A session token: 128 random bits, in hexadecimal. */
function newToken(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

/**
 * Who sits where. A rank whose connection is lost keeps its seat for a while, and whoever shows its session token gets it back; one that took its
 * leave gives it up at once.
 */
export class Seats<Member> {
  /** The clients that are connected and ready. */
  readonly group: ProcessGroup<Member>;
  readonly #tokens: Map<Rank, string>;
  readonly #identities = new Map<Rank, string>();
  /** Ranks whose connection is lost, and what ends the wait for them. */
  readonly #away = new Map<Rank, ReturnType<typeof setTimeout> | undefined>();

  constructor(worldSize: number, tokens: Iterable<readonly [Rank, string]> = []) {
    this.group = new ProcessGroup(worldSize);
    this.#tokens = new Map(tokens);
    for (const rank of this.#tokens.keys()) this.#away.set(rank, undefined);
  }

  /** The session tokens by rank, to be kept for a resumed run. */
  get tokens(): [Rank, string][] {
    return [...this.#tokens].sort(([a], [b]) => a - b);
  }

  /** The ranks that are here or expected back, in order. */
  get ranks(): Rank[] {
    return [...new Set([...this.group.ranks, ...this.#away.keys()])].sort((a, b) => a - b);
  }

  /** The rank whose session token it is. */
  rankOf(token: string): Rank | undefined {
    return [...this.#tokens].find(([, one]) => one === token)?.[0];
  }

  /** The ranks that are expected back. */
  get away(): Rank[] {
    return [...this.#away.keys()].sort((a, b) => a - b);
  }

  /**
   * Gives a client its seat and its token, which is good from {@linkcode sit} on. A client that shows its token takes the place of its own earlier
   * connection, which `replace` is given.
   *
   * Throws the `ProtocolError`s of `ProcessGroup.claim`, and "world-size-mismatch".
   */
  claim(
    member: Member,
    { identity, token, rank, worldSize }: Claim,
    replace: (former: Member) => void,
  ): { rank: Rank; token: string } {
    const own = token === undefined ? undefined : this.rankOf(token);
    // Whoever was here before has not been told that the group has grown since.
    if (own === undefined && worldSize !== undefined && worldSize !== this.group.worldSize) {
      const { worldSize: expected } = this.group;
      throw new ProtocolError(
        "world-size-mismatch",
        `Cannot join: expected a world size of ${expected}, got ${worldSize}; start the client with ${expected}, or without a world size`,
      );
    }
    if (own !== undefined && token !== undefined) {
      const before = this.#identities.get(own) ?? identity;
      if (before !== identity) {
        throw new ProtocolError(
          "not-authorized",
          `Cannot join: rank ${own} was given to another identity`,
        );
      }
      const former = this.group.claimant(own);
      if (former !== undefined) {
        this.group.leave(own, former);
        this.#away.set(own, undefined);
        replace(former);
      }
      // Whoever is on the way in is not given up meanwhile.
      if (this.#away.has(own)) {
        clearTimeout(this.#away.get(own));
        this.#away.set(own, undefined);
      }
      return { rank: this.group.claim(member, own), token };
    }
    const holder = rank !== undefined && this.#away.has(rank)
      ? this.#identities.get(rank)
      : undefined;
    if (holder !== undefined && holder !== identity) {
      throw new ProtocolError("rank-taken", `Cannot join: rank ${rank} is kept for another client`);
    }
    // Without a wish the seats of those who may come back are the last to be given away.
    const free = this.group.missing.find((one) =>
      !this.#away.has(one) && this.group.claimant(one) === undefined
    );
    return { rank: this.group.claim(member, rank ?? free), token: newToken() };
  }

  /** The client is ready: it counts as joined. */
  sit(rank: Rank, token: string, identity: string): void {
    this.#tokens.set(rank, token);
    this.#identities.set(rank, identity);
    clearTimeout(this.#away.get(rank));
    this.#away.delete(rank);
    this.group.ready(rank);
  }

  /**
   * A connection ended before its client was ready. True when it had taken the place of an earlier one, whose seat is kept from now on as by {@linkcode lose}.
   */
  cancel(rank: Rank, member: Member, seconds: number, gone: () => void): boolean {
    if (this.group.claimant(rank) !== member) return false;
    this.group.leave(rank, member);
    if (!this.#away.has(rank) || this.#away.get(rank) !== undefined) return false;
    this.#keep(rank, seconds, gone);
    return true;
  }

  /**
   * A connection was lost: the seat is kept for so long, then given up, which `gone` is told. False when the seat is not that member's (any more).
   */
  lose(rank: Rank, member: Member, seconds: number, gone: () => void): boolean {
    if (this.group.claimant(rank) !== member) return false;
    this.group.leave(rank, member);
    this.#keep(rank, seconds, gone);
    return true;
  }

  #keep(rank: Rank, seconds: number, gone: () => void): void {
    clearTimeout(this.#away.get(rank));
    const timer = setTimeout(() => {
      this.giveUp(rank);
      gone();
    }, seconds * 1000);
    this.#away.set(rank, timer);
  }

  /** A client took its leave. False when the seat is not that member's (any more). */
  leave(rank: Rank, member: Member): boolean {
    if (this.group.claimant(rank) !== member) return false;
    this.group.leave(rank, member);
    this.giveUp(rank);
    return true;
  }

  /** The rank is not expected back (any more). */
  giveUp(rank: Rank): void {
    clearTimeout(this.#away.get(rank));
    this.#away.delete(rank);
    this.#tokens.delete(rank);
    this.#identities.delete(rank);
  }

  /** Ends all waiting. */
  close(): void {
    for (const timer of this.#away.values()) clearTimeout(timer);
  }
}
