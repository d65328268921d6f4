import { runtime } from "../base/runtime/runtime.ts";
import { LEAST_BYTES_PER_SECOND, type ReceiveProgress } from "./receive_progress.ts";
import { startInterval } from "./shared_interval.ts";
import { SILENT_HEARTBEATS } from "./timeouts.ts";

/** Share of the interval after which an idle connection sends a heartbeat. */
const DUE_SHARE = 0.9;

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
 */
export class Heartbeat {
  readonly #host: HeartbeatHost;
  readonly #progress: ReceiveProgress;
  #lastSent = runtime.clock.now();
  #stop: (() => void) | undefined;

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
    let lastTick = runtime.clock.now();
    this.#stop = startInterval(intervalMillis, () => {
      const now = runtime.clock.now();
      // A timer so late means that this process was suspended: what the peer has sent meanwhile has
      // arrived, but was not read yet.
      if (now - lastTick > 2 * intervalMillis) this.#progress.restartWait(now);
      lastTick = now;
      this.#tick(now, intervalMillis);
    });
  }

  /** Stops. */
  stop(): void {
    this.#stop?.();
  }

  #tick(now: number, intervalMillis: number): void {
    const progress = this.#progress;
    const limitMillis = intervalMillis * SILENT_HEARTBEATS;
    if (progress.silentMillis(now) > limitMillis) {
      this.#host.giveUp(`nothing heard for ${limitMillis / 1000} seconds`);
    } else if (progress.overdueMillis(now) > limitMillis) {
      const seconds = Math.round(progress.waitedMillis(now)) / 1000;
      this.#host.giveUp(
        `${progress.bodyBytes} bytes of a frame's body came in ${seconds} seconds, ` +
          `expected at least ${LEAST_BYTES_PER_SECOND} a second`,
      );
    } else if (!this.#host.isWriting() && now - this.#lastSent >= intervalMillis * DUE_SHARE) {
      this.#host.sendHeartbeat();
    }
  }
}
