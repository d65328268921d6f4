import { runtime } from "../../base/runtime/runtime.ts";
import { entryOf, type KeyListChange } from "../../auth/allowed_keys.ts";
import { type Gatekeeper, publicKeyOf } from "../../auth/challenge.ts";
import { ProtocolError } from "../../base/errors.ts";
import { type RevokedRank, whyNotSeated } from "./key_changes.ts";
import type { RankRegistry } from "./rank_registry.ts";
import type { Session } from "./session.ts";

/** Longest time between two checks for expired keys: the clock may have been set. */
const EXPIRY_CHECK_MILLIS = 60_000;

/** Parts of the sessions that a key watcher acts on. */
export interface KeyWatcherOptions {
  readonly gatekeeper: Gatekeeper;
  readonly registry: RankRegistry<Session>;
  /** Open sessions. */
  readonly sessions: ReadonlySet<Session>;
  /** Called when the list of keys was read again, or could not be. */
  onChange(change: KeyListChange | Error): void;
  /** Called when a client has lost its rank. */
  onRevoked(revoked: RevokedRank): void;
}

/** Watcher of the list of allowed keys: ends the sessions of keys that are no longer allowed. */
export class KeyWatcher {
  readonly #options: KeyWatcherOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Time at which the first key of an open session expires. */
  #next = Infinity;
  #unsubscribe: (() => void) | undefined;
  #isClosed = false;

  constructor(options: KeyWatcherOptions) {
    this.#options = options;
  }

  /** Follows the changes of the list, if it reports them. */
  follow(): void {
    const { gatekeeper } = this.#options;
    if (gatekeeper.kind !== "keys" || this.#isClosed) return;
    this.#unsubscribe ??= gatekeeper.allowed.subscribe?.((change) => {
      this.#options.onChange(change);
      this.#enforce();
    });
  }

  /** Stops to follow the list. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe?.();
    runtime.timers.clearTimeout(this.#timer);
  }

  /** Frees the ranks of keys that are not allowed to have them. */
  revoke(): RevokedRank[] {
    const { gatekeeper, registry } = this.#options;
    return registry.revoke((identity, rank) => whyNotSeated(gatekeeper, identity, rank));
  }

  /** Schedules the next check no later than the time at which the key of a session expires. */
  watchExpiry({ identity = "", ended }: Session): void {
    const { gatekeeper } = this.#options;
    if (gatekeeper.kind !== "keys" || this.#isClosed || ended !== undefined) return;
    const key = publicKeyOf(identity);
    const expires = key === undefined ? undefined : entryOf(gatekeeper.allowed, key).expires;
    if (expires === undefined || expires >= this.#next) return;
    this.#next = expires;
    runtime.timers.clearTimeout(this.#timer);
    const left = Math.max(0, expires - runtime.clock.unixMillis());
    this.#timer = runtime.timers.setTimeout(
      () => this.#enforce(),
      Math.min(left, EXPIRY_CHECK_MILLIS),
    );
  }

  /** Ends the sessions of keys that are not allowed (any more), and frees their ranks. */
  #enforce(): void {
    const { gatekeeper, sessions, onRevoked } = this.#options;
    for (const session of sessions) {
      const { connection, identity, rank } = session;
      const reason = identity && whyNotSeated(gatekeeper, identity, rank);
      if (reason === undefined || session.ended !== undefined) continue;
      session.ended = new ProtocolError("not-authorized", `Cannot stay: ${reason}`);
      void connection.refuse(session.ended);
    }
    for (const revoked of this.revoke()) {
      if (revoked.wasTaken) onRevoked(revoked);
    }
    runtime.timers.clearTimeout(this.#timer);
    this.#next = Infinity;
    for (const session of sessions) this.watchExpiry(session);
  }
}
