import { ConnectionClosedError } from "../../base/errors.ts";
import type { Connection } from "../../net/connection.ts";
import type { Channel } from "../../net/transport.ts";
import type { Admission, ConnectionLimiter, Refusal } from "./connection_limiter.ts";

/** A peer from its admission on: before it has a channel, before it has said anything, and while it has a connection. */
export class PeerAdmission {
  /** The channel that it came by. */
  channel: Channel | undefined;
  /** There once it has said something. */
  connection: Connection | undefined;
  /** Why it gave way to others, if it did. */
  evicted: string | undefined;
  /** Whether another did so a moment ago: of this one nothing is said. */
  isRepeated = false;
  #admission: Admission | undefined;

  /** Asks the gate to let a peer in that has come from `remote`. */
  static admit(limiter: ConnectionLimiter, remote: string): PeerAdmission | Refusal {
    const visitor = new PeerAdmission();
    const admission = limiter.admit(
      remote,
      (reason, isRepeated) => visitor.#evict(reason, isRepeated),
    );
    if ("refused" in admission) return admission;
    visitor.#admission = admission;
    return visitor;
  }

  /** It has a seat: it does not give way any more. */
  registered(): void {
    this.#admission?.registered();
  }

  /** It is gone: its place is free. */
  release(): void {
    this.#admission?.release();
  }

  #evict(reason: string, isRepeated: boolean): void {
    this.evicted = reason;
    this.isRepeated = isRepeated;
    if (this.connection === undefined) this.channel?.close();
    else this.connection.abort(new ConnectionClosedError(reason));
  }
}
