import { Random } from "../../mod.ts";
import { DIST_BACKEND_NAMES } from "../../src/net/mod.ts";
import { ASYNC_STRATEGY_NAMES, parseStrategy, STRATEGY_NAMES } from "../../src/strategy/mod.ts";
import type { Aggregation } from "../../src/strategy/sums/sums.ts";
import { pick } from "../fuzz/frames.ts";

/** Names of the transports that a run may have. */
export type TransportName = typeof DIST_BACKEND_NAMES[number];

/** Every strategy of both registries. */
export const ALL_STRATEGIES: readonly string[] = [...STRATEGY_NAMES, ...ASYNC_STRATEGY_NAMES];

/** What a run is like; all of it follows from the seed, save what was asked for. */
export interface Settings {
  readonly seed: number;
  /** Rounds, or versions of the model. */
  readonly rounds: number;
  readonly transport: TransportName;
  /** Name of the strategy. */
  readonly strategy: string;
  /** Number of the model's values. */
  readonly length: number;
  /** Number of clients, of both kinds. */
  readonly clients: number;
  /** Ranks of the members that do as they like, in order. */
  readonly hostile: readonly number[];
  /** Way in which the server adds updates up. */
  readonly aggregation: Aggregation;
  readonly fraction: number;
  readonly overSelection: number;
  readonly quorum: number;
  /** Who evaluates. */
  readonly evaluates: "server" | "clients";
  readonly roundSeconds: number;
  readonly heartbeatSeconds: number;
  readonly stagingBuffers: number;
  /** Of an asynchronous run: how many train at a time. */
  readonly concurrency: number;
  /** The server dies after the checkpoint of this round, and another one goes on from there. */
  readonly restartAfter?: number;
}

/** What may be asked for. */
export type Given = Partial<Omit<Settings, "seed">>;

/** Updates that a robust strategy needs when it has to bear so many attackers. */
const LEAST_UPDATES: Readonly<Record<string, (attackers: number) => number>> = {
  "median": (f) => 2 * f + 1,
  "geometric-median": (f) => 2 * f + 1,
  "trimmed-mean": (f) => 2 * f + 1,
  "krum": (f) => 2 * f + 3,
  "multi-krum": (f) => 2 * f + 3,
  "bulyan": (f) => 4 * f + 3,
};

/** Whether a minority cannot move the strategy's result far. */
export function isRobust({ strategy }: Pick<Settings, "strategy">): boolean {
  return strategy in LEAST_UPDATES;
}

/**
 * Whether a server holds updates to a bound: not where the strategy bears what is far too large by
 * itself.
 */
export function isBounded({ strategy }: Pick<Settings, "strategy">): boolean {
  return !isRobust({ strategy }) && strategy !== "norm-clipping";
}

/** Whether the run goes without rounds. */
export function isAsync({ strategy }: Pick<Settings, "strategy">): boolean {
  return ASYNC_STRATEGY_NAMES.includes(strategy);
}

/** The strategy as the command line writes it, made for so many attackers. */
export function strategyText({ strategy, hostile }: Settings): string {
  switch (strategy) {
    case "trimmed-mean":
    case "krum":
    case "multi-krum":
    case "bulyan":
      return `${strategy}:attackers=${hostile.length}`;
    case "norm-clipping":
      return "norm-clipping:bound=5";
    case "fedper":
      return "fedper:local=head";
    case "fedbuff":
      return "fedbuff:size=3";
    default:
      return strategy;
  }
}

/** Ranks of the honest clients. */
export function honestRanks({ clients, hostile }: Settings): number[] {
  return Array.from({ length: clients }, (_, i) => i + 1).filter((rank) => !hostile.includes(rank));
}

/** Number of updates that a round wants. */
export function wantedUpdates({ fraction, clients }: Settings): number {
  return Math.max(1, Math.round(fraction * clients));
}

/** Number of updates below which a round is tried again. */
export function quorumOf(settings: Settings): number {
  return Math.max(1, Math.ceil(wantedUpdates(settings) * settings.quorum));
}

