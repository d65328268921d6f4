import type { Rank } from "../base/rank.ts";
import type { ClientRow, OpenRound } from "./view.ts";

/** Letters of the clients whose update is not whole. */
const AWAITED: readonly string[] = [".", "u"];

/** Returns the clients whose update the open round awaits. */
export function awaitedClients(open: OpenRound | undefined): ReadonlySet<Rank> {
  return new Set(open?.cohort.filter((_, i) => AWAITED.includes(open.states[i] ?? "")));
}

/** Time in which no client is late, in seconds. */
const GRACE = 1;

/**
 * Returns the clients whose update has been awaited for longer than a second and than twice the
 * median of the clients' last times.
 *
 * @param now Time in milliseconds since 1970.
 */
export function lateClients(
  rows: readonly ClientRow[],
  open: OpenRound | undefined,
  now: number,
): ReadonlySet<Rank> {
  if (open === undefined) return new Set();
  const times = rows.flatMap(({ seconds }) => seconds ?? []).sort((a, b) => a - b);
  const median = times[times.length >> 1];
  if (median === undefined) return new Set();
  const awaited = (now - open.startedAt) / 1000;
  return awaited < Math.max(GRACE, 2 * median) ? new Set() : awaitedClients(open);
}
