import { ProtocolError } from "../../base/errors.ts";
import { formatRanks, type Rank } from "../../base/rank.ts";
import type { SavedRanks } from "../../round/record/saved_run.ts";
import { ProcessGroup } from "../../net/process_group.ts";

/** What a client that registers says of itself. */
export interface Claim {
  /** Who it has proven to be. */
  readonly identity: string;
  /**
   * What its key may have; absent where identities are not of keys, so that nobody can be told from
   * anybody else.
   */
  readonly key?: KeyRights;
  readonly token?: string;
  readonly rank?: Rank;
  readonly worldSize?: number;
}

/** What a key may have. */
export interface KeyRights {
  /** How many seats. */
  readonly seats: number;
  /** The only rank, if there is but one. */
  readonly rank?: Rank;
  /** Whether the rank is for another key alone. */
  isReserved(rank: Rank): boolean;
}

/** A session token: 128 random bits, in hexadecimal. */
function newToken(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

/**
 * Who sits where. A rank whose connection is lost keeps its seat for a while, and whoever shows its session token gets it back; one that took its
 * leave gives it up at once.
 *
 * A seat that the holder of a key has sat on is that key's for the run, whatever becomes of the
 * connection, until {@linkcode RankRegistry.strike} frees it: no other key gets it by rank or by token,
 * and the key itself gets it without a token.
 */
export class RankRegistry<Member> {
  /** The clients that are connected and ready. */
  readonly group: ProcessGroup<Member>;
  readonly #tokens: Map<Rank, string>;
  /** The keys' identities that seats belong to. */
  readonly #holders: Map<Rank, string>;
  /** The same of clients that are registering now. */
  readonly #registering = new Map<Rank, string>();
  /** Ranks whose connection is lost, and what ends the wait for them. */
  readonly #away = new Map<Rank, ReturnType<typeof setTimeout> | undefined>();

  constructor(worldSize: number, { tokens, identities = [] }: SavedRanks = { tokens: [] }) {
    this.group = new ProcessGroup(worldSize);
    this.#tokens = new Map(tokens);
    this.#holders = new Map(identities);
    for (const rank of this.#tokens.keys()) this.#away.set(rank, undefined);
  }

  /** What is to be kept for a resumed run. */
  get saved(): SavedRanks & { readonly identities: readonly (readonly [Rank, string])[] } {
    const sorted = (map: Map<Rank, string>) => [...map].sort(([a], [b]) => a - b);
    return { tokens: sorted(this.#tokens), identities: sorted(this.#holders) };
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
   * The member whose place the client would take by its key alone, without its session token. It
   * may be another process with the same key: whoever calls makes sure that nothing is heard of it
   * any more.
   *
   * Throws as {@linkcode RankRegistry.claim} does.
   */
  predecessor(claim: Claim): Member | undefined {
    const { rank, isOwn, token } = this.#choose(claim);
    return isOwn && token === undefined && rank !== undefined
      ? this.group.claimant(rank)
      : undefined;
  }

  /**
   * Gives a client its seat and its token, which is good from {@linkcode assign} on. A client that
   * shows its token, or proves the key that the seat belongs to, takes the place of its own earlier
   * connection, which `replace` is given.
   *
   * Throws the `ProtocolError`s of `ProcessGroup.claim`, "world-size-mismatch", and
   * "not-authorized" for what its key may not have.
   */
  claim(
    member: Member,
    claim: Claim,
    replace: (former: Member) => void,
  ): { rank: Rank; token: string } {
    const { rank: wanted, isOwn, token = newToken() } = this.#choose(claim);
    if (isOwn && wanted !== undefined) {
      const former = this.group.claimant(wanted);
      if (former !== undefined) {
        this.group.leave(wanted, former);
        this.#away.set(wanted, undefined);
        replace(former);
      }
      // Whoever is on the way in is not given up meanwhile.
      if (this.#away.has(wanted)) {
        clearTimeout(this.#away.get(wanted));
        this.#away.set(wanted, undefined);
      }
    }
    const rank = this.group.claim(member, wanted);
    if (claim.key === undefined) this.#registering.delete(rank);
    else this.#registering.set(rank, claim.identity);
    return { rank, token };
  }

  /**
   * The rank for a claim, whether it is the client's already, and the token that it has shown for
   * it.
   */
  #choose(claim: Claim): { rank: Rank | undefined; isOwn: boolean; token?: string } {
    const { identity, key, token, rank, worldSize } = claim;
    const shown = token === undefined ? undefined : this.rankOf(token);
    // Whoever was here before has not been told that the group has grown since.
    if (shown === undefined && worldSize !== undefined && worldSize !== this.group.worldSize) {
      const { worldSize: expected } = this.group;
      throw new ProtocolError(
        "world-size-mismatch",
        `Cannot join: expected a world size of ${expected}, got ${worldSize}; start the client with ${expected}, or without a world size`,
      );
    }
    if (shown !== undefined && token !== undefined) {
      if (key !== undefined) {
        const holder = this.#holderOf(shown) ?? identity;
        if (holder !== identity) {
          throw notAuthorized(`rank ${shown} was given to another identity`);
        }
        this.#checkRights(shown, identity, key);
      }
      return { rank: shown, isOwn: true, token };
    }
    if (key === undefined) return { rank: rank ?? this.#free(() => true), isOwn: false };
    const wish = rank ?? key.rank;
    if (wish !== undefined) {
      const holder = this.#holderOf(wish);
      if (holder !== undefined && holder !== identity) {
        throw new ProtocolError(
          "rank-taken",
          `Cannot join: rank ${wish} is kept for another client`,
        );
      }
      this.#checkRights(wish, identity, key);
      return { rank: wish, isOwn: holder === identity };
    }
    const own = this.#seatsOf(identity);
    const idle = own.find((one) => this.group.claimant(one) === undefined);
    if (idle !== undefined) return { rank: idle, isOwn: true };
    const free = own.length < key.seats
      ? this.#free((one) => this.#holderOf(one) === undefined && !key.isReserved(one))
      : undefined;
    if (free !== undefined) return { rank: free, isOwn: false };
    if (own[0] !== undefined) return { rank: own[0], isOwn: true };
    throw new ProtocolError(
      "group-full",
      `Cannot join: expected a free rank from 1 to ${
        this.group.worldSize - 1
      }, all are taken or kept for other keys`,
    );
  }

  /**
   * Throws a `ProtocolError` for a rank that a key may not have, or not besides those that it has.
   */
  #checkRights(rank: Rank, identity: string, key: KeyRights): void {
    if (key.rank !== undefined && key.rank !== rank) {
      throw notAuthorized(`the list gives this key rank ${key.rank}, not ${rank}`);
    }
    if (key.isReserved(rank)) throw notAuthorized(`the list gives rank ${rank} to another key`);
    const own = this.#seatsOf(identity);
    if (own.includes(rank) || own.length < key.seats) return;
    throw notAuthorized(
      `this key has ${own.length === 1 ? "rank" : "ranks"} ${
        formatRanks(own)
      } in this run, and may have no other: ask for none, or let the server's --seats-per-key be more`,
    );
  }

  /** A rank that nobody has; those that others may come back to are the last to be given away. */
  #free(isFit: (rank: Rank) => boolean): Rank | undefined {
    const free = this.group.missing.filter((rank) =>
      this.group.claimant(rank) === undefined && isFit(rank)
    );
    return free.find((rank) => !this.#away.has(rank)) ?? free[0];
  }

  #holderOf(rank: Rank): string | undefined {
    return this.#holders.get(rank) ?? this.#registering.get(rank);
  }

  /** The ranks that belong to a key, in order. */
  #seatsOf(identity: string): Rank[] {
    const ranks = [...this.#holders, ...this.#registering]
      .filter(([, one]) => one === identity).map(([rank]) => rank);
    return [...new Set(ranks)].sort((a, b) => a - b);
  }

  /** The client is ready: it counts as joined. */
  assign(rank: Rank, token: string): void {
    this.#tokens.set(rank, token);
    const identity = this.#registering.get(rank);
    if (identity !== undefined) this.#holders.set(rank, identity);
    this.#registering.delete(rank);
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
    this.#registering.delete(rank);
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

  /** The rank is not expected back (any more). A key keeps its seat. */
  giveUp(rank: Rank): void {
    clearTimeout(this.#away.get(rank));
    this.#away.delete(rank);
    this.#tokens.delete(rank);
    this.group.changed();
  }

  /**
   * Frees the seats of keys that may not have them (any more), and gives in order their ranks, why,
   * and whether a client was here or expected back: it has lost the seat.
   */
  strike(
    whyNot: (identity: string, rank: Rank) => string | undefined,
  ): [rank: Rank, reason: string, wasTaken: boolean][] {
    const struck: [Rank, string, boolean][] = [];
    for (const [rank, identity] of [...this.#holders].sort(([a], [b]) => a - b)) {
      const reason = whyNot(identity, rank);
      if (reason === undefined) continue;
      const member = this.group.claimant(rank);
      struck.push([rank, reason, member !== undefined || this.#away.has(rank)]);
      this.#holders.delete(rank);
      this.#registering.delete(rank);
      this.giveUp(rank);
      if (member !== undefined) this.group.leave(rank, member);
    }
    return struck;
  }

  /** Ends all waiting. */
  close(): void {
    for (const timer of this.#away.values()) clearTimeout(timer);
  }
}

function notAuthorized(why: string): ProtocolError {
  return new ProtocolError("not-authorized", `Cannot join: ${why}`);
}
