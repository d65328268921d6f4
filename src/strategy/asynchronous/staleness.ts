/**
 * Weights of updates by their age.
 *
 * @module
 */

import { checked } from "../check.ts";

/**
 * A function that gives the weight of an update, above 0 and at most 1, by its staleness from 0.
 *
 * The library has the three of Xie et al. 2019, "Asynchronous Federated Optimization".
 */
export type StalenessFunction = (staleness: number) => number;

/** Makes `s = 1`: old updates count as much as new ones. */
export function constantStaleness(): StalenessFunction {
  return () => 1;
}

/**
 * Makes `s = (staleness + 1)^-a`.
 *
 * @param a How fast the weight falls, from 0.
 * @throws {RangeError} If `a` is below 0.
 *
 * @example
 * ```ts
 * import { polynomialStaleness } from "@fedlab/core/strategy";
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
 * Makes `s = 1` up to a staleness of `b`, then `1 / (a (staleness - b) + 1)`.
 *
 * @param a How fast the weight falls, from 0.
 * @param b Largest staleness of full weight, from 0.
 * @throws {RangeError} If `a` or `b` is below 0.
 *
 * @example
 * ```ts
 * import { hingeStaleness } from "@fedlab/core/strategy";
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

/**
 * Makes a staleness function by its name.
 *
 * @throws {RangeError} If there is no such function, or a number is out of range or not one of its.
 */
export function stalenessByName(
  name: string,
  { a, b }: Readonly<Record<string, number>>,
): StalenessFunction {
  const unfit = name === "constant" ? a ?? b : name === "polynomial" ? b : undefined;
  if (unfit !== undefined) {
    throw new RangeError(
      `Cannot make fedasync: expected ${
        name === "constant" ? "neither a nor b" : "no b"
      } with the staleness ${name}, got ${unfit}`,
    );
  }
  switch (name) {
    case "constant":
      return constantStaleness();
    case "polynomial":
      return polynomialStaleness(a);
    case "hinge":
      return hingeStaleness(a, b);
    default:
      throw new RangeError(
        `Cannot make fedasync: expected the staleness constant, polynomial or hinge, got ${name}`,
      );
  }
}
