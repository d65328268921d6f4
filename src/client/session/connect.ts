import { ConnectionClosedError, DeadlineError, errorMessage } from "../../base/errors.ts";
import type { Logger } from "../../base/log/log.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { delay } from "../../base/time/delay.ts";
import { startDeadline } from "../../base/time/start_deadline.ts";
import { type DistBackend, transportOf } from "../../net/backend.ts";
import { Connection } from "../../net/connection.ts";
import type { Timeouts } from "../../net/timeouts.ts";

const FIRST_RETRY_MILLIS = 100;
const MAX_RETRY_MILLIS = 2_000;
/** Longest pause before a retry after the server had too many connections. */
export const FULL_RETRY_MILLIS = 10_000;

/** Server to connect to. */
export interface ServerAddress {
  readonly serverAddr: string;
  readonly distBackend: DistBackend;
  readonly timeouts: Timeouts;
}

/**
 * Opens a connection, trying again while no server answers.
 *
 * @param deadline The time on the clock of `performance.now()` at which the join time-out ends.
 * @throws {DeadlineError} If no server answers before the deadline.
 */
export async function connect(
  { serverAddr, distBackend, timeouts }: ServerAddress,
  logger: Logger,
  signal: AbortSignal | undefined,
  deadline: number,
): Promise<Connection> {
  const transport = transportOf(distBackend);
  const late = () =>
    new DeadlineError(
      `Cannot connect to ${serverAddr}: no FedLab server answers there within ${timeouts.joinSeconds} seconds`,
    );
  for (let n = 0;; n++) {
    try {
      const channel = await withSignal(
        (signal) => transport.connect(serverAddr, { signal }),
        { signal, deadline, late },
      );
      return new Connection(channel, { heartbeatSeconds: timeouts.heartbeatSeconds });
    } catch (cause) {
      if (!(cause instanceof ConnectionClosedError)) throw cause;
      const millis = backoffMillis(n);
      if (runtime.clock.now() + millis > deadline) {
        throw new DeadlineError(
          `${
            errorMessage(cause)
          }; start the server first or give more time than ${timeouts.joinSeconds} seconds`,
          { cause },
        );
      }
      if (n === 0) {
        logger.info(
          `Waiting for the server at ${serverAddr} for up to ${timeouts.joinSeconds} seconds`,
        );
      }
      await delay(millis, signal);
    }
  }
}

/** Does work with a signal that is aborted at the deadline too. */
async function withSignal<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { signal, deadline, late }: {
    signal: AbortSignal | undefined;
    deadline: number;
    late: () => Error;
  },
): Promise<T> {
  const stop = new AbortController();
  const endDeadline = startDeadline(millisTo(deadline), () => stop.abort(late()));
  try {
    return await work(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
  } finally {
    endDeadline();
  }
}

/** Returns the milliseconds until a deadline, at least 0. */
export function millisTo(deadline: number): number {
  return Math.max(0, deadline - runtime.clock.now());
}

/**
 * Returns the pause before a retry, in milliseconds: twice as long each time, up to a limit, times
 * a random factor from 0.5 to 1, so that clients of a lost server do not all reconnect at once.
 *
 * @param n Number of earlier retries.
 * @param most Longest pause, in milliseconds.
 */
export function backoffMillis(n: number, most: number = MAX_RETRY_MILLIS): number {
  const jitter = 0.5 + (runtime.random.getRandomValues(new Uint8Array(1))[0] ?? 0) / 510;
  return jitter * Math.min(FIRST_RETRY_MILLIS * 2 ** n, most);
}
