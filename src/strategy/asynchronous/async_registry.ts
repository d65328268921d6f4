/**
 * Asynchronous strategies by their names.
 *
 * @module
 */

import { checkNamedOptions, readNamedOptions } from "../../base/named_options.ts";
import type { AsyncStrategy } from "./async_strategy.ts";
import { FedAsync } from "./fedasync.ts";
import { FedBuff } from "./fedbuff.ts";
import type { StrategyOptions, StrategyTexts } from "../registry.ts";
import {
  constantStaleness,
  hingeStaleness,
  polynomialStaleness,
  type StalenessFunction,
} from "./staleness.ts";

/** The staleness function of a name, with its numbers. */
function stalenessOf(name: string, { a, b }: StrategyOptions): StalenessFunction {
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

/** How a strategy is made, and the options it has. */
interface Entry {
  readonly numbers: readonly string[];
  readonly texts?: readonly string[];
  make(numbers: StrategyOptions, texts: StrategyTexts): AsyncStrategy;
}

const ENTRIES: Readonly<Record<string, Entry>> = {
  "fedasync": {
    numbers: ["alpha", "a", "b"],
    texts: ["staleness"],
    make: ({ alpha, ...numbers }, { staleness = "polynomial" }) =>
      new FedAsync({
        ...(alpha !== undefined && { alpha }),
        staleness: stalenessOf(staleness, numbers),
      }),
  },
  "fedbuff": { numbers: ["size", "learningRate"], make: (options) => new FedBuff(options) },
};

/** The names that {@linkcode parseAsyncStrategy} knows. */
export const ASYNC_STRATEGY_NAMES: readonly string[] = Object.keys(ENTRIES);

/**
 * Makes an asynchronous strategy of a text such as `"fedbuff:size=4"` or `"fedasync:alpha=0.6,staleness=hinge,a=10,b=4"`; `lr` stands for
 * `learningRate`, and what is left out has the default of its class.
 *
 * Throws a `SyntaxError` for a text that cannot be read, and a `RangeError` for a name or option that there is not, or one out of range.
 *
 * @example
 * ```ts
 * import { parseAsyncStrategy } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseAsyncStrategy("fedbuff:size=4").updatesPerVersion, 4);
 * ```
 */
export function parseAsyncStrategy(text: string): AsyncStrategy {
  const named = readNamedOptions("strategy", text);
  const { name, numbers, texts } = named;
  const entry = Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : undefined;
  if (entry === undefined) {
    throw new RangeError(
      `Cannot make a strategy: expected one of ${ASYNC_STRATEGY_NAMES.join(", ")}, got ${name}`,
    );
  }
  checkNamedOptions(named, entry);
  return entry.make(numbers, texts);
}
