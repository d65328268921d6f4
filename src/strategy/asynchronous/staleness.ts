/**
 * How much an update counts by its age.
 *
 * @module
 */

import { checked } from "../check.ts";

/**
 * The weight of an update by its staleness, which is from 0: above 0 and at most 1. The three are those of Xie et al. 2019,
 * "Asynchronous Federated Optimization".
 */
export type StalenessFunction = (staleness: number) => number;

/** `s = 1`: old updates count as much as new ones. */
export function constantStaleness(): StalenessFunction {
  return () => 1;
}

/**
 * `s = (staleness + 1)^-a`. Throws a `RangeError` for an `a` below 0.
 *
 * @example
 * ```ts
 * import { polynomialStaleness } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([0, 3].map(polynomialStaleness(0.5)), [1, 0.5]);
 * ```
 */
export function polynomialStaleness(a = 0.5): StalenessFunction {
  checked("a staleness function", "a", a, { least: 0 });
  return (staleness) => (staleness + 1) ** -a;
}

/**
 * `s = 1` up to a staleness of `b`, then `1 / (a (staleness - b) + 1)`. Throws a `RangeError` for an `a` or `b` below 0.
 *
 * @example
 * ```ts
 * import { hingeStaleness } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([0, 4, 5].map(hingeStaleness(1, 4)), [1, 1, 0.5]);
 * ```
 */
export function hingeStaleness(a = 10, b = 4): StalenessFunction {
  checked("a staleness function", "a", a, { least: 0 });
  checked("a staleness function", "b", b, { least: 0 });
  return (staleness) => staleness <= b ? 1 : 1 / (a * (staleness - b) + 1);
}
