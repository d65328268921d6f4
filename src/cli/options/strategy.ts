import { didYouMean } from "../../base/did_you_mean.ts";
import { DEFAULT_UPDATE_BOUND } from "../../round/handler/update_bound.ts";
import { CODEC_NAMES, parseCodec } from "../../codec/registry.ts";
import { parseSelection, SELECTION_NAMES } from "../../round/selection/registry.ts";
import { DEFAULT_QUORUM, DEFAULT_ROUND_TRIES } from "../../round/limits.ts";
import type { AsyncStrategy } from "../../strategy/asynchronous/async_strategy.ts";
import {
  ASYNC_STRATEGY_NAMES,
  parseAsyncStrategy,
  parseStrategy,
  STRATEGY_NAMES,
} from "../../strategy/registry.ts";
import type { Strategy } from "../../strategy/strategy.ts";
import { parseSecureAggregation } from "../../round/secure/options.ts";
import { parsePrivateRun } from "../../privacy/parse.ts";
import { option, UsageError } from "./option.ts";
import { choice, onOff, optionally, readableBy, real, whole } from "./values.ts";

/** Tells whether a text names an asynchronous strategy. */
function isAsyncStrategy(text: string): boolean {
  return ASYNC_STRATEGY_NAMES.includes(text.split(":")[0]?.trim() ?? "");
}

const STRATEGY_HELP = `aggregation algorithm: ${
  STRATEGY_NAMES.join(", ")
}; options follow the name, as in fedadam:lr=0.1,tau=0.001`;

function checkBound(factor: number): void {
  if (factor === 0 || factor > 1) return;
  throw new UsageError(`expected --update-bound of 0, or above 1, got ${factor}`);
}

