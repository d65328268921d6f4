/**
 * Time-outs of a run.
 *
 * @module
 */

import { checkInRange } from "../base/check.ts";
import { MAX_TIMER_MILLIS } from "../base/time/delay.ts";

/** Time-outs in seconds. */
export interface Timeouts {
  /** Time for the group to fill (server), or for a server to be reached (client). */
  readonly joinSeconds: number;
  /** Time for a round's answers, from the moment at which the parameters are sent. */
  readonly roundSeconds: number;
  /**
   * Time between heartbeats on an idle connection. A peer that is silent for six times as long is
   * given up.
   */
  readonly heartbeatSeconds: number;
  /** Time for the other side to close its connection when the run ends. */
  readonly drainSeconds: number;
  /**
   * Time for the run to progress while a client waits; at least twice the longest time that the
   * server announces for a round.
   */
  readonly idleSeconds: number;
}

/**
 * Default time-outs: 300 s to join, 600 s a round, 5 s between heartbeats, 5 s to close, a day for
 * the run to progress.
 */
export const DEFAULT_TIMEOUTS: Timeouts = {
  joinSeconds: 300,
  roundSeconds: 600,
  heartbeatSeconds: 5,
  drainSeconds: 5,
  idleSeconds: 86_400,
};

/** Longest time between heartbeats, in seconds. A peer is given up after six of them. */
export const MOST_HEARTBEAT_SECONDS = 600;

/** Silence, in heartbeats, after which a peer is given up. */
export const SILENT_HEARTBEATS = 6;

/**
 * Returns the default time-outs with the given ones in their place.
 *
 * @throws {RangeError} If one is not above 0, or heartbeats are further apart than {@linkcode
 * MOST_HEARTBEAT_SECONDS}.
 */
export function timeoutsOf(given: Partial<Timeouts> = {}): Timeouts {
  for (const [name, seconds] of Object.entries(given)) {
    checkInRange(
      seconds,
      { above: 0, most: MAX_TIMER_MILLIS / 1000 },
      `Cannot use ${name}`,
      "a number of seconds above 0 and below 2147483",
    );
  }
  const { heartbeatSeconds = DEFAULT_TIMEOUTS.heartbeatSeconds } = given;
  const most = MOST_HEARTBEAT_SECONDS;
  checkInRange(heartbeatSeconds, { most }, "Cannot use heartbeatSeconds", `at most ${most}`);
  return { ...DEFAULT_TIMEOUTS, ...given };
}
