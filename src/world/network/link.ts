import type { Random } from "../../base/random.ts";

/** Property of the way from one machine to another. Each direction has its own. */
export interface LinkState {
  /** Shortest and longest delay of a packet, in milliseconds; each packet draws its own. */
  readonly delayMillis: readonly [number, number];
  /** Bytes a second; `Infinity` for no limit. */
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

/** Draws the delay of a packet, in milliseconds. */
export function delayOf({ delayMillis: [least, most] }: LinkState, random: Random): number {
  return least + (most - least) * random.uniform();
}
