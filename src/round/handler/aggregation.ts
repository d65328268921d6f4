import { errorMessage, ProtocolError } from "../../base/errors.ts";
import { checkCompatible } from "../../plan/compatibility/conflicts.ts";
import type { RunChoices } from "../../plan/compatibility/choices.ts";
import type { ClientUpdate, StrategyRound } from "../../strategy/strategy.ts";
import { ExactSums } from "../../strategy/sums/exact_sums.ts";
import type { Aggregation } from "../../strategy/sums/sums.ts";
import { takesTurns } from "../../train/models/encoder/turns.ts";
import { NO_SERVER } from "./client_plan.ts";
import type { ServerHandlerOptions } from "./options.ts";
import type { ServerBackendHandler } from "./server_backend_handler.ts";
import type { ServerStrategy } from "./server_strategy.ts";

/** Largest arena. Exact sums for which there is no room lie outside of it, and are slower. */
const MAX_ARENA_BYTES = 2 ** 32 - 2 ** 26;
/** Alignment and bookkeeping, for each sum. */
const SUM_SLACK_BYTES = 4096;

/**
 * Checks the way in which updates are to be added up.
 *
 * @throws {RangeError} If there is no such way, or it does not go with the strategy or the mode.
 */
export function checkAggregation(
  { aggregation = "running", model }: Pick<ServerHandlerOptions, "aggregation" | "model">,
  choices: Pick<RunChoices, "strategy" | "mode" | "plan">,
): void {
  if (aggregation !== "running" && aggregation !== "exact") {
    throw new RangeError(
      `${NO_SERVER}: expected aggregation running or exact, got ${aggregation}`,
    );
  }
  checkCompatible({ ...choices, aggregation, takesTurns: takesTurns(model) }, NO_SERVER);
}

/**
 * Returns the round of a strategy if it adds updates up as the handler says.
 *
 * @throws {RangeError} If it does not: it is of a class of its own that takes updates in one order.
 */
export function checkedRound(
  round: StrategyRound,
  { aggregation, strategyName }: Pick<ServerBackendHandler, "aggregation" | "strategyName">,
): StrategyRound {
  if (aggregation !== "exact" || round.merge !== undefined) return round;
  throw new RangeError(
    `Cannot begin a round: expected rounds of ${strategyName} to have exact sums, which the method merge shows, got none`,
  );
}

/**
 * Checks that a round can take an update.
 *
 * @throws {ProtocolError} "out-of-bounds" if its values or its weight are too large to be added up.
 */
export function checkTaken(round: StrategyRound | undefined, update: ClientUpdate): void {
  try {
    round?.check?.(update);
  } catch (cause) {
    throw new ProtocolError(
      "out-of-bounds",
      `Cannot take the update of rank ${update.rank}: ${errorMessage(cause)}`,
      { cause },
    );
  }
}

/**
 * Passes an update to a round.
 *
 * @returns The error of an update for which exact sums have no room. Huge updates of other members
 * may have filled the sums, which the end of the round finds.
 */
export function takeUpdate(
  round: StrategyRound,
  update: ClientUpdate,
  aggregation: Aggregation,
): RangeError | undefined {
  try {
    round.accept(update);
    return undefined;
  } catch (error) {
    if (aggregation === "exact" && error instanceof RangeError) return error;
    throw error;
  }
}

/** Returns the size of an arena of that many bytes with room for the strategy's exact sums. */
export function withExactSums(
  bytes: number,
  { aggregation, manifest }: ServerHandlerOptions,
  { sums }: ServerStrategy,
): number {
  if (aggregation !== "exact" || sums === undefined) return bytes;
  const slack = Object.keys(sums.vectors).length * SUM_SLACK_BYTES;
  const total = bytes + ExactSums.bytesOf(sums, manifest.length) + slack;
  return total <= MAX_ARENA_BYTES ? total : bytes;
}
