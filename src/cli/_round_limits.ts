import { DEFAULT_QUORUM, DEFAULT_ROUND_TRIES } from "../server/topology.ts";
import { real, whole } from "./_options.ts";
import type { Command } from "./deps.ts";

/** How a round bears clients that fail, as options. */
export interface RoundLimitFlags {
  // A simulation that began before it had these options goes on without them.
  quorum?: number;
  roundTries?: number;
}

/** Adds how a round bears clients that fail to a command. */
export function withRoundLimits(command: Command): Command {
  return command
    .option(
      "--quorum <share>",
      "share of the updates that a round needs",
      real({ above: 0, most: 1 }),
      DEFAULT_QUORUM,
    )
    .option("--round-tries <n>", "how often a round is tried", whole(1), DEFAULT_ROUND_TRIES);
}

/** How a round bears clients that fail, among a command's options. */
export function roundLimitsFrom({ quorum, roundTries }: RoundLimitFlags): RoundLimitFlags {
  return {
    ...(quorum !== undefined && { quorum }),
    ...(roundTries !== undefined && { roundTries }),
  };
}
