import { DEFAULT_UPDATE_BOUND } from "../../round/handler/update_bound.ts";
import { DEFAULT_QUORUM, DEFAULT_ROUND_TRIES } from "../../round/limits.ts";
import { real, UsageError, whole } from "./options.ts";
import type { Command } from "../deps.ts";

/** The option that sets the bound on updates. */
export interface UpdateBoundFlags {
  // A run that began before there was this option goes on with its default.
  updateBound?: number;
}

/** Adds how far an update may go to a command. */
export function withUpdateBound(command: Command): Command {
  return command.option(
    "--update-bound <factor>",
    "refuse updates whose change is larger than this many times the cohort's median; 0: never",
    real({ least: 0 }),
    DEFAULT_UPDATE_BOUND,
  );
}

/**
 * How far an update may go, among a command's options. Throws a `UsageError` for a factor up to 1
 * that is not 0.
 */
export function updateBoundFrom({ updateBound }: UpdateBoundFlags): UpdateBoundFlags {
  if (updateBound === undefined) return {};
  if (updateBound > 0 && updateBound <= 1) {
    throw new UsageError(`expected --update-bound of 0, or above 1, got ${updateBound}`);
  }
  return { updateBound: updateBound || Infinity };
}

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
