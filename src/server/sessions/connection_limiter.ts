import { runtime } from "../../base/runtime/runtime.ts";
import type { Arrival } from "../../base/limits/arrivals.ts";
import type { PeerLimits } from "./peer_limits.ts";
import { remoteAddress } from "./remote_address.ts";
import { type Source, SourceTable } from "./source_table.ts";

/** Admitted connection. A second call of either method does nothing. */
export interface Admission {
  /** Notes that the peer has registered, so that it is not evicted any more. */
  registered(): void;
  /** Notes that the connection is closed. */
  release(): void;
}

/** Refused connection. */
export interface Refusal {
  /** Limit that is reached. */
  readonly limit: keyof PeerLimits;
  /** Reason for the log. */
  readonly refused: string;
  /** Set if another was refused less than a second ago: a flood must not fill the log. */
  readonly isRepeated: boolean;
}

/**
 * Closes a connection that has not registered. `isRepeated` is set when another was evicted less
 * than a second ago: a flood must not fill the log.
 */
export type Evict = (reason: string, isRepeated: boolean) => void;

/** Admitted connection and its position in the order of arrival. */
class AdmittedConnection implements Admission {
  readonly source: Source<AdmittedConnection>;
  evict: Evict | undefined;
  /** Number in the order of arrival. */
  readonly number: number;
  /** Entry among those of its address that have not registered, like `evict` until it has. */
  arrival: Arrival<AdmittedConnection> | undefined;
  isOpen = true;
  readonly #limiter: ConnectionLimiter;

  constructor(
    limiter: ConnectionLimiter,
    source: Source<AdmittedConnection>,
    evict: Evict,
    number: number,
  ) {
    this.#limiter = limiter;
    this.source = source;
    this.evict = evict;
    this.number = number;
    this.arrival = source.unregistered.add(this);
  }

  registered(): void {
    this.#limiter.registered(this);
  }

  release(): void {
    this.#limiter.release(this);
  }
}

/**
 * Number of unregistered connections that are admitted however scarce descriptors are, so that a
 * client that registers at once is served.
 */
const LEAST_UNREGISTERED = 4;
/** Time for which fewer connections are admitted after descriptors were scarce. */
const SCARCE_MILLIS = 60_000;
/** Time within which `arrivalsAtOnce` evictions are a flood. */
const FLOOD_WINDOW_MILLIS = 10_000;
/** Time for which a flood is assumed to go on. */
const FLOOD_MILLIS = 60_000;
/** Maximum number of unregistered connections of one address during a flood. */
const UNREGISTERED_IN_FLOOD = 8;
/**
 * Time after which one more connection of an address at that maximum is admitted and its oldest is
 * closed: a client that registers at once has eight times as long to do so.
 */
const FLOOD_STEP_MILLIS = 100;
/** Time within which refusals count as one event. */
const REPEATED_MILLIS = 1000;

const TOO_MANY = "it did not register before too many others came after it";
const TOO_FEW_DESCRIPTORS = "it had not registered when the server had no file descriptors left";

const FREE_PASS: Admission = { registered() {}, release() {} };

/**
 * Limiter of a server's connections, by address and in all. Peers in the server's own process are
 * always admitted.
 */
export class ConnectionLimiter {
  readonly #limits: PeerLimits;
  readonly #now: () => number;
  readonly #sources: SourceTable<AdmittedConnection>;
  /** Addresses with unregistered connections. */
  readonly #crowds = new Set<Source<AdmittedConnection>>();
  #unregistered = 0;
  #open = 0;
  #arrivals = 0;
  #refusedAt = -Infinity;
  #evictedAt = -Infinity;
  /** Number of evictions since a time, and the end of the flood. */
  #flood = { since: -Infinity, count: 0, until: -Infinity };
  /** Limit on unregistered connections while descriptors are scarce, and the end of that time. */
  #scarce = { unregistered: Infinity, until: -Infinity };

  /** Creates a limiter; `now` gives the time in milliseconds. */
  constructor(limits: PeerLimits, now: () => number = () => runtime.clock.now()) {
    this.#limits = limits;
    this.#sources = new SourceTable(limits);
    this.#now = now;
  }