/** True if the honest clients of any cohort reach the quorum alone. */
export function isReachable(settings: Settings): boolean {
  const { hostile, strategy } = settings;
  const honest = wantedUpdates(settings) - hostile.length;
  return honest >= Math.max(quorumOf(settings), LEAST_UPDATES[strategy]?.(hostile.length) ?? 1);
}

/** What the run of a seed is like. */
export function drawSettings(seed: number, given: Given = {}): Settings {
  const random = new Random(seed, "test");
  const strategy = given.strategy ?? ALL_STRATEGIES[seed % ALL_STRATEGIES.length] ?? "fedavg";
  const robust = isRobust({ strategy });
  const hostileCount = strategy === "bulyan" ? 1 : 1 + random.below(2);
  const least = LEAST_UPDATES[strategy]?.(hostileCount) ?? hostileCount + 1;
  const honestCount = Math.max(least, 3) + random.below(3);
  const clients = honestCount + hostileCount;
  const ranks = random.permutation(clients);
  // The lowest rank is taken in first, which makes it the one that can hold up most.
  const hostile = Array.from(ranks.subarray(0, hostileCount), (rank) => rank + 1);
  if (random.below(2) === 0 && !hostile.includes(1)) hostile[0] = 1;
  const rounds = given.rounds ?? 5;
  const drawn: Settings = {
    seed,
    rounds,
    strategy,
    aggregation: "running",
    clients,
    hostile: hostile.sort((a, b) => a - b),
    transport: pick(random, DIST_BACKEND_NAMES),
    length: pick(random, [300, 4_000, 12_000]),
    fraction: 1,
    overSelection: 0,
    quorum: pick(random, [0.5, 0.5, 0.25, 0.6, 0.01]),
    evaluates: pick(random, ["server", "server", "clients"]),
    roundSeconds: pick(random, [0.5, 0.75, 1, 2]),
    heartbeatSeconds: pick(random, [0.15, 0.25, 0.4]),
    stagingBuffers: pick(random, [4, 64]),
    concurrency: 1 + random.below(clients),
    ...(rounds > 2 && random.below(8) === 0 && { restartAfter: 1 + random.below(rounds - 1) }),
  };
  const overSelected = { fraction: 0.75, overSelection: pick(random, [0, 0.2, 0.34]) };
  const isPart = !robust && !isAsync(drawn) && random.below(3) === 0;
  const canBeExact = !isAsync(drawn) && parseStrategy(strategyText(drawn)).sums !== undefined;
  // Of its own, so that the other draws of a seed stay as they are.
  const isExact = canBeExact && new Random(seed, "test", { round: 1 }).below(2) === 0;
  const settings = {
    ...drawn,
    ...(isExact && { aggregation: "exact" as const }),
    ...(isPart && overSelected),
    ...given,
  };
  if (isReachable(settings)) return settings;
  return { ...settings, quorum: 0.25, fraction: 1, overSelection: 0, ...given };
}

/** The settings in a line. */
export function settingsLine(settings: Settings): string {
  const { transport, clients, hostile, fraction, overSelection, quorum } = settings;
  const { evaluates, roundSeconds, length, restartAfter, aggregation } = settings;
  const parts = [
    transport,
    strategyText(settings),
    `${clients} clients, ${hostile.length} hostile (${hostile})`,
    `${length} values`,
    `rounds of ${roundSeconds} s`,
    `quorum ${quorum}`,
    ...(aggregation === "exact" ? ["exact sums"] : []),
    ...(fraction < 1 ? [`fraction ${fraction}`] : []),
    ...(overSelection > 0 ? [`over-selection ${overSelection}`] : []),
    `the ${evaluates === "server" ? "server evaluates" : "clients evaluate"}`,
    ...(restartAfter === undefined ? [] : [`restart after ${restartAfter}`]),
  ];
  return parts.join(", ");
}
