import { isInRange } from "../../base/check.ts";
import { isRecord } from "../../base/json.ts";
import type { AttemptId } from "../messages.ts";
import { type Bytes, KEY_BYTES, SIGNATURE_BYTES } from "../primitives.ts";

/** Text by rank. */
export type ByRank = readonly (readonly [rank: number, hex: string])[];

/**
 * Session whose updates are complete, as JSON: with the sum of its masked updates it is enough to
 * take the masks away. It has nothing that the members keep from the server.
 */
export interface SavedSession extends AttemptId {
  /** Salt of the keys. */
  readonly salt: string;
  /** Number of neighbours of each member. */
  readonly degree: number;
  /** Number of shares that give back a secret. */
  readonly threshold: number;
  /** Members, in the order of the ring, with their mask keys. */
  readonly members: ByRank;
  /** Ranks of the members that shared. */
  readonly shared: readonly number[];
  /** Digests of the seeds of the survivors. */
  readonly digests: ByRank;
  /** Signatures of the list of survivors, where the clients vote. */
  readonly votes?: ByRank;
}

/**
 * Reads a session from a JSON value.
 *
 * @throws {TypeError} If it is none.
 */
export function readSavedSession(value: unknown): SavedSession {
  const { round, attempt, salt, degree, threshold, members, shared, digests, votes = [] } =
    isRecord(value) ? value : {};
  const isPositive = (count: unknown): count is number =>
    isInRange(count, { whole: true, least: 1 });
  const isSound = isPositive(round) && isPositive(attempt) && isHex(salt, KEY_BYTES) &&
    isPositive(degree) && isPositive(threshold) && isByRank(members, KEY_BYTES) &&
    isByRank(digests, KEY_BYTES) && isByRank(votes, SIGNATURE_BYTES) &&
    Array.isArray(shared);
  if (!isSound) throw new TypeError("expected a session of secure aggregation");
  const ranks = new Set(members.map(([rank]) => rank)), sharers = new Set<unknown>(shared);
  const isConsistent = ranks.size === members.length && sharers.size === shared.length &&
    shared.every((rank) => ranks.has(rank)) && digests.every(([rank]) => sharers.has(rank));
  if (!isConsistent) throw new TypeError("expected a session whose survivors are members");
  return {
    ...{ round, attempt, salt, degree, threshold, members, shared, digests },
    ...(votes.length > 0 && { votes }),
  };
}

function isHex(value: unknown, bytes: number): value is string {
  return typeof value === "string" && value.length === 2 * bytes && /^[0-9a-f]*$/.test(value);
}

function isByRank(value: unknown, bytes: number): value is ByRank {
  return Array.isArray(value) &&
    value.every((entry) =>
      Array.isArray(entry) && Number.isSafeInteger(entry[0]) && isHex(entry[1], bytes)
    );
}

/** Writes bytes by rank as text. */
export function toText(bytes: Iterable<readonly [number, Bytes]>): ByRank {
  return [...bytes].map(([rank, value]) => [rank, value.toHex()]);
}

/** Reads bytes by rank from text. */
export function fromText(texts: ByRank = []): Map<number, Bytes> {
  return new Map(texts.map(([rank, hex]) => [rank, Uint8Array.fromHex(hex)]));
}
