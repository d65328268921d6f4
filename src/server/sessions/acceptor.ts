import { ConnectionClosedError, errorMessage } from "../../base/errors.ts";
import { isOutOfDescriptors } from "../../base/files/os_error.ts";
import { delay } from "../../base/time/delay.ts";
import type { Channel, Listener } from "../../net/transport.ts";
import type { ConnectionLimiter } from "./connection_limiter.ts";
import { PeerAdmission } from "./peer_admission.ts";
import type { PeerLogs } from "./session_listener.ts";

/** Pause after accepting has failed. */
const ACCEPT_PAUSE_MILLIS = 500;

/** Actions of an acceptor on the peers that come. */
export interface AcceptorActions {
  /** Serves an admitted peer. */
  serve(channel: Channel, admission: PeerAdmission): void;
  /** Called when a peer was refused. */
  refused(remote: string, failure: unknown): void;
}

/** Acceptor of a server's connections. A refused peer costs no more than its socket. */
export class Acceptor {
  readonly #limiter: ConnectionLimiter;
  readonly #peers: PeerLogs;
  readonly #actions: AcceptorActions;
  /** Peers that were admitted and have no channel yet; all but the last were gone at once. */
  readonly #admitted: PeerAdmission[] = [];

  constructor(limiter: ConnectionLimiter, peers: PeerLogs, actions: AcceptorActions) {
    this.#limiter = limiter;
    this.#peers = peers;
    this.#actions = actions;
  }

  /** Serves each peer that is admitted, until the listener is closed. Never rejects. */
  async accept(listener: Listener): Promise<void> {
    const isWelcome = (remote: string): boolean => {
      const admission = this.#admit(remote);
      if (admission !== undefined) this.#admitted.push(admission);
      return admission !== undefined;
    };
    let fault: string | undefined;
    for (;;) {
      let channel: Channel | null;
      try {
        channel = await listener.accept(isWelcome);
      } catch (error) {
        this.#dropAdmitted();
        // A fault such as too many open files may pass; clients that are lost meanwhile come back.
        if (fault === undefined) {
          this.#peers.strangers.warn(
            "accepting",
            `Cannot accept clients for now: ${errorMessage(error)}`,
          );
        }
        fault = errorMessage(error);
        const freed = isOutOfDescriptors(error) ? this.#limiter.relieve() : 0;
        // Freed descriptors are available after one turn of the event loop.
        await delay(freed > 0 ? 0 : ACCEPT_PAUSE_MILLIS);
        continue;
      }
      // A listener need not call `isWelcome`.
      const admission = this.#admitted.pop() ?? (channel && this.#admit(channel.remote));
      this.#dropAdmitted();
      if (channel === null) return;
      if (fault !== undefined) this.#peers.strangers.info("accepting", "Accepting clients again");
      fault = undefined;
      if (!admission) {
        channel.close();
        continue;
      }
      admission.channel = channel;
      this.#actions.serve(channel, admission);
    }
  }

  #admit(remote: string): PeerAdmission | undefined {
    const outcome = PeerAdmission.request(this.#limiter, remote);
    if (outcome instanceof PeerAdmission) return outcome;
    if (!outcome.isRepeated) {
      this.#actions.refused(remote, new ConnectionClosedError(outcome.refused));
    }
    return undefined;
  }

  /** Releases the peers that were gone before they had a channel. */
  #dropAdmitted(): void {
    for (let one = this.#admitted.pop(); one; one = this.#admitted.pop()) one.release();
  }
}
