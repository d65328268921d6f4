import type { Random } from "../../base/random.ts";

/** Property of the way from one machine to another. Each direction has its own. */
export interface LinkState {
  /** Shortest and longest delay of a packet, in milliseconds; each packet draws its own. */
  readonly delayMillis: readonly [number, number];
  /** Bytes a second, which all connections over the link share; `Infinity` for no limit. */
  readonly bytesPerSecond: number;
  /** Set while nothing passes: what is sent is sent again when the link is back. */
  readonly isCut: boolean;
}

/** A fast link without faults. */
export const GOOD_LINK: LinkState = {
  delayMillis: [0.2, 2],
  bytesPerSecond: 12_500_000,
  isCut: false,
};
/** Link of a machine to itself. */
const LOOPBACK: LinkState = { delayMillis: [0.02, 0.1], bytesPerSecond: Infinity, isCut: false };

/** Way from one machine to another. */
export class Link {
  /** State, which the faults of a world change. */
  state: LinkState;
  /** Time at which everything has left that was given to the link. */
  #freeAt = 0;

  /** Creates a link. */
  constructor(state: LinkState) {
    this.state = state;
  }

  /** True unless it is cut. */
  get passes(): boolean {
    return !this.state.isCut;
  }

  /** Queues bytes, and returns the time at which the last of them has left. */
  departure(now: number, bytes: number): number {
    const begin = Math.max(now, this.#freeAt);
    return this.#freeAt = begin + 1000 * bytes / this.state.bytesPerSecond;
  }

  /** Draws the delay of a packet, in milliseconds. */
  delay(random: Random): number {
    const [least, most] = this.state.delayMillis;
    return least + (most - least) * random.uniform();
  }

  /** Forgets what has not left. */
  clearQueue(now: number): void {
    this.#freeAt = Math.min(this.#freeAt, now);
  }
}

/** Links between all machines. */
export class Links {
  readonly #links = new Map<string, Map<string, Link>>();
  /** Changes of links by themselves. */
  readonly #changes = new Map<Link, Partial<LinkState>>();
  #common = GOOD_LINK;

  /** Returns the link from one machine to another. */
  of(from: string, to: string): Link {
    let links = this.#links.get(from);
    if (links === undefined) this.#links.set(from, links = new Map());
    let link = links.get(to);
    if (link === undefined) {
      links.set(to, link = new Link(from === to ? LOOPBACK : this.#common));
    }
    return link;
  }

  /** Changes the link from one machine to another; `undefined` makes it like all others. */
  change(from: string, to: string, change: Partial<LinkState> | undefined): void {
    const link = this.of(from, to);
    if (change === undefined) this.#changes.delete(link);
    else this.#changes.set(link, { ...this.#changes.get(link), ...change });
    link.state = { ...(from === to ? LOOPBACK : this.#common), ...this.#changes.get(link) };
  }

  /** Changes all links between two machines, but for what was changed of a link by itself. */
  changeAll(change: Partial<LinkState>): void {
    this.#common = { ...this.#common, ...change };
    for (const [from, links] of this.#links) {
      for (const [to, link] of links) {
        if (from !== to) link.state = { ...this.#common, ...this.#changes.get(link) };
      }
    }
  }
}
