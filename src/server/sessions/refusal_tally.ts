import { ProtocolError } from "../../base/errors.ts";
import type { PeerLog } from "../../base/log/peer_log.ts";
import { runtime, type Timer } from "../../base/runtime/runtime.ts";
import type { Refusal } from "./connection_limiter.ts";
import { limitFlag, type PeerLimits } from "./peer_limits.ts";

/** Time over which refused connections are summarised in one line. */
const SUMMARY_SECONDS = 10;

/** Makes the error that a refused peer is sent: its limit, and the option that raises it. */
export function fullError({ limit, refused }: Refusal): ProtocolError {
  return new ProtocolError(
    "too-many-connections",
    `Cannot join now: ${refused}; the server's operator can raise that limit with ${
      limitFlag(limit)
    }`,
  );
}

/** Formats the reason for the log, with the option that raises the limit. */
export function fullReason({ limit, refused }: Refusal): string {
  return `${refused} (${limitFlag(limit)})`;
}

/**
 * Tally of the connections that the limits refuse, of which the log has one line for each limit in
 * ten seconds.
 */
export class RefusalTally implements Disposable {
  readonly #log: PeerLog;
  readonly #counts = new Map<keyof PeerLimits, { count: number; reason: string }>();
  #timer: Timer | undefined;
  #total = 0;
  #last: string | undefined;

  /** Creates a tally that writes to a log. */
  constructor(log: PeerLog) {
    this.#log = log;
  }

  /** Number of the refused connections and the last reason, for an error; `undefined` for none. */
  get summary(): string | undefined {
    return this.#last && `${countText(this.#total)}, the last: ${this.#last}`;
  }

  /** Counts a refused connection; it has a line of its own if it is the first one after a time. */
  add(refusal: Refusal): void {
    this.#total++;
    const reason = this.#last = fullReason(refusal);
    const isFirst = this.#timer === undefined;
    this.#timer ??= runtime.timers.setTimeout(() => this.#tell(), SUMMARY_SECONDS * 1000);
    if (isFirst) return;
    const { count } = this.#counts.get(refusal.limit) ?? { count: 0 };
    this.#counts.set(refusal.limit, { count: count + 1, reason });
  }

  /** Writes the last lines. */
  [Symbol.dispose](): void {
    this.#tell();
  }

  #tell(): void {
    runtime.timers.clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { count, reason } of this.#counts.values()) {
      this.#log.warn("refusals", `Refused ${countText(count, "more ")}: ${reason}`);
    }
    this.#counts.clear();
  }
}

function countText(count: number, more = ""): string {
  return `${count} ${more}connection${count === 1 ? "" : "s"}`;
}
