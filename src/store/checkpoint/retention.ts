import { AT_LEAST_ONE, checkInRange } from "../../base/check.ts";
import { errorMessage } from "../../base/errors.ts";
import type { Checkpoint } from "./checkpoints.ts";

/** Properties by which checkpoints are ordered. */
export interface CheckpointSummary {
  readonly round: number;
  /** Number of the save within its store: the newest checkpoint has the highest. */
  readonly sequence: number;
  readonly score?: number;
}

/** Order in which checkpoints are tried. */
export type CheckpointOrder = "newest" | "best";

/**
 * Checks the number of checkpoints to keep.
 *
 * @throws {RangeError} If it is no whole number from 1.
 */
export function checkedKeep(keep: number): number {
  return checkInRange(keep, AT_LEAST_ONE, "Cannot make a checkpoint store", "to keep at least 1");
}

/** Gives the name of a round's checkpoint, such as `round-000012`: names sort as rounds do. */
export function nameOfRound(round: number): string {
  return `round-${String(round).padStart(6, "0")}`;
}

/** Reading part of a store. */
export interface StoreReader<Listed extends CheckpointSummary> {
  /** Lists the checkpoints of the store. */
  list(): Promise<readonly Listed[]>;
  /** Reads a checkpoint; gives `undefined` for one that is not whole. */
  read(listed: Listed): Promise<Checkpoint | undefined>;
  /** Reads the account that was saved last; gives `undefined` where there is none. */
  account(): Promise<unknown>;
}

/**
 * Reads the checkpoints of a store, one after the other, until one is whole, and its account.
 *
 * @param order Newest first, or highest score first; the latter skips checkpoints without a score.
 * @param place Name of the store, for messages.
 * @throws {Error} If the store cannot be read. The message names the place.
 */
export async function firstWhole<Listed extends CheckpointSummary>(
  order: CheckpointOrder,
  place: string,
  { list, read, account: readAccount }: StoreReader<Listed>,
): Promise<Checkpoint | undefined> {
  try {
    const listed = await list();
    const sorted = order === "newest"
      ? listed.toSorted(newestFirst)
      : listed.filter(hasScore).sort(bestFirst);
    for (const one of sorted) {
      const whole = await read(one);
      if (whole === undefined) continue;
      const account = await readAccount();
      return { ...whole, ...(account !== undefined && { account }) };
    }
  } catch (cause) {
    throw new Error(`Cannot read checkpoints in ${place}: ${errorMessage(cause)}`, { cause });
  }
  return undefined;
}

/** Selects the checkpoints that are neither among the `keep` newest nor the best one. */
export function superseded<Listed extends CheckpointSummary>(
  listed: readonly Listed[],
  keep: number,
): Listed[] {
  const best = listed.filter(hasScore).sort(bestFirst)[0];
  return listed.toSorted(newestFirst).slice(keep).filter((one) => one !== best);
}

function newestFirst(a: CheckpointSummary, b: CheckpointSummary): number {
  return b.sequence - a.sequence || b.round - a.round;
}

/** Orders by score, the newest of equals first. */
function bestFirst(a: CheckpointSummary, b: CheckpointSummary): number {
  const [x = 0, y = 0] = [a.score, b.score];
  return x === y ? newestFirst(a, b) : x > y ? -1 : 1;
}

function hasScore({ score }: CheckpointSummary): boolean {
  return score !== undefined;
}
