import { ConnectionClosedError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { shortReason } from "../../round/report/absence.ts";
import type { Refusal } from "./connection_limiter.ts";
import { fullReason, RefusalTally } from "./refusal_tally.ts";
import { remoteAddress } from "./remote_address.ts";
import type { PeerLogs } from "./session_listener.ts";

/** Peers that were refused, in the log, in events, and for the error of a run without clients. */
export class RefusedPeers implements Disposable {
  /** Reasons by ranks of clients that were refused before they were ready and are not back. */
  readonly byRank: Map<Rank, string> = new Map();
  readonly #logs: PeerLogs;
  readonly #tally: RefusalTally;
  readonly #onRefused: (remote: string, failure: unknown) => void;

  /** Creates the peers of a server; `onRefused` is called with each that is not left out. */
  constructor(logs: PeerLogs, onRefused: (remote: string, failure: unknown) => void) {
    this.#logs = logs;
    this.#tally = new RefusalTally(logs.strangers);
    this.#onRefused = onRefused;
  }

  /** Number and last reason of the connections that limits have refused; `undefined` for none. */
  get byLimits(): string | undefined {
    return this.#tally.summary;
  }

  /** Notes a peer that did not become a client, and the rank that it had got. */
  add(remote: string, failure: unknown, rank?: Rank): void {
    const reason = shortReason(failure);
    this.#logs.strangers.warn(
      remoteAddress(remote) ?? remote,
      `Refused a client at ${remote}${rank === undefined ? "" : `, rank ${rank}`}: ${reason}`,
    );
    if (rank !== undefined) this.byRank.set(rank, reason);
    this.#onRefused(remote, failure);
  }

  /** Notes a connection that a limit refuses. */
  addByLimit(remote: string, refusal: Refusal): void {
    this.#tally.add(refusal);
    if (!refusal.isRepeated) this.add(remote, new ConnectionClosedError(fullReason(refusal)));
  }

  /** Writes what is left to say. */
  [Symbol.dispose](): void {
    this.#tally[Symbol.dispose]();
  }
}
