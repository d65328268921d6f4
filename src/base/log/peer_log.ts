import { runtime } from "../runtime/runtime.ts";
import { shortened } from "../printable.ts";
import type { Logger } from "./log.ts";

/** Limits on what is logged about peers. */
export interface PeerLogLimits {
  /** Lines about one peer in {@linkcode WINDOW_MILLIS}. Further lines are only counted. */
  readonly linesPerPeer: number;
  /** Bytes about all peers that are logged at once after a quiet time. */
  readonly bytesAtOnce: number;
  /** Bytes about all peers that are logged in each hour after that. */
  readonly bytesPerHour: number;
}

/**
 * Limits on lines about peers that have not joined: at most 128 KiB in the first hour, and 64 KiB
 * in each later hour.
 */
export const STRANGER_LINES: PeerLogLimits = {
  linesPerPeer: 5,
  bytesAtOnce: 64 * 1024,
  bytesPerHour: 64 * 1024,
};

/**
 * Limits on lines about clients that have joined: at most 320 KiB in the first hour, and 192 KiB in
 * each later hour.
 */
export const MEMBER_LINES: PeerLogLimits = {
  linesPerPeer: 10,
  bytesAtOnce: 128 * 1024,
  bytesPerHour: 192 * 1024,
};

/** Time in milliseconds over which lines about one peer are counted. */
export const WINDOW_MILLIS = 60_000;
/** Most peers that are counted separately; lines about others are counted together. */
const MOST_PEERS = 1024;
const OTHERS = "other peers";
/** Shortest time in milliseconds between two searches for peers without recent lines. */
const CLOSE_MILLIS = 1000;
/** Characters of a line about a peer, and of the one that a count repeats. */
const LINE_LENGTH = 1000, REPEATED_LENGTH = 200;
/** Bytes of a line's time, name and level. */
const HEAD_BYTES = 64;

/** Clock of a log, which can call back. */
export interface Clock {
  /** Returns the milliseconds since some moment. */
  now(): number;
  /** Calls a function after a time; the result cancels the call. */
  later(millis: number, action: () => void): () => void;
}

/** Clock of the runtime. */
const systemClock: Clock = {
  now: () => runtime.clock.now(),
  later: (millis, action) => {
    const timer = runtime.timers.setTimeout(action, millis);
    return () => runtime.timers.clearTimeout(timer);
  },
};

type Level = "info" | "warn";

/** Lines about one peer in a window of time. */
interface Window {
  readonly since: number;
  lines: number;
  /** Number of lines that were left out, and the last of them. */
  held: number;
  last: { level: Level; text: string };
}

/**
 * The lines of a log whose number peers decide: refusals, joins, leaves. Of each peer the first
 * ones in a minute are logged and the others counted, and all of them together are limited in
 * bytes, so that nobody fills a disk by being refused. Nothing else goes through here.
 */
export class PeerLog implements Disposable {
  readonly #logger: Logger;
  readonly #limits: PeerLogLimits;
  readonly #clock: Clock;
  readonly #windows = new Map<string, Window>();
  #closedAt = -Infinity;
  #credit: number;
  #creditAt: number;
  /** Lines that not even a count of their peer's tells of. */
  #leftOut = 0;
  #callOff: (() => void) | undefined;

  constructor(logger: Logger, limits: PeerLogLimits, clock: Clock = systemClock) {
    this.#logger = logger;
    this.#limits = limits;
    this.#clock = clock;
    this.#credit = limits.bytesAtOnce;
    this.#creditAt = clock.now();
  }

  /**
   * Logs a step that a peer caused; `peer` is the one that it is counted for, such as `"rank 3"`.
   */
  info(peer: string, text: string): void {
    this.#say("info", peer, text);
  }

  /** Logs what a peer did wrong. */
  warn(peer: string, text: string): void {
    this.#say("warn", peer, text);
  }

  /** Tells what was left out. */
  [Symbol.dispose](): void {
    this.#callOff?.();
    this.#callOff = undefined;
    for (const [peer, window] of this.#windows) this.#close(peer, window);
    this.#windows.clear();
    this.#tellLeftOut();
  }

  #say(level: Level, peer: string, text: string): void {
    const window = this.#windowOf(peer);
    if (window.lines < this.#limits.linesPerPeer && this.#write(level, text)) {
      window.lines++;
      return;
    }
    window.held++;
    window.last = { level, text };
    this.#callOff ??= this.#clock.later(WINDOW_MILLIS, () => this.#tick());
  }

  #windowOf(peer: string): Window {
    const now = this.#clock.now();
    const isFull = () => this.#windows.size >= MOST_PEERS && !this.#windows.has(peer);
    if (isFull() && now - this.#closedAt >= CLOSE_MILLIS) this.#closeOld(now);
    const name = isFull() ? OTHERS : peer;
    const known = this.#windows.get(name);
    if (known !== undefined && now - known.since < WINDOW_MILLIS) return known;
    if (known !== undefined) this.#close(name, known);
    const window: Window = { since: now, lines: 0, held: 0, last: { level: "info", text: "" } };
    this.#windows.set(name, window);
    return window;
  }

  /** False when that would be too much. */
  #write(level: Level, text: string): boolean {
    const line = shortened(text, LINE_LENGTH);
    const bytes = HEAD_BYTES + new TextEncoder().encode(line).length;
    const now = this.#clock.now();
    const { bytesAtOnce, bytesPerHour } = this.#limits;
    const earned = (now - this.#creditAt) / 3_600_000 * bytesPerHour;
    this.#credit = Math.min(bytesAtOnce, this.#credit + earned);
    this.#creditAt = now;
    if (bytes > this.#credit) return false;
    this.#credit -= bytes;
    this.#logger[level](line);
    return true;
  }

  #tick(): void {
    this.#callOff = undefined;
    this.#closeOld(this.#clock.now());
    this.#tellLeftOut();
    if ([...this.#windows.values()].some(({ held }) => held > 0)) {
      this.#callOff = this.#clock.later(WINDOW_MILLIS, () => this.#tick());
    }
  }

  #closeOld(now: number): void {
    this.#closedAt = now;
    for (const [peer, window] of this.#windows) {
      if (now - window.since < WINDOW_MILLIS) continue;
      this.#windows.delete(peer);
      this.#close(peer, window);
    }
  }

  #close(peer: string, { held, last: { level, text } }: Window): void {
    if (held === 0) return;
    const count = `${held} more ${held === 1 ? "line" : "lines"} about ${peer} in ${
      WINDOW_MILLIS / 1000
    } s, the last: ${shortened(text, REPEATED_LENGTH)}`;
    if (!this.#write(level, count)) this.#leftOut += held;
  }

  /** Once a minute at most: this line is always paid for. */
  #tellLeftOut(): void {
    if (this.#leftOut === 0) return;
    this.#logger.warn(
      `${this.#leftOut} lines about peers were left out: more than ${this.#limits.bytesPerHour} bytes an hour`,
    );
    this.#leftOut = 0;
  }
}