  /** Number of open connections, and of those that have not registered. */
  get counts(): { open: number; unregistered: number } {
    return { open: this.#open, unregistered: this.#unregistered };
  }

  /**
   * Admits or refuses a connection.
   *
   * @param remote Address of the peer.
   * @param evict Closes the connection. It is called at most once, when the connection has not
   * registered and gives way to a newer one.
   */
  admit(remote: string, evict: Evict): Admission | Refusal {
    const { connections, connectionsPerAddress, arrivalsPerSecond } = this.#limits;
    const address = remoteAddress(remote);
    if (address === undefined) return FREE_PASS;
    const source = this.#sources.get(address, this.#now());
    if (source.credit < 1) {
      return this.#refuse("arrivalsPerSecond", arrivalsPerSecond, "connections a second");
    }
    source.credit--;
    if (source.open >= connectionsPerAddress) {
      const what = "connections from one address";
      return this.#refuse("connectionsPerAddress", connectionsPerAddress, what);
    }
    // A registered connection never gives way to a new one.
    const isFull = this.#open >= connections;
    if (isFull && this.#unregistered === 0) {
      return this.#refuse("connections", connections, "connections");
    }
    if (this.#isFloodOf(source)) {
      const what = "that have not registered from one address during a flood";
      return this.#refuse("unregistered", UNREGISTERED_IN_FLOOD, what);
    }
    if (isFull || this.#unregistered >= this.#mostUnregistered) this.#evictOldest(TOO_MANY);
    const connection = new AdmittedConnection(this, source, evict, this.#arrivals++);
    source.open++;
    this.#open++;
    this.#crowds.add(source);
    this.#unregistered++;
    return connection;
  }

  /**
   * Frees file descriptors when the process has run out of them: closes half of the unregistered
   * connections in the order of eviction, and admits no more than the other half for a minute. So
   * there are descriptors to accept connections and to write checkpoints.
   *
   * @returns The number of connections that were closed.
   */
  relieve(): number {
    const kept = Math.max(LEAST_UNREGISTERED, Math.floor(this.#unregistered / 2));
    this.#scarce = { unregistered: kept, until: this.#now() + SCARCE_MILLIS };
    const count = Math.max(0, this.#unregistered - kept);
    for (let i = 0; i < count; i++) this.#evictOldest(TOO_FEW_DESCRIPTORS);
    return count;
  }

  get #mostUnregistered(): number {
    const { unregistered } = this.#limits;
    const isScarce = this.#now() < this.#scarce.until;
    return isScarce ? Math.min(unregistered, this.#scarce.unregistered) : unregistered;
  }

  #refuse(limit: keyof PeerLimits, most: number, what: string): Refusal {
    const now = this.#now();
    const isRepeated = now - this.#refusedAt < REPEATED_MILLIS;
    if (!isRepeated) this.#refusedAt = now;
    return { limit, refused: `expected at most ${most} ${what}`, isRepeated };
  }

  /** Closes the oldest unregistered connection of the address that has most of them. */
  #evictOldest(reason: string): void {
    let oldest: AdmittedConnection | undefined;
    let most = 0;
    for (const { unregistered } of this.#crowds) {
      if (unregistered.size < most) continue;
      const { first } = unregistered;
      if (first === undefined) continue;
      const isOlder = oldest === undefined || first.number < oldest.number;
      if (unregistered.size > most || isOlder) oldest = first;
      most = unregistered.size;
    }
    if (oldest !== undefined) this.#evict(oldest, reason);
  }

  /**
   * Reports whether one more connection of the address is refused because of a flood. If not, its
   * oldest unregistered connections are closed for it.
   */
  #isFloodOf(source: Source<AdmittedConnection>): boolean {
    const now = this.#now();
    const { unregistered } = source;
    if (now >= this.#flood.until || unregistered.size < UNREGISTERED_IN_FLOOD) return false;
    this.#flood.until = now + FLOOD_MILLIS;
    if (now - source.steppedAt < FLOOD_STEP_MILLIS) return true;
    source.steppedAt = now;
    while (unregistered.first !== undefined && unregistered.size >= UNREGISTERED_IN_FLOOD) {
      this.#evict(unregistered.first, TOO_MANY);
    }
    return false;
  }

  #evict(connection: AdmittedConnection, reason: string): void {
    const { evict } = connection;
    this.release(connection);
    const now = this.#now();
    if (now - this.#flood.since > FLOOD_WINDOW_MILLIS) {
      this.#flood = { ...this.#flood, since: now, count: 0 };
    }
    if (++this.#flood.count > this.#limits.arrivalsAtOnce) this.#flood.until = now + FLOOD_MILLIS;
    const isRepeated = now - this.#evictedAt < REPEATED_MILLIS;
    if (!isRepeated) this.#evictedAt = now;
    evict?.(reason, isRepeated);
  }

  /** Notes that the peer of a connection has registered. */
  registered(connection: AdmittedConnection): void {
    const { source, arrival } = connection;
    if (arrival === undefined || !source.unregistered.delete(arrival)) return;
    connection.arrival = connection.evict = undefined;
    this.#unregistered--;
    if (source.unregistered.size === 0) this.#crowds.delete(source);
  }

  /** Notes that a connection is closed. */
  release(connection: AdmittedConnection): void {
    if (!connection.isOpen) return;
    connection.isOpen = false;
    connection.source.open--;
    this.#open--;
    this.registered(connection);
  }
}
