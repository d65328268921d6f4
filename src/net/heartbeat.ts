import { runtime, type Timer } from "../base/runtime/runtime.ts";
import { LEAST_BYTES_PER_SECOND, type ReceiveProgress } from "./receive_progress.ts";
import { startInterval } from "./shared_interval.ts";
import { SILENT_HEARTBEATS } from "./timeouts.ts";

/** Share of the interval after which an idle connection sends a heartbeat. */
const DUE_SHARE = 0.9;
/** Time between two ticks beyond which this process was late, in intervals. */
const LATE_INTERVALS = 1.25;
/**
 * Looks at a peer that is overdue before it is given up. Between two of them reads that are ready
 * end, even if the event loop was blocked until the first one.
 */
const LAST_LOOKS = 2;
/** Time before each of them, in intervals. */
const LOOK_INTERVALS = 1 / 8;

/** Connection that a {@linkcode Heartbeat} keeps alive. */
export interface HeartbeatHost {
  /** Returns true while messages wait to be written. */
  isWriting(): boolean;
  /** Sends a heartbeat. */
  sendHeartbeat(): void;
  /** Ends the connection, which is given up for a reason. */
  giveUp(reason: string): void;
}

/**
 * Liveness of a connection: sends a heartbeat when nothing was sent for an interval, and gives up a
 * peer that is silent, or too slow, for {@linkcode SILENT_HEARTBEATS} intervals.
 *
 * Time in which this process was suspended, or its event loop was blocked, does not count: what the
 * peer has sent meanwhile has arrived, but was not read.
 */
export class Heartbeat {
  readonly #host: HeartbeatHost;
  readonly #progress: ReceiveProgress;
  #lastSent = runtime.clock.now();
  #stop: (() => void) | undefined;
  #lastTick = 0;
  /** Timer of the next look at a peer that is overdue. */
  #nextLook: Timer | undefined;

  /** Creates the heartbeat of a connection, which {@linkcode start} starts. */
  constructor(host: HeartbeatHost, progress: ReceiveProgress) {
    this.#host = host;
    this.#progress = progress;
  }

  /** A message was written. */
  sent(): void {
    this.#lastSent = runtime.clock.now();
  }

  /** Starts, or goes on with another interval in seconds. */
  start(seconds: number): void {
    this.stop();
    const intervalMillis = seconds * 1000;
    this.#lastTick = runtime.clock.now();
    this.#stop = startInterval(intervalMillis, () => this.#tick(intervalMillis));
  }

  /** Stops. */
  stop(): void {
    this.#stop?.();
    runtime.timers.clearTimeout(this.#nextLook);
    this.#nextLook = undefined;
  }

  #tick(intervalMillis: number): void {
    const now = runtime.clock.now();
    const lostMillis = now - this.#lastTick - intervalMillis * LATE_INTERVALS;
    if (lostMillis > 0) this.#progress.excuse(lostMillis, now);
    this.#lastTick = now;
    if (this.#whyGiveUp(now, intervalMillis) !== undefined) {
      if (this.#nextLook === undefined) this.#lookLater(intervalMillis, LAST_LOOKS);
    } else if (!this.#host.isWriting() && now - this.#lastSent >= intervalMillis * DUE_SHARE) {
      this.#host.sendHeartbeat();
    }
  }

  /** Gives the peer up if it is overdue at all of the looks that are left. */
  #lookLater(intervalMillis: number, looks: number): void {
    this.#nextLook = runtime.timers.setTimeout(() => {
      this.#nextLook = undefined;
      const reason = this.#whyGiveUp(runtime.clock.now(), intervalMillis);
      if (reason === undefined) return;
      if (looks > 1) this.#lookLater(intervalMillis, looks - 1);
      else this.#host.giveUp(reason);
    }, intervalMillis * LOOK_INTERVALS);
  }

  #whyGiveUp(now: number, intervalMillis: number): string | undefined {
    const progress = this.#progress;
    const limitMillis = intervalMillis * SILENT_HEARTBEATS;
    if (progress.silentMillis(now) > limitMillis) {
      return `nothing heard for ${limitMillis / 1000} seconds`;
    }
    if (progress.overdueMillis(now) <= limitMillis) return undefined;
    const seconds = Math.round(progress.waitedMillis(now)) / 1000;
    return `${progress.bodyBytes} bytes of a frame's body came in ${seconds} seconds, ` +
      `expected at least ${LEAST_BYTES_PER_SECOND} a second`;
  }
}
