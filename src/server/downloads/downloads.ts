import { runtime } from "../../base/runtime/runtime.ts";
import { type Download, LinkDownloads, type LinkDownloadsOptions } from "./link_downloads.ts";
import { TurnQueue } from "./turn_queue.ts";

/** Options of {@linkcode Downloads}. */
export interface DownloadsOptions {
  /** Number of downloads at a time for each address. Default: found out for each. */
  readonly atOnce?: number | undefined;
  /** Time after which a download leaves its place to the next one, with `atOnce`. */
  readonly placeMillis: number;
  /** Returns the time in milliseconds. Default: the runtime's clock. */
  readonly now?: () => number;
}

/**
 * Downloads of the parameters of a round. Clients of one address that share a link get them one
 * after the other: the first one trains and uploads while the next one downloads, and none gets
 * them later than if all had got them at once.
 */
export class Downloads {
  readonly #options: LinkDownloadsOptions;
  readonly #links = new Map<string, LinkDownloads>();
  readonly #turns = new TurnQueue();

  /** Begins with no knowledge about the addresses. */
  constructor({ atOnce, placeMillis, now = () => runtime.clock.now() }: DownloadsOptions) {
    this.#options = { atOnce, placeMillis, now };
  }

  /**
   * Begins downloads: all of an address at once, or some of them later.
   *
   * @param downloads Downloads by addresses.
   */
  begin(downloads: ReadonlyMap<string, readonly Download[]>): void {
    for (const [address, some] of downloads) {
      let link = this.#links.get(address);
      if (link === undefined) this.#links.set(address, link = new LinkDownloads(this.#options));
      link.begin(some);
    }
  }

  /** Begins downloads of small models, whatever links they share: some in each turn. */
  beginSmall(starts: readonly (() => void)[]): void {
    this.#turns.begin(starts);
  }

  /** Drops the downloads that have not begun. */
  clear(): void {
    this.#turns.clear();
    for (const link of this.#links.values()) link.clear();
  }
}
