/**
 * The list of strategies: their exports and names.
 *
 * To add a strategy, write its file, then export it and name it here.
 *
 * @module
 */

import { didYouMean } from "../base/did_you_mean.ts";
import { checkNamedOptions, readNamedOptions } from "../base/named_options.ts";
import type { AsyncStrategy } from "./asynchronous/async_strategy.ts";
import { FedAsync } from "./asynchronous/fedasync.ts";
import { FedBuff } from "./asynchronous/fedbuff.ts";
import { stalenessByName } from "./asynchronous/staleness.ts";
import { FedAvg } from "./averaging/fedavg.ts";
import { FedDyn } from "./averaging/feddyn.ts";
import { FedNova } from "./averaging/fednova.ts";
import { FedSGD } from "./averaging/fedsgd.ts";
import { QFedAvg } from "./averaging/qfedavg.ts";
import { Scaffold } from "./averaging/scaffold.ts";
import { Ditto } from "./client_side/ditto.ts";
import { FedPer } from "./client_side/fedper.ts";
import { FedProx } from "./client_side/fedprox.ts";
import { Flex } from "./low_rank/flex.ts";
import { Bulyan } from "./robust/bulyan.ts";
import { CoordinateMedian } from "./robust/coordinate_median.ts";
import { GeometricMedian } from "./robust/geometric_median.ts";
import { Krum, MultiKrum } from "./robust/krum.ts";
import { NormClipping } from "./robust/norm_clipping.ts";
import { TrimmedMean } from "./robust/trimmed_mean.ts";
import { FedAdagrad, FedAdam, FedYogi } from "./server_optimizer/adaptive.ts";
import { FedAvgM } from "./server_optimizer/fedavgm.ts";
import type { Strategy } from "./strategy.ts";

export * from "./asynchronous/fedasync.ts";
export * from "./asynchronous/fedbuff.ts";
export * from "./averaging/fedavg.ts";
export * from "./averaging/feddyn.ts";
export * from "./averaging/fednova.ts";
export * from "./averaging/fedsgd.ts";
export * from "./averaging/qfedavg.ts";
export * from "./averaging/scaffold.ts";
export * from "./client_side/ditto.ts";
export * from "./client_side/fedper.ts";
export * from "./client_side/fedprox.ts";
export * from "./low_rank/flex.ts";
export * from "./robust/bulyan.ts";
export * from "./robust/coordinate_median.ts";
export * from "./robust/geometric_median.ts";
export * from "./robust/krum.ts";
export * from "./robust/norm_clipping.ts";
export * from "./robust/trimmed_mean.ts";
export * from "./server_optimizer/adaptive.ts";
export * from "./server_optimizer/fedavgm.ts";

/** Options of a strategy that are numbers, by name. */
export type StrategyOptions = Readonly<Record<string, number>>;

/** Options of a strategy that are texts, by name. */
export type StrategyTexts = Readonly<Record<string, string>>;

/** A strategy of a name. */
interface Entry<Made> {
  /** Names of the options that are numbers. */
  readonly numbers?: readonly string[];
  /** Names of the options that are texts. */
  readonly texts?: readonly string[];
  /** Makes the strategy. */
  make(numbers: StrategyOptions, texts: StrategyTexts): Made;
}

/** Strategies by name. */
type Entries<Made> = Readonly<Record<string, Entry<Made>>>;

const MOMENTS = ["learningRate", "beta1", "beta2", "tau"];

