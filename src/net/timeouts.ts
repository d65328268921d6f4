/**
 * Everything that waits, waits for one of these.
 *
 * @module
 */

import { checkInRange } from "../base/check.ts";
import { MAX_TIMER_MILLIS } from "../base/time/delay.ts";

/** How long things may take, in seconds. */
export interface Timeouts {
  /** For the group to fill (server), or for a server to be reached (client). */
  readonly joinSeconds: number;
  /** For a round's answers, from the moment the parameters are sent. */
  readonly roundSeconds: number;
  /** Between signs of life on an idle connection; a peer silent for six times as long is given up. */
  readonly heartbeatSeconds: number;
  /** For the other side to take its leave when the run ends. */
  readonly drainSeconds: number;
  /**
   * For the run to get on while a client waits for it; never less than twice what the server says
   * that it may take.
   */
  readonly idleSeconds: number;
}

/**
 * 300 s for the group to fill, 600 s a round, 5 s between signs of life, 5 s to take leave, a day
 * for the run to get on.
 */
export const DEFAULT_TIMEOUTS: Timeouts = {
  joinSeconds: 300,
  roundSeconds: 600,
  heartbeatSeconds: 5,
  drainSeconds: 5,
  idleSeconds: 86_400,
};

/** The longest interval between signs of life, in seconds: a peer is given up after six of them. */
export const MOST_HEARTBEAT_SECONDS = 600;

/** Silence, in heartbeats, after which a peer is given up. */
export const SILENT_HEARTBEATS = 6;

/**
 * The defaults with the given ones in their place. Throws a `RangeError` for one that is not above
 * 0, and for signs of life further apart than {@linkcode MOST_HEARTBEAT_SECONDS}.
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
  if (heartbeatSeconds > MOST_HEARTBEAT_SECONDS) {
    throw new RangeError(
      `Cannot use heartbeatSeconds: expected at most ${MOST_HEARTBEAT_SECONDS}, got ${heartbeatSeconds}`,
    );
  }
  return { ...DEFAULT_TIMEOUTS, ...given };
}
