/**
 * Strategies by their names.
 *
 * @module
 */

import { Bulyan } from "./bulyan.ts";
import { CoordinateMedian } from "./coordinate_median.ts";
import { FedAdagrad } from "./fedadagrad.ts";
import { FedAdam } from "./fedadam.ts";
import { FedAvg } from "./fedavg.ts";
import { FedAvgM } from "./fedavgm.ts";
import { FedNova } from "./fednova.ts";
import { FedYogi } from "./fedyogi.ts";
import { GeometricMedian } from "./geometric_median.ts";
import { Krum, MultiKrum } from "./krum.ts";
import { NormClipping } from "./norm_clipping.ts";
import { QFedAvg } from "./qfedavg.ts";
import type { Strategy } from "./strategy.ts";
import { TrimmedMean } from "./trimmed_mean.ts";

/** Options of a strategy that are numbers, by name. */
export type StrategyOptions = Readonly<Record<string, number>>;

/** How a strategy is made, and the options it has. */
interface Entry {
  readonly options: readonly string[];
  make(options: StrategyOptions): Strategy;
}

const MOMENTS = ["learningRate", "beta1", "beta2", "tau"];
const ENTRIES: Readonly<Record<string, Entry>> = {
  "fedavg": { options: [], make: () => new FedAvg() },
  "fedavgm": { options: ["learningRate", "momentum"], make: (options) => new FedAvgM(options) },
  "fedadagrad": {
    options: ["learningRate", "beta1", "tau"],
    make: (options) => new FedAdagrad(options),
  },
  "fedadam": { options: MOMENTS, make: (options) => new FedAdam(options) },
  "fedyogi": { options: MOMENTS, make: (options) => new FedYogi(options) },
  "fednova": { options: ["momentum"], make: (options) => new FedNova(options) },
  "qfedavg": { options: ["q", "learningRate"], make: (options) => new QFedAvg(options) },
  "median": { options: [], make: () => new CoordinateMedian() },
  "trimmed-mean": { options: ["attackers"], make: (options) => new TrimmedMean(options) },
  "geometric-median": {
    options: ["smoothing", "iterations", "tolerance"],
    make: (options) => new GeometricMedian(options),
  },
  "krum": { options: ["attackers"], make: (options) => new Krum(options) },
  "multi-krum": { options: ["attackers", "keep"], make: (options) => new MultiKrum(options) },
  "bulyan": { options: ["attackers"], make: (options) => new Bulyan(options) },
  "norm-clipping": {
    options: ["bound"],
    make: ({ bound = NaN }) => new NormClipping({ bound }),
  },
};

/** The names that {@linkcode strategyOf} knows. */
export const STRATEGY_NAMES: readonly string[] = Object.keys(ENTRIES);

/**
 * Makes a strategy by its name, with those of its options that are numbers; what is left out has the default of its class.
 *
 * Throws a `RangeError` for a name or option that there is not, listing those that there are, and for an option out of range.
 *
 * @example
 * ```ts
 * import { strategyOf } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(strategyOf("fedadam", { learningRate: 0.1, tau: 0.001 }).name, "fedadam");
 * ```
 */
export function strategyOf(name: string, options: StrategyOptions = {}): Strategy {
  const entry = Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : undefined;
  if (entry === undefined) {
    throw new RangeError(
      `Cannot make a strategy: expected one of ${STRATEGY_NAMES.join(", ")}, got ${name}`,
    );
  }
  for (const option of Object.keys(options)) {
    if (entry.options.includes(option)) continue;
    const known = entry.options.length === 0
      ? "no options"
      : `one of the options ${entry.options.join(", ")}`;
    throw new RangeError(`Cannot make ${name}: expected ${known}, got ${option}`);
  }
  return entry.make(options);
}

/**
 * Makes a strategy of a text such as `"fedavg"` or `"fedadam:learningRate=0.1,tau=0.001"`; `lr` stands for `learningRate`.
 *
 * Throws a `SyntaxError` for a text that cannot be read, and a `RangeError` as {@linkcode strategyOf} does.
 *
 * @example
 * ```ts
 * import { parseStrategy } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseStrategy("multi-krum:attackers=2,keep=5").name, "multi-krum");
 * ```
 */
export function parseStrategy(text: string): Strategy {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const pairs = colon < 0 ? [] : text.slice(colon + 1).split(",");
  const options: Record<string, number> = {};
  for (const pair of pairs) {
    const match = /^\s*([a-z]\w*)\s*=\s*(\S+)\s*$/i.exec(pair);
    const [, key = "", value = ""] = match ?? [];
    const option = key === "lr" ? "learningRate" : key;
    if (match === null || Number.isNaN(Number(value)) || Object.hasOwn(options, option)) {
      throw new SyntaxError(
        `Cannot read the strategy ${text}: expected name or name:option=number,option=number, got ${
          pair.trim() || "nothing"
        } in it`,
      );
    }
    options[option] = Number(value);
  }
  return strategyOf(name.trim(), options);
}