/** Options about the aggregation, and about the clients and updates that a round takes. */
export const STRATEGY = {
  strategy: option(readableBy(parseStrategy), {
    value: "<name>",
    help: STRATEGY_HELP,
    group: "Strategy",
    defaultText: "fedavg",
    implied: "fedavg",
    commands: {
      ...{ demo: {}, simulate: {} },
      server: {
        type: readableBy((text) =>
          isAsyncStrategy(text) ? parseAsyncStrategy(text) : parseStrategy(text)
        ),
        help: `${STRATEGY_HELP}; with --mode async: ${ASYNC_STRATEGY_NAMES.join(", ")}`,
        defaultText: "fedavg, or fedasync with --mode async",
      },
    },
  }),
  privacy: option(readableBy(parsePrivateRun), {
    value: "<name>",
    help:
      "differential privacy of clients: ftrl:epsilon=8,delta=1e-5, where clients take turns, also with --secure-aggregation; fedavg:…, where cohorts are random and secret; or distributed:…, where the clients add the noise, with --secure-aggregation; further options: clip, noise, bands, quantile",
    group: "Strategy",
    defaultText: "none",
    commands: { server: {}, simulate: {} },
    mode: "sync",
  }),
  private: option(onOff, {
    help: "compare runs with differential privacy of clients with those without",
    group: "Strategy",
    default: false,
    commands: { reproduce: {} },
  }),
  secureAggregation: option(optionally(parseSecureAggregation), {
    value: "[options]",
    help:
      "clients mask their updates, so that the server learns only the sum of a round's updates; options such as min=5 (fewest clients of a round) and clip=8 (largest change of a value)",
    group: "Strategy",
    defaultText: "none",
    commands: { demo: { isRare: true }, server: {}, simulate: {} },
    mode: "sync",
  }),
  mode: option(choice(["sync", "async"]), {
    value: "<name>",
    help: "train all clients in rounds (sync), or each one at its own pace (async)",
    group: "Strategy",
    default: "sync",
    commands: { server: {} },
  }),
  fraction: option(real({ above: 0, most: 1 }), {
    value: "<c>",
    help: "share of the clients that take part in a round (C)",
    group: "Strategy",
    commands: { demo: { default: 1 }, server: { default: 1 }, simulate: { defaultText: "0.1" } },
    mode: "sync",
    library: { cohort: (fraction) => ({ fraction }) },
  }),
  cohortSize: option(whole(1), {
    value: "<n>",
    help: "number of clients that take part in a round, instead of --fraction",
    group: "Strategy",
    formerly: "--cohort",
    commands: { simulate: {} },
  }),
  selection: option(readableBy(parseSelection), {
    value: "<name>",
    help: `how the clients of a round are chosen: ${
      SELECTION_NAMES.join(", ")
    }; options follow the name, as in power-of-choice:d=20`,
    group: "Strategy",
    default: "uniform",
    commands: { demo: {}, server: {}, simulate: {} },
    mode: "sync",
    library: { cohort: (text) => ({ selection: parseSelection(text) }) },
  }),
  overSelect: option(real({ least: 0 }), {
    value: "<share>",
    help:
      "select more clients than updates are needed, by this share; the round ends when enough updates have come",
    group: "Strategy",
    default: 0,
    isRare: true,
    commands: { server: {} },
    mode: "sync",
    library: { cohort: (overSelection) => ({ overSelection }) },
  }),
  aggregation: option(choice(["running", "exact"]), {
    value: "<name>",
    help:
      "how updates are added up: as a mean in the order of ranks (running), or as sums that are the same in any order (exact), where no update waits for another",
    group: "Strategy",
    default: "running",
    isRare: true,
    commands: { demo: {}, server: {}, simulate: {} },
    mode: "sync",
    library: { cohort: (aggregation) => ({ aggregation }) },
  }),
  uplink: option(readableBy(parseCodec), {
    value: "<codec>",
    help: `codec that makes the clients' updates smaller: ${
      CODEC_NAMES.join(", ")
    }; options follow the name, as in eden:bits=1`,
    group: "Strategy",
    defaultText: "none",
    commands: { server: {}, simulate: {} },
    library: { handler: (text) => ({ uplink: parseCodec(text) }) },
  }),
  downlink: option(readableBy(parseCodec), {
    value: "<codec>",
    help:
      "codec that makes the parameters smaller that clients are sent, such as int8; delta, or int8+delta, sends a client only the difference to the parameters that it has",
    group: "Strategy",
    defaultText: "none",
    commands: { server: {}, simulate: {} },
    library: { handler: (text) => ({ downlink: parseCodec(text) }) },
  }),
  quorum: option(real({ above: 0, most: 1 }), {
    value: "<share>",
    help: "share of the expected updates without which a round is repeated",
    group: "Strategy",
    default: DEFAULT_QUORUM,
    commands: { server: {}, simulate: { isRare: true } },
    mode: "sync",
    onResume: "any",
    library: { rounds: (quorum) => ({ quorum }) },
  }),
  roundTries: option(whole(1), {
    value: "<n>",
    help: "number of attempts at a round, after which the run stops",
    group: "Strategy",
    default: DEFAULT_ROUND_TRIES,
    isRare: true,
    commands: { server: {}, simulate: {} },
    mode: "sync",
    onResume: "any",
    library: { rounds: (roundTries) => ({ roundTries }) },
  }),
  updateBound: option(real({ least: 0 }), {
    value: "<factor>",
    help:
      "refuse an update that changes the model by more than this many times the median of its round; 0 for no bound",
    group: "Strategy",
    default: DEFAULT_UPDATE_BOUND,
    isRare: true,
    commands: { server: {}, simulate: {} },
    onResume: "any",
    library: {
      handler: (factor) => {
        checkBound(factor);
        return { updateBound: factor || Infinity };
      },
    },
  }),
  versions: option(whole(1, 0xFFFF_FFFF), {
    value: "<n>",
    help: "number of model versions to make, with --mode async",
    group: "Strategy",
    default: 100,
    isRare: true,
    formerly: "--updates",
    commands: { server: {} },
    mode: "async",
    onResume: "any",
    library: { versions: (versions) => ({ versions }) },
  }),
  concurrency: option(whole(1), {
    value: "<n>",
    help: "number of clients that train at the same time, with --mode async",
    group: "Strategy",
    defaultText: "all",
    isRare: true,
    commands: { server: {} },
    mode: "async",
    library: { versions: (concurrency) => ({ concurrency }) },
  }),
};

/**
 * Makes the strategy of a synchronous server.
 *
 * @throws {UsageError} If the strategy is asynchronous.
 */
export function strategyFrom({ strategy = "fedavg" }: { strategy?: string }): Strategy {
  if (isAsyncStrategy(strategy)) {
    throw new UsageError(`expected --mode async with --strategy ${strategy}`);
  }
  return parseStrategy(strategy);
}

/**
 * Makes the strategy of an asynchronous server.
 *
 * @throws {UsageError} If the strategy is synchronous.
 */
export function asyncStrategyFrom({ strategy = "fedasync" }: { strategy?: string }): AsyncStrategy {
  if (!isAsyncStrategy(strategy)) {
    throw new UsageError(
      `expected --strategy ${ASYNC_STRATEGY_NAMES.join(" or ")} with --mode async, got ${strategy}${
        didYouMean(strategy.split(":", 1)[0] ?? "", ASYNC_STRATEGY_NAMES)
      }`,
    );
  }
  return parseAsyncStrategy(strategy);
}
