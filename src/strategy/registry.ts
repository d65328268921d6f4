/**
 * Strategies by their names.
 *
 * @module
 */

import {
  type Entries,
  makeNamed,
  parseNamed,
  type StrategyOptions,
  type StrategyTexts,
} from "./_named.ts";
import { Bulyan } from "./bulyan.ts";
import { Ditto, FedPer, FedProx } from "./client_side.ts";
import { CoordinateMedian } from "./coordinate_median.ts";
import { FedAdagrad } from "./fedadagrad.ts";
import { FedAdam } from "./fedadam.ts";
import { FedAvg } from "./fedavg.ts";
import { FedAvgM } from "./fedavgm.ts";
import { FedDyn } from "./feddyn.ts";
import { FedNova } from "./fednova.ts";
import { FedSGD } from "./fedsgd.ts";
import { FedYogi } from "./fedyogi.ts";
import { GeometricMedian } from "./geometric_median.ts";
import { Krum, MultiKrum } from "./krum.ts";
import { NormClipping } from "./norm_clipping.ts";
import { QFedAvg } from "./qfedavg.ts";
import { Scaffold } from "./scaffold.ts";
import type { Strategy } from "./strategy.ts";
import { TrimmedMean } from "./trimmed_mean.ts";

const MOMENTS = ["learningRate", "beta1", "beta2", "tau"];
const ENTRIES: Entries<Strategy> = {
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
  "fedsgd": { options: ["learningRate"], make: (options) => new FedSGD(options) },
  "fedprox": { options: ["mu"], make: (options) => new FedProx(options) },
  "scaffold": { options: ["learningRate"], make: (options) => new Scaffold(options) },
  "feddyn": { options: ["alpha"], make: (options) => new FedDyn(options) },
  "ditto": { options: ["lambda"], make: (options) => new Ditto(options) },
  "fedper": {
    options: [],
    texts: ["local"],
    make: (_, { local = "" }) => new FedPer({ local: local.split("+").filter(Boolean) }),
  },
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

export type { StrategyOptions, StrategyTexts } from "./_named.ts";

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
export function strategyOf(
  name: string,
  options: StrategyOptions = {},
  texts: StrategyTexts = {},
): Strategy {
  return makeNamed(ENTRIES, { name, options, texts });
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
  return makeNamed(ENTRIES, parseNamed(text));
}
