import { errorMessage } from "../../base/errors.ts";
import { isOutOfDescriptors } from "../../base/files/os_error.ts";
import { delay } from "../../base/time/delay.ts";
import type { Channel, Listener } from "../../net/transport.ts";
import type { ConnectionLimiter, Refusal } from "./connection_limiter.ts";
import { PeerAdmission } from "./peer_admission.ts";
import type { PeerLogs } from "./session_listener.ts";

/** Pause after accepting has failed. */
const ACCEPT_PAUSE_MILLIS = 500;
/** Maximum number of refused peers that are being told why; others are only disconnected. */
const MOST_TOLD = 64;

/** Actions of an acceptor on the peers that come. */
export interface AcceptorActions {
  /** Serves an admitted peer. */
  serve(channel: Channel, admission: PeerAdmission): void;
  /** Called when a peer was refused. */
  refused(remote: string, refusal: Refusal): void;
  /** Tells a refused peer why, and disconnects it. */
  tell(channel: Channel, refusal: Refusal): Promise<void>;
}

/**
 * Acceptor of a server's connections. A refused peer costs no more than its socket, and some of
 * them a channel for as long as it takes to tell them why.
 */
export class Acceptor {
  readonly #limiter: ConnectionLimiter;
  readonly #peers: PeerLogs;
  readonly #actions: AcceptorActions;
  /**
   * Peers that were admitted, or are to be told why not, and have no channel yet; all but the last
   * were gone at once.
   */
  readonly #expected: (PeerAdmission | Refusal)[] = [];
  #told = 0;

  constructor(limiter: ConnectionLimiter, peers: PeerLogs, actions: AcceptorActions) {
    this.#limiter = limiter;
    this.#peers = peers;
    this.#actions = actions;
  }

  /** Serves each peer that is admitted, until the listener is closed. Never rejects. */
  async accept(listener: Listener): Promise<void> {
    const isWelcome = (remote: string): boolean => {
      const outcome = this.#admit(remote);
      if (outcome !== undefined) this.#expected.push(outcome);
      return outcome !== undefined;
    };
    let fault: string | undefined;
    for (;;) {
      let channel: Channel | null;
      try {
        channel = await listener.accept(isWelcome);
      } catch (error) {
        this.#dropExpected();
        // A fault such as too many open files may pass; clients that are lost meanwhile come back.
        if (fault === undefined) {
          this.#peers.strangers.warn(
            "accepting",
            `Cannot accept clients for now: ${errorMessage(error)}${
              isOutOfDescriptors(error) ? "; raise the limit of the process (ulimit -n)" : ""
            }`,
          );
        }
        fault = errorMessage(error);
        const freed = isOutOfDescriptors(error) ? this.#limiter.relieve() : 0;
        // Freed descriptors are available after one turn of the event loop.
        await delay(freed > 0 ? 0 : ACCEPT_PAUSE_MILLIS);
        continue;
      }
      // A listener need not call `isWelcome`.
      const outcome = this.#expected.pop() ?? (channel && this.#admit(channel.remote));
      this.#dropExpected();
      if (channel === null) return;
      if (fault !== undefined) this.#peers.strangers.info("accepting", "Accepting clients again");
      fault = undefined;
      if (outcome instanceof PeerAdmission) {
        outcome.channel = channel;
        this.#actions.serve(channel, outcome);
      } else if (outcome) void this.#tell(channel, outcome);
      else channel.close();
    }
  }

  async #tell(channel: Channel, refusal: Refusal): Promise<void> {
    try {
      await this.#actions.tell(channel, refusal);
    } finally {
      this.#told--;
    }
  }

  /** Returns an admission, or a refusal that the peer is told; `undefined` for none of them. */
  #admit(remote: string): PeerAdmission | Refusal | undefined {
    const outcome = PeerAdmission.request(this.#limiter, remote);
    if (outcome instanceof PeerAdmission) return outcome;
    this.#actions.refused(remote, outcome);
    if (this.#told >= MOST_TOLD) return undefined;
    this.#told++;
    return outcome;
  }

  /** Releases the peers that were gone before they had a channel. */
  #dropExpected(): void {
    for (let one = this.#expected.pop(); one; one = this.#expected.pop()) {
      if (one instanceof PeerAdmission) one.release();
      else this.#told--;
    }
  }
}
