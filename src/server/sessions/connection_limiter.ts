import { type Arrival, Arrivals } from "../../base/limits/arrivals.ts";

/** How many peers a server bears at once, and how fast they may come. Each is a whole number of at least 1. */
export interface PeerLimits {
  /** Connections in all, registered or not. Default 4096, or twice the world size where that is more. */
  readonly connections: number;
  /** Connections from one address. Default 1024, so that a thousand clients may share a machine. */
  readonly connectionsPerAddress: number;
  /**
   * Connections that have not registered yet. Default 256. Past it a new one is let in all the same, and the oldest of the address that has most of
   * them is closed: silent connections push out each other, not a client that registers at once. When more than `arrivalsAtOnce` were so closed within 10 seconds,
   * then until a minute after that flood an address with 8 of them is let in one more every 100 ms, and refused otherwise.
   */
  readonly unregistered: number;
  /** New connections a second from one address, on average. Default 200. */
  readonly arrivalsPerSecond: number;
  /** New connections from one address at once, after a quiet time. Default 1024. */
  readonly arrivalsAtOnce: number;
}

/** 4096 connections, 1024 from one address; 256 not registered yet; 200 new ones a second from one address, 1024 at once. */
export const DEFAULT_PEER_LIMITS: PeerLimits = {
  connections: 4096,
  connectionsPerAddress: 1024,
  unregistered: 256,
  arrivalsPerSecond: 200,
  arrivalsAtOnce: 1024,
};

/** The defaults with the given ones in their place. Throws a `RangeError` for one that is no whole number of at least 1. */
export function peerLimitsOf(given: Partial<PeerLimits> = {}): PeerLimits {
  for (const [name, limit] of Object.entries(given)) {
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new RangeError(
        `Cannot use the limit ${name}: expected a whole number of at least 1, got ${limit}`,
      );
    }
  }
  return { ...DEFAULT_PEER_LIMITS, ...given };
}

/**
 * The address of a channel's `remote`, without transport and port: `"tcp 10.0.0.7:5123"` is of `"10.0.0.7"`. Of an IPv6 address it is the network's half
 * (`"2001:db8:0:1::/64"`), because whoever has one address of a network has them all. `undefined` where there is no port: such a peer is in this process.
 */
export function addressOf(remote: string): string | undefined {
  const match = /^(?:\S+ )?(?:\[([^\]]+)\]|([^\s[\]:]+)):\d+$/.exec(remote);
  const [, bracketed, plain] = match ?? [];
  if (bracketed === undefined) return plain;
  const address = bracketed.replace(/%.*$/, "").toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [left = "", right] = address.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right ? right.split(":") : [];
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  const groups = [...head, ...(right === undefined ? [] : zeros), ...tail].slice(0, 4);
  const network = groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":");
  // The first 64 bits of the loopback address are nobody's network.
  return network === "0:0:0:0" ? address : `${network}::/64`;
}

/** A connection that was let in. Both calls do nothing the second time. */
export interface Admission {
  /** The peer has registered: it is not pushed out any more. */
  registered(): void;
  /** The connection is closed: its place is free. */
  release(): void;
}

/** A connection that is not let in. */
export interface Refusal {
  /** Why, for the log. */
  readonly refused: string;
  /** Whether another was refused less than a second ago: a flood must not fill the log. */
  readonly isRepeated: boolean;
}

/** Closes a connection that has not registered. `isRepeated` says whether another was closed so less than a second ago: a flood must not fill the log. */
export type Evict = (reason: string, isRepeated: boolean) => void;

/** What is known of one address. */
interface Source {
  open: number;
  /** Those of them that have not registered, in order of arrival. */
  readonly unregistered: Arrivals<Place>;
  /** When it was last let in one more in a flood. */
  steppedAt: number;
  /** Arrivals that were still allowed at the time `at`. */
  credit: number;
  at: number;
}

