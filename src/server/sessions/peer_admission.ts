import { ConnectionClosedError } from "../../base/errors.ts";
import type { Connection } from "../../net/connection.ts";
import type { Channel } from "../../net/transport.ts";
import type { Admission, ConnectionLimiter, Refusal } from "./connection_limiter.ts";

/** Admitted peer: first without a channel, then with a channel, then with a connection. */
export class PeerAdmission {
  /** Channel of the peer. */
  channel: Channel | undefined;
  /** Connection of the peer, once its first bytes have come. */
  connection: Connection | undefined;
  /** Reason for its eviction, if it was evicted. */
  evicted: string | undefined;
  /** Set if another peer was evicted a moment ago: this eviction is not logged. */
  isRepeated = false;
  #admission: Admission | undefined;

  /** Asks the limiter to admit a peer from `remote`. */
  static request(limiter: ConnectionLimiter, remote: string): PeerAdmission | Refusal {
    const peer = new PeerAdmission();
    const admission = limiter.admit(
      remote,
      (reason, isRepeated) => peer.#evict(reason, isRepeated),
    );
    if ("refused" in admission) return admission;
    peer.#admission = admission;
    return peer;
  }

  /** Notes that the peer has a rank: it is not evicted any more. */
  registered(): void {
    this.#admission?.registered();
  }

  /** Notes that the peer is gone. */
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
