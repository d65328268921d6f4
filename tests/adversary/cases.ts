import { pick } from "../fuzz/frames.ts";
import { Random } from "../../mod.ts";
import { DIST_BACKEND_NAMES } from "../../src/net/mod.ts";
import { type Choice, HUGE_VALUES, type Script } from "./choices.ts";
import { ALL_STRATEGIES, drawSettings, type Given, isAsync, type Settings } from "./settings.ts";

/** A run whose hostile members do what is written. */
export interface Case {
  readonly settings: Settings;
  readonly script: Script;
}

const SYNCHRONOUS = ALL_STRATEGIES.filter((strategy) => !isAsync({ strategy }));
/** Strategies that three updates are too few for. */
const NEEDS_MORE = new Set(["krum", "multi-krum", "bulyan"]);

/** Three honest clients, and one of rank 1 that does the same in every round. */
function withLowest(seed: number, choice: Choice, given: Given): Case {
  const strategies = SYNCHRONOUS.filter((strategy) => !NEEDS_MORE.has(strategy));
  const settings = drawSettings(seed, {
    rounds: 3,
    transport: DIST_BACKEND_NAMES[seed % DIST_BACKEND_NAMES.length] ?? "tcp",
    strategy: strategies[seed % strategies.length] ?? "fedavg",
    clients: 4,
    hostile: [1],
    length: 12_000,
    fraction: 1,
    overSelection: 0,
    quorum: 0.5,
    roundSeconds: 1,
    concurrency: 4,
    ...given,
  });
  const { restartAfter: _, ...undisturbed } = settings;
  return {
    settings: undisturbed,
    script: (_, question) => question === "train" ? choice : { act: "answer" },
  };
}

/** The cases of the scripted runs, by name: each makes the ones of a seed. */
export const CASES: Readonly<Record<string, (seed: number, given: Given) => Case[]>> = {
  /** The lowest rank sends at 20 KiB a second, which is lawful, and more than a round long. */
  slow: (seed, given) => [withLowest(seed, { act: "dribble" }, given)],
  /** The lowest rank stops at some byte of its update, and holds its connection open. */
  stalled: (seed, given) => {
    const at = pick(new Random(seed, "test", { rank: 2 }), [
      0,
      1e-4,
      4e-4,
      0.01,
      0.3,
      0.7,
      0.99,
      1,
    ]);
    return [withLowest(seed, { act: "stall", at, seconds: 30 }, given)];
  },
  /** One of eight clients sends finite values that are far too large, under every strategy. */
  huge: (seed, given) =>
    ALL_STRATEGIES.flatMap((strategy, i) =>
      HUGE_VALUES.filter((_, k) => k % 2 === (seed + i) % 2).map((value, k) => {
        const { restartAfter: _, ...settings } = drawSettings(seed, {
          rounds: 4,
          transport: DIST_BACKEND_NAMES[(seed + i + k) % DIST_BACKEND_NAMES.length] ?? "tcp",
          strategy,
          clients: 8,
          hostile: [pick(new Random(seed, "test", { round: i, rank: k }), [1, 4, 8])],
          length: 4000,
          fraction: 1,
          overSelection: 0,
          quorum: 0.5,
          roundSeconds: 2,
          concurrency: 8,
          ...given,
        });
        const script: Script = (_, question) =>
          question === "train" ? { act: "huge", value } : { act: "answer" };
        return { settings, script };
      })
    ),
};