/** One connection. */
class Place implements Admission {
  readonly source: Source;
  readonly evict: Evict;
  /** Its place in the order of arrival. */
  readonly number: number;
  /** Among those of its address that have not registered. */
  readonly arrival: Arrival<Place>;
  isOpen = true;
  readonly #gate: ConnectionLimiter;

  constructor(gate: ConnectionLimiter, source: Source, evict: Evict, number: number) {
    this.#gate = gate;
    this.source = source;
    this.evict = evict;
    this.number = number;
    this.arrival = source.unregistered.add(this);
  }

  registered(): void {
    this.#gate.registered(this);
  }

  release(): void {
    this.#gate.release(this);
  }
}

/** Addresses that are remembered before those that could begin anew are forgotten. */
const MOST_SOURCES = 4096;
/** Of those who have not registered, so many are let in however scarce descriptors are: whoever registers at once gets through. */
const LEAST_UNREGISTERED = 4;
/** How long fewer are let in after descriptors were scarce. */
const SCARCE_MILLIS = 60_000;
/** As many as may come at once from one address, pushed out within this time, are a flood. */
const FLOOD_WINDOW_MILLIS = 10_000;
/** How long a flood is reckoned with after that. */
const FLOOD_MILLIS = 60_000;
/** Meanwhile one address may have so many that have not registered, */
const UNREGISTERED_IN_FLOOD = 8;
/** and once it has, one more in this time is let in, for which its oldest is closed: who registers at once has the time of eight to do so. */
const FLOOD_STEP_MILLIS = 100;
/** Refusals closer than this are one event. */
const REPEATED_MILLIS = 1000;

const TOO_MANY = "it did not register before too many others came after it";
const TOO_FEW_DESCRIPTORS = "it had not registered when the server had no file descriptors left";

const FREE_PASS: Admission = { registered() {}, release() {} };

/** Counts a server's connections and says who may come in. Peers in the server's own process always may. */
export class ConnectionLimiter {
  readonly #limits: PeerLimits;
  readonly #now: () => number;
  readonly #sources = new Map<string, Source>();
  /** The addresses of those who have not registered. */
  readonly #crowds = new Set<Source>();
  #unregistered = 0;
  #open = 0;
  #arrivals = 0;
  #refusedAt = -Infinity;
  #evictedAt = -Infinity;
  /** How many were pushed out since, and until when that is a flood. */
  #flood = { since: -Infinity, count: 0, until: -Infinity };
  /** The most that may be unregistered while descriptors are scarce, and until when they are. */
  #scarce = { unregistered: Infinity, until: -Infinity };

