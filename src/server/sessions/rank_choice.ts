import { ProtocolError } from "../../base/errors.ts";
import { formatRanks, type Rank } from "../../base/rank.ts";
import type { ProcessGroup } from "../../net/process_group.ts";

/** Claim of a client that registers. */
export interface Claim {
  /** Proven identity. */
  readonly identity: string;
  /** Rights of its key; absent where identities belong to no key, so that clients look alike. */
  readonly key?: KeyRights;
  /** Session token of an earlier connection. */
  readonly token?: string;
  /** Rank that it asks for. */
  readonly rank?: Rank;
  /** World size that it was told. */
  readonly worldSize?: number;
}

/** Rights of a key. */
export interface KeyRights {
  /** Maximum number of ranks. */
  readonly seats: number;
  /** The only rank that it may have. */
  readonly rank?: Rank;
  /** Reports whether the rank is reserved for another key. */
  isReserved(rank: Rank): boolean;
}

/** Assignment of ranks that a choice is made in. */
export interface Assignment<Session> {
  readonly group: ProcessGroup<Session>;
  /** Rank of a session token. */
  rankOf(token: string): Rank | undefined;
  /** Identity of the key that a rank belongs to. */
  holderOf(rank: Rank): string | undefined;
  /** Ranks that belong to a key, in order. */
  ranksOf(identity: string): readonly Rank[];
  /** Finds the rank for a client without one among those that are fit; `undefined` for none. */
  freeRank(isFit: (rank: Rank) => boolean): Rank | undefined;
}

/** Rank for a claim. */
export interface RankChoice {
  /** Chosen rank; `undefined` leaves the choice to the group. */
  readonly rank: Rank | undefined;
  /** Set if the rank belongs to the client already. */
  readonly isOwn: boolean;
  /** Session token that the client has shown for the rank. */
  readonly token?: string;
}

/**
 * Chooses the rank for a claim.
 *
 * @throws {ProtocolError} "world-size-mismatch", "rank-taken", "group-full", or "not-authorized"
 * for a rank that the client's key may not have.
 */
export function chooseRank<Session>(claim: Claim, assignment: Assignment<Session>): RankChoice {
  const { identity, key, token, rank, worldSize } = claim;
  const shown = token === undefined ? undefined : assignment.rankOf(token);
  const { worldSize: expected } = assignment.group;
  // A client that comes back has not been told that the group has grown since.
  if (shown === undefined && worldSize !== undefined && worldSize !== expected) {
    throw new ProtocolError(
      "world-size-mismatch",
      `Cannot join: expected a world size of ${expected}, got ${worldSize}; start the client with ${expected}, or without a world size`,
    );
  }
  if (shown !== undefined && token !== undefined) {
    if (key !== undefined) {
      if ((assignment.holderOf(shown) ?? identity) !== identity) {
        throw notAuthorized(`rank ${shown} was given to another identity`);
      }
      checkRights(shown, identity, key, assignment);
    }
    return { rank: shown, isOwn: true, token };
  }
  if (key === undefined) return { rank: rank ?? assignment.freeRank(() => true), isOwn: false };
  const wanted = rank ?? key.rank;
  if (wanted === undefined) return chooseForKey(identity, key, assignment);
  const holder = assignment.holderOf(wanted);
  if (holder !== undefined && holder !== identity) {
    throw new ProtocolError(
      "rank-taken",
      `Cannot join: rank ${wanted} is kept for another client`,
    );
  }
  checkRights(wanted, identity, key, assignment);
  return { rank: wanted, isOwn: holder === identity };
}

/** Chooses a rank for a key that asks for none. */
function chooseForKey<Session>(
  identity: string,
  { seats, isReserved }: KeyRights,
  assignment: Assignment<Session>,
): RankChoice {
  const { group } = assignment;
  const own = assignment.ranksOf(identity);
  const idle = own.find((one) => group.claimant(one) === undefined);
  if (idle !== undefined) return { rank: idle, isOwn: true };
  const isFit = (one: Rank) => assignment.holderOf(one) === undefined && !isReserved(one);
  const free = own.length < seats ? assignment.freeRank(isFit) : undefined;
  if (free !== undefined) return { rank: free, isOwn: false };
  if (own[0] !== undefined) return { rank: own[0], isOwn: true };
  throw new ProtocolError(
    "group-full",
    `Cannot join: expected a free rank from 1 to ${
      group.worldSize - 1
    }, all are taken or kept for other keys`,
  );
}

/** Checks that a key may have a rank besides those that it has. */
function checkRights<Session>(
  rank: Rank,
  identity: string,
  key: KeyRights,
  assignment: Assignment<Session>,
): void {
  if (key.rank !== undefined && key.rank !== rank) {
    throw notAuthorized(`the list gives this key rank ${key.rank}, not ${rank}`);
  }
  if (key.isReserved(rank)) throw notAuthorized(`the list gives rank ${rank} to another key`);
  const own = assignment.ranksOf(identity);
  if (own.includes(rank) || own.length < key.seats) return;
  throw notAuthorized(
    `this key has ${own.length === 1 ? "rank" : "ranks"} ${
      formatRanks(own)
    } in this run, and may have no other: ask for none, or let the server's --seats-per-key be more`,
  );
}

function notAuthorized(why: string): ProtocolError {
  return new ProtocolError("not-authorized", `Cannot join: ${why}`);
}
