/**
 * Strategies by their names.
 *
 * @module
 */

import { checkNamedOptions, readNamedOptions } from "../base/named_options.ts";
import { Bulyan } from "./robust/bulyan.ts";
import { Ditto, FedPer, FedProx } from "./client_side.ts";
import { CoordinateMedian } from "./robust/coordinate_median.ts";
import { FedAdagrad } from "./server_optimizer/fedadagrad.ts";
import { FedAdam } from "./server_optimizer/fedadam.ts";
import { FedAvg } from "./averaging/fedavg.ts";
import { FedAvgM } from "./server_optimizer/fedavgm.ts";
import { FedDyn } from "./averaging/feddyn.ts";
import { FedNova } from "./averaging/fednova.ts";
import { FedSGD } from "./averaging/fedsgd.ts";
import { FedYogi } from "./server_optimizer/fedyogi.ts";
import { GeometricMedian } from "./robust/geometric_median.ts";
import { Krum, MultiKrum } from "./robust/krum.ts";
import { NormClipping } from "./robust/norm_clipping.ts";
import { QFedAvg } from "./averaging/qfedavg.ts";
import { Scaffold } from "./averaging/scaffold.ts";
import type { Strategy } from "./strategy.ts";
import { TrimmedMean } from "./robust/trimmed_mean.ts";

/** Options of a strategy that are numbers, by name. */
export type StrategyOptions = Readonly<Record<string, number>>;

/** Options of a strategy that are texts, by name. */
export type StrategyTexts = Readonly<Record<string, string>>;

/** How a strategy is made, and the options it has. */
interface Entry {
  readonly options: readonly string[];
  /** Options that are texts. */
  readonly texts?: readonly string[];
  make(options: StrategyOptions, texts: StrategyTexts): Strategy;
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
  const entry = Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : undefined;
  if (entry === undefined) {
    throw new RangeError(
      `Cannot make a strategy: expected one of ${STRATEGY_NAMES.join(", ")}, got ${name}`,
    );
  }
  const { options: numbers, texts: words = [] } = entry;
  checkNamedOptions({ name, numbers: options, texts }, { numbers, texts: words });
  return entry.make(options, texts);
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
  const { name, numbers, texts } = readNamedOptions("strategy", text);
  return strategyOf(name, numbers, texts);
}
