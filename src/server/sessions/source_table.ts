import { Arrivals } from "../../base/limits/arrivals.ts";
import type { PeerLimits } from "./peer_limits.ts";

/** State of one address that connections come from. */
export interface Source<Connection> {
  /** Number of its connections. */
  open: number;
  /** Its connections that have not registered, in order of arrival. */
  readonly unregistered: Arrivals<Connection>;
  /** Time at which it was last admitted during a flood. */
  steppedAt: number;
  /** Number of arrivals that were allowed at the time `at`. */
  credit: number;
  at: number;
}

/** Least number of addresses at which those without any state worth keeping are forgotten. */
const MOST_SOURCES = 4096;

/** Table of the addresses that connections come from, each with a token bucket of arrivals. */
export class SourceTable<Connection> {
  readonly #limits: PeerLimits;
  readonly #sources = new Map<string, Source<Connection>>();
  /** Number of addresses at which the table is searched next. */
  #most = MOST_SOURCES;

  constructor(limits: PeerLimits) {
    this.#limits = limits;
  }

  /** State of an address, with its credit at the time `now`. */
  get(address: string, now: number): Source<Connection> {
    let source = this.#sources.get(address);
    if (source === undefined) {
      if (this.#sources.size >= this.#most) this.#forget(now);
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

  #creditOf({ credit, at }: Source<Connection>, now: number): number {
    const { arrivalsPerSecond, arrivalsAtOnce } = this.#limits;
    return Math.min(arrivalsAtOnce, credit + (now - at) / 1000 * arrivalsPerSecond);
  }

  /** Forgets the addresses without connections whose bucket is full. */
  #forget(now: number): void {
    for (const [address, source] of this.#sources) {
      if (source.open === 0 && this.#creditOf(source, now) >= this.#limits.arrivalsAtOnce) {
        this.#sources.delete(address);
      }
    }
    // Each search is paid for by as many new addresses as it has looked at.
    this.#most = Math.max(MOST_SOURCES, 2 * this.#sources.size);
  }
}