const STRATEGIES: Entries<Strategy> = {
  "fedavg": { make: () => new FedAvg() },
  "fedavgm": { numbers: ["learningRate", "momentum"], make: (options) => new FedAvgM(options) },
  "fedadagrad": {
    numbers: ["learningRate", "beta1", "tau"],
    make: (options) => new FedAdagrad(options),
  },
  "fedadam": { numbers: MOMENTS, make: (options) => new FedAdam(options) },
  "fedyogi": { numbers: MOMENTS, make: (options) => new FedYogi(options) },
  "fednova": { numbers: ["momentum"], make: (options) => new FedNova(options) },
  "qfedavg": { numbers: ["q", "learningRate"], make: (options) => new QFedAvg(options) },
  "fedsgd": { numbers: ["learningRate"], make: (options) => new FedSGD(options) },
  "fedprox": { numbers: ["mu"], make: (options) => new FedProx(options) },
  "scaffold": { numbers: ["learningRate"], make: (options) => new Scaffold(options) },
  "feddyn": { numbers: ["alpha"], make: (options) => new FedDyn(options) },
  "ditto": { numbers: ["lambda"], make: (options) => new Ditto(options) },
  "fedper": {
    texts: ["local"],
    make: (_, { local = "" }) => new FedPer({ local: local.split("+").filter(Boolean) }),
  },
  "flex": { make: () => new Flex() },
  "median": { make: () => new CoordinateMedian() },
  "trimmed-mean": { numbers: ["attackers"], make: (options) => new TrimmedMean(options) },
  "geometric-median": {
    numbers: ["smoothing", "iterations", "tolerance"],
    make: (options) => new GeometricMedian(options),
  },
  "krum": { numbers: ["attackers"], make: (options) => new Krum(options) },
  "multi-krum": { numbers: ["attackers", "keep"], make: (options) => new MultiKrum(options) },
  "bulyan": { numbers: ["attackers"], make: (options) => new Bulyan(options) },
  "norm-clipping": {
    numbers: ["bound"],
    make: ({ bound }) => {
      if (bound !== undefined) return new NormClipping({ bound });
      throw new RangeError(
        "Cannot make norm-clipping: expected a bound, as in norm-clipping:bound=5, got none",
      );
    },
  },
};

const ASYNC_STRATEGIES: Entries<AsyncStrategy> = {
  "fedasync": {
    numbers: ["alpha", "a", "b"],
    texts: ["staleness"],
    make: ({ alpha, ...numbers }, { staleness = "polynomial" }) =>
      new FedAsync({
        ...(alpha !== undefined && { alpha }),
        staleness: stalenessByName(staleness, numbers),
      }),
  },
  "fedbuff": { numbers: ["size", "learningRate"], make: (options) => new FedBuff(options) },
};

/** Makes a strategy by its name, or throws a `RangeError` that lists the names or the options. */
function make<Made>(
  entries: Entries<Made>,
  name: string,
  numbers: StrategyOptions,
  texts: StrategyTexts,
): Made {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry === undefined) {
    const names = Object.keys(entries);
    throw new RangeError(
      `Cannot make a strategy: expected one of ${names.join(", ")}, got ${name}${
        didYouMean(name, names)
      }`,
    );
  }
  checkNamedOptions({ name, numbers, texts }, { numbers: [], ...entry });
  return entry.make(numbers, texts);
}

/** Names of the synchronous strategies, as {@linkcode strategyOf} takes them. */
export const STRATEGY_NAMES: readonly string[] = Object.keys(STRATEGIES);

/** Names of the asynchronous strategies, as {@linkcode parseAsyncStrategy} takes them. */
export const ASYNC_STRATEGY_NAMES: readonly string[] = Object.keys(ASYNC_STRATEGIES);

/**
 * Makes a strategy by its name.
 *
 * @param options Its options that are numbers; those left out have the defaults of its class.
 * @param texts Its options that are texts.
 * @throws {RangeError} If there is no strategy of the name, no option of a name, or an option is
 * out of range.
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
  return make(STRATEGIES, name, options, texts);
}

/**
 * Makes a strategy of a text such as `"fedavg"` or `"fedadam:learningRate=0.1,tau=0.001"`; `lr` is
 * short for `learningRate`.
 *
 * @throws {SyntaxError} If the text cannot be read.
 * @throws {RangeError} If there is no strategy of the name, no option of a name, or an option is
 * out of range.
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
  return make(STRATEGIES, name, numbers, texts);
}

/**
 * Makes an asynchronous strategy of a text such as `"fedbuff:size=4"` or
 * `"fedasync:alpha=0.6,staleness=hinge,a=10,b=4"`; `lr` is short for `learningRate`.
 *
 * @throws {SyntaxError} If the text cannot be read.
 * @throws {RangeError} If there is no strategy of the name, no option of a name, or an option is
 * out of range.
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
  const { name, numbers, texts } = readNamedOptions("strategy", text);
  return make(ASYNC_STRATEGIES, name, numbers, texts);
}
