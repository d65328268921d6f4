/**
 * Graph of the members that share masks, and its degree and threshold (Bell et al. 2020, "Secure
 * Single-Server Aggregation with (Poly)Logarithmic Overhead", section 3.2).
 *
 * @module
 */

import { shuffled } from "./shuffled.ts";

/** Assumptions on clients and server, for {@linkcode graphParameters}. */
export interface GraphAssumptions {
  /**
   * Share of members that collude with the server.
   *
   * @default {0.1}
   */
  readonly colluding?: number;
  /**
   * Share of members that drop out.
   *
   * @default {0.1}
   */
  readonly dropping?: number;
  /**
   * Server: "curious" follows the protocol; "double-asking" also asks some members for one kind of
   * share of a secret, and others for the other kind. Clients accept thresholds above half of the
   * members that they see alone, which those of "curious" are up to 32 members only.
   *
   * @default {"double-asking"}
   */
  readonly server?: "curious" | "double-asking";
}

/** Degree of the graph, and the threshold of the shares. */
export interface GraphParameters {
  /** Number of neighbours of each member. */
  readonly degree: number;
  /** Number of shares that give back a secret, of `degree + 1`. */
  readonly threshold: number;
}

/** Most members that are all neighbours. */
const MOST_COMPLETE = 32;
/** Largest degree: a secret has at most 255 shares, one of which stays. */
const MOST_DEGREE = 254;
/** Logarithms of the probabilities that secrecy, and that a round, fails. */
const SECRECY = -41 * Math.LN2;
const LOSS = -20 * Math.LN2;

/**
 * Finds degree and threshold for a number of members.
 *
 * Up to 32 members the graph is complete. Above, it is the smallest degree for which the graph of
 * honest survivors falls apart with probability below 2^-41, more than `threshold - 1` neighbours
 * of any member collude with probability 2^-41 at most, and fewer than `threshold` neighbours of
 * any member survive with probability 2^-20 at most.
 *
 * @throws {RangeError} If a share is out of range, there are fewer than 3 members, or no degree up
 * to 254 will do.
 */
export function graphParameters(
  members: number,
  { colluding = 0.1, dropping = 0.1, server = "double-asking" }: GraphAssumptions = {},
): GraphParameters {
  const isBad = !Number.isInteger(members) || members < 3 || !(colluding >= 0 && dropping >= 0) ||
    !(colluding + dropping < 1);
  if (isBad) {
    throw new RangeError(
      `Cannot lay out the graph: expected 3 members or more and shares below 1 in sum, got ${members} members, ${colluding} colluding and ${dropping} dropping`,
    );
  }
  const isDouble = server === "double-asking";
  if (members <= MOST_COMPLETE) {
    const threshold = isDouble ? Math.floor(2 * members / 3) : Math.floor(members / 2);
    return { degree: members - 1, threshold: threshold + 1 };
  }
  const logFactorials = logFactorialsUpTo(members);
  const [bad, lost] = [Math.floor(colluding * members), Math.floor(dropping * members)];
  for (let degree = 2; degree <= Math.min(members - 1, MOST_DEGREE); degree += 2) {
    if (!isConnected(logFactorials, members, bad + lost, degree)) continue;
    const threshold = thresholdFor(logFactorials, members, { bad, lost, degree, isDouble });
    if (threshold !== undefined) return { degree, threshold };
  }
  throw new RangeError(
    `Cannot lay out the graph: no degree up to ${MOST_DEGREE} is safe for ${members} members, ${colluding} of which collude and ${dropping} drop out`,
  );
}

/**
 * Draws an order of the members for the ring, from the system's randomness: nobody can foresee who
 * is whose neighbour.
 */
export function ringOrder(ranks: readonly number[]): number[] {
  return shuffled(ranks);
}

/**
 * Gives the neighbours of each member: the `degree / 2` before and after it in the ring (a Harary
 * graph). Each list is in the order of the ring, and has the member itself in the middle.
 */
export function neighbourhoods(
  order: readonly number[],
  degree: number,
): Map<number, readonly number[]> {
  const n = order.length;
  if (degree >= n - 1) return new Map(order.map((rank) => [rank, order]));
  const half = degree / 2;
  return new Map(order.map((rank, at) => {
    const around = Array.from({ length: degree + 1 }, (_, i) => order[(at + i - half + n) % n]);
    return [rank, around.filter((other) => other !== undefined)];
  }));
}

function logFactorialsUpTo(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let i = 1; i <= n; i++) logs[i] = (logs[i - 1] ?? 0) + Math.log(i);
  return logs;
}

function logChoose(logs: Float64Array, n: number, k: number): number {
  if (k < 0 || k > n) return -Infinity;
  return (logs[n] ?? 0) - (logs[k] ?? 0) - (logs[n - k] ?? 0);
}

/** Union bound on the pairs of cuts of the ring: each takes `degree` members that are all bad. */
function isConnected(logs: Float64Array, n: number, bad: number, degree: number): boolean {
  const cuts = Math.log(n * (n - degree - 1) / 2);
  return cuts + logChoose(logs, bad, degree) - logChoose(logs, n, degree) < SECRECY;
}

function thresholdFor(
  logs: Float64Array,
  n: number,
  { bad, lost, degree, isDouble }: {
    bad: number;
    lost: number;
    degree: number;
    isDouble: boolean;
  },
): number | undefined {
  let threshold = 1;
  while (tail(logs, n, bad, degree, threshold, degree) > SECRECY - Math.log(n)) threshold++;
  // At most `threshold - 1` neighbours collude: they give shares of both kinds.
  if (isDouble) threshold = Math.ceil((threshold - 1 + degree - 1.25) / 2) + 1;
  const isKept = tail(logs, n, n - lost, degree, 0, threshold - 1) <= LOSS - Math.log(n);
  return isKept && threshold <= degree ? threshold : undefined;
}

/** Logarithm of the probability that from `least` to `most` of `draws` of `n` are marked. */
function tail(
  logs: Float64Array,
  n: number,
  marked: number,
  draws: number,
  least: number,
  most: number,
): number {
  let sum = 0;
  for (let i = least; i <= most; i++) {
    sum += Math.exp(
      logChoose(logs, marked, i) + logChoose(logs, n - marked, draws - i) -
        logChoose(logs, n, draws),
    );
  }
  return Math.log(sum);
}