  /** A gate with these limits; `now` tells the time in milliseconds. */
  constructor(limits: PeerLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Number of connections that are open, and of those among them that have not registered. */
  get counts(): { open: number; unregistered: number } {
    return { open: this.#open, unregistered: this.#unregistered };
  }

  /**
   * A connection has come from `remote`. `evict` must close it: it is called, at most once, when the connection has not registered and gives way to a
   * newer one.
   */
  admit(remote: string, evict: Evict): Admission | Refusal {
    const { connections, connectionsPerAddress, arrivalsPerSecond } = this.#limits;
    const address = addressOf(remote);
    if (address === undefined) return FREE_PASS;
    const source = this.#sourceOf(address);
    if (source.credit < 1) {
      return this.#refuse(`expected at most ${arrivalsPerSecond} connections a second`);
    }
    source.credit--;
    if (source.open >= connectionsPerAddress) {
      return this.#refuse(`expected at most ${connectionsPerAddress} connections from one address`);
    }
    // Those who have registered stay, whoever comes.
    const isFull = this.#open >= connections;
    if (isFull && this.#unregistered === 0) {
      return this.#refuse(`expected at most ${connections} connections`);
    }
    if (this.#isFloodOf(source)) {
      const reason = `expected at most ${UNREGISTERED_IN_FLOOD} that have not registered`;
      return this.#refuse(`${reason} from one address during a flood`);
    }
    if (isFull || this.#unregistered >= this.#mostUnregistered) this.#pushOut(TOO_MANY);
    const place = new Place(this, source, evict, this.#arrivals++);
    source.open++;
    this.#open++;
    this.#crowds.add(source);
    this.#unregistered++;
    return place;
  }

  /**
   * The process has run out of file descriptors: half of the connections that have not registered are closed, those first that would be pushed out first, and for
   * a minute no more than the other half are let in. So there are descriptors to accept with, and to write checkpoints. Returns how many were closed.
   */
  relieve(): number {
    const kept = Math.max(LEAST_UNREGISTERED, Math.floor(this.#unregistered / 2));
    this.#scarce = { unregistered: kept, until: this.#now() + SCARCE_MILLIS };
    const count = Math.max(0, this.#unregistered - kept);
    for (let i = 0; i < count; i++) this.#pushOut(TOO_FEW_DESCRIPTORS);
    return count;
  }

  get #mostUnregistered(): number {
    const { unregistered } = this.#limits;
    const isScarce = this.#now() < this.#scarce.until;
    return isScarce ? Math.min(unregistered, this.#scarce.unregistered) : unregistered;
  }

  #refuse(reason: string): Refusal {
    const now = this.#now();
    const isRepeated = now - this.#refusedAt < REPEATED_MILLIS;
    if (!isRepeated) this.#refusedAt = now;
    return { refused: reason, isRepeated };
  }

  /** Closes the oldest unregistered connection of the address that has most of them. */
  #pushOut(reason: string): void {
    let oldest: Place | undefined;
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

  /** Whether one more of the address is refused for a flood; where one is let in, the oldest that have not registered are closed for it. */
  #isFloodOf(source: Source): boolean {
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

  #evict(place: Place, reason: string): void {
    this.release(place);
    const now = this.#now();
    if (now - this.#flood.since > FLOOD_WINDOW_MILLIS) {
      this.#flood = { ...this.#flood, since: now, count: 0 };
    }
    if (++this.#flood.count > this.#limits.arrivalsAtOnce) this.#flood.until = now + FLOOD_MILLIS;
    const isRepeated = now - this.#evictedAt < REPEATED_MILLIS;
    if (!isRepeated) this.#evictedAt = now;
    place.evict(reason, isRepeated);
  }

  /** The peer of the place has registered. */
  registered({ source, arrival }: Place): void {
    if (!source.unregistered.delete(arrival)) return;
    this.#unregistered--;
    if (source.unregistered.size === 0) this.#crowds.delete(source);
  }

  /** The place is free. */
  release(place: Place): void {
    if (!place.isOpen) return;
    place.isOpen = false;
    place.source.open--;
    this.#open--;
    this.registered(place);
  }

  #sourceOf(address: string): Source {
    const now = this.#now();
    let source = this.#sources.get(address);
    if (source === undefined) {
      if (this.#sources.size >= MOST_SOURCES) this.#forget(now);
      source = {
        open: 0,
        unregistered: new Arrivals(),
        steppedAt: -Infinity,
        credit: this.#limits.arrivalsAtOnce,
        at: now,
      };
      this.#sources.set(address, source);
    }
    source.credit = this.#creditOf(source, now);
    source.at = now;
    return source;
  }

  /** A token bucket. */
  #creditOf({ credit, at }: Source, now: number): number {
    const { arrivalsPerSecond, arrivalsAtOnce } = this.#limits;
    return Math.min(arrivalsAtOnce, credit + (now - at) / 1000 * arrivalsPerSecond);
  }

  /** Of an address without connections whose bucket is full there is nothing to remember. */
  #forget(now: number): void {
    for (const [address, source] of this.#sources) {
      if (source.open === 0 && this.#creditOf(source, now) >= this.#limits.arrivalsAtOnce) {
        this.#sources.delete(address);
      }
    }
  }
}
