import type { Strategy } from "../strategy.ts";

/** Methods that decide how an update counts. */
const COUNTING = ["begin", "sumRound", "check"] as const;

/**
 * Returns the property `contributor` of a strategy, if it still holds: a subclass that changes how
 * an update counts has to give it anew.
 */
export function contributorOf(strategy: Strategy): string | undefined {
  let level: object | null = strategy;
  while (level !== null && level !== Object.prototype) {
    if (Object.hasOwn(level, "contributor")) return strategy.contributor;
    for (const name of COUNTING) if (Object.hasOwn(level, name)) return undefined;
    level = Object.getPrototypeOf(level);
  }
  return undefined;
}
