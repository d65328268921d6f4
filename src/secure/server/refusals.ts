import { BOX_BYTES } from "../client/boxes.ts";
import { SecureError } from "../errors.ts";
import type { AttemptId, SealedShare } from "../messages.ts";
import type { Bytes } from "../primitives.ts";

/** Error of a message that has not what it must have. */
export function malformed(rank: number, expected: string): SecureError {
  const message = `Cannot use the message of rank ${rank}: expected ${expected}`;
  return new SecureError("malformed", message, { ranks: [rank] });
}

/**
 * Returns the boxes of a member by the rank of their receiver.
 *
 * @param around Neighbours of the member, and itself.
 * @throws {SecureError} "malformed", unless there is one box for each neighbour.
 */
export function boxesFor(
  rank: number,
  around: readonly number[],
  shares: readonly SealedShare[],
): ReadonlyMap<number, Bytes> {
  const boxes = new Map(shares.map(({ rank, box }) => [rank, box]));
  const others = around.filter((other) => other !== rank);
  const isFit = (other: number) => boxes.get(other)?.length === BOX_BYTES;
  if (shares.length === others.length && others.every(isFit)) return boxes;
  throw malformed(rank, "one box for each neighbour");
}

/** Error of a message from a client that has no part in the stage. */
export function unknownMember(rank: number): SecureError {
  const message = `Cannot use the message of rank ${rank}: it is no member at this stage`;
  return new SecureError("unknown-member", message, { ranks: [rank] });
}

/** Fault of too few of something, which ends an attempt. */
export type Shortage = "too-few-members" | "too-few-shares" | "too-few-survivors" | "too-few-votes";

/**
 * Checks that there are as many members at a stage as there must be at least.
 *
 * @throws {SecureError} If there are fewer.
 */
export function checkCount(count: number, least: number, fault: Shortage, what: string): void {
  if (count >= least) return;
  throw new SecureError(fault, `Cannot go on: expected ${least} ${what}, got ${count}`);
}

/** Error of a message, or of an end, that belongs to another stage. */
export function wrongStage(
  { round, attempt }: AttemptId,
  expected: string,
  got: string,
  rank: number | undefined,
): SecureError {
  return new SecureError(
    "wrong-stage",
    `Cannot go on with attempt ${attempt} of round ${round}: expected the stage "${expected}", got "${got}"`,
    { ranks: rank === undefined ? [] : [rank] },
  );
}
