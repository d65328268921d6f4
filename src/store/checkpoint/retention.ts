import { errorMessage } from "../../base/errors.ts";
import { type CheckpointContent, withVectors } from "./format.ts";
import type { Checkpoint } from "./checkpoints.ts";

/** What tells which of the checkpoints is newer, and which is better. */
export interface Dated {
  readonly round: number;
  readonly sequence: number;
  readonly score?: number;
}

/** The number of checkpoints to keep. Throws a `RangeError` for less than one. */
export function checkedKeep(keep: number): number {
  if (Number.isSafeInteger(keep) && keep >= 1) return keep;
  throw new RangeError(`Cannot make a checkpoint store: expected to keep at least 1, got ${keep}`);
}

/**
 * What is to be written of a checkpoint.
 *
 * Throws a `RangeError` for a round that is no whole number from 0, for a vector that does not fit the manifest and for a further one with the name of a
 * tensor, and a `TypeError` for a state that cannot be written as a JSON object.
 */
export function contentOf(checkpoint: Checkpoint): Omit<CheckpointContent, "sequence" | "history"> {
  const { manifest, parameters, vectors = {}, round, score } = checkpoint;
  if (!Number.isSafeInteger(round) || round < 0) {
    throw new RangeError(
      `Cannot save a checkpoint: expected a round that is a whole number from 0, got ${round}`,
    );
  }
  manifest.check(parameters);
  return {
    manifest,
    round,
    ...(score !== undefined && !Number.isNaN(score) && { score }),
    tensors: withVectors(manifest, vectors),
    data: [parameters, ...Object.values(vectors)],
    stateText: stringify(checkpoint.state),
  };
}

/** `round-000012`: names sort as the rounds do. */
export function nameOfRound(round: number): string {
  return `round-${String(round).padStart(6, "0")}`;
}

/** Orders by age. */
export function newestFirst(a: Dated, b: Dated): number {
  return b.sequence - a.sequence || b.round - a.round;
}

/** Orders by score, the newest of equals first. */
export function bestFirst(a: Dated, b: Dated): number {
  const [x = 0, y = 0] = [a.score, b.score];
  return x === y ? newestFirst(a, b) : x > y ? -1 : 1;
}

/** Whether it can be the best one. */
export function hasScore({ score }: Dated): boolean {
  return score !== undefined;
}

/** Those that are neither among the `keep` newest nor the best. */
export function superseded<One extends Dated>(listed: readonly One[], keep: number): One[] {
  const best = listed.filter(hasScore).sort(bestFirst)[0];
  return listed.toSorted(newestFirst).slice(keep).filter((one) => one !== best);
}

function stringify(state: unknown): string {
  const where = "Cannot save a checkpoint: expected a state that can be written as a JSON object";
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
  } catch (cause) {
    throw new TypeError(`${where}: ${errorMessage(cause)}`, { cause });
  }
  if (!text?.startsWith("{")) throw new TypeError(`${where}, got ${text?.slice(0, 40)}`);
  return text;
}
