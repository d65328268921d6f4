import { SecureError } from "../errors.ts";

/** Error of a message that has not what it must have. */
export function malformed(rank: number, expected: string): SecureError {
  const message = `Cannot use the message of rank ${rank}: expected ${expected}`;
  return new SecureError("malformed", message, { ranks: [rank] });
}

/** Error of a message from a client that has no part in the stage. */
export function unknownMember(rank: number): SecureError {
  const message = `Cannot use the message of rank ${rank}: it is no member at this stage`;
  return new SecureError("unknown-member", message, { ranks: [rank] });
}

/** Fault of too few of something, which ends an attempt. */
export type Shortage = "too-few-members" | "too-few-shares" | "too-few-survivors" | "too-few-votes";

/** Error of too few members at a stage. */
export function tooFew(fault: Shortage, least: number, what: string, got: number): SecureError {
  return new SecureError(fault, `Cannot go on: expected ${least} ${what}, got ${got}`);
}
