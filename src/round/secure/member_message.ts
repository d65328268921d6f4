import { ProtocolError, type ProtocolFault } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import type { SecureError, SecureFault } from "../../secure/errors.ts";
import type { AttemptId, SecureKeys } from "../../secure/messages.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { Message, MessageOf, SecureKeysPayload } from "../../wire/messages.ts";

/** Message of a member of secure aggregation to the server. */
export type MemberMessage = MessageOf<
  | typeof MessageCode.SecureKeys
  | typeof MessageCode.SecureShares
  | typeof MessageCode.MaskedUpdate
  | typeof MessageCode.SurvivorVote
  | typeof MessageCode.UnmaskShares
>;

/** Reports whether a message belongs to secure aggregation, and may come from a member. */
export function isMemberMessage(message: Message): message is MemberMessage {
  const { code } = message;
  return code === MessageCode.SecureKeys || code === MessageCode.SecureShares ||
    code === MessageCode.MaskedUpdate || code === MessageCode.SurvivorVote ||
    code === MessageCode.UnmaskShares;
}

/**
 * Returns the keys of a message.
 *
 * @throws {ProtocolError} "invalid-field", if one is missing.
 */
export function keysOf(sender: Rank, payload: SecureKeysPayload): SecureKeys {
  const { serial, maskKey, sealKey, signature } = payload;
  if (serial === undefined || maskKey === undefined || sealKey === undefined) {
    throw new ProtocolError(
      "invalid-field",
      `Cannot use the keys of rank ${sender}: expected serial, maskKey and sealKey, got not all`,
    );
  }
  return { serial, maskKey, sealKey, ...(signature && { signature }) };
}

/** Error of a message for another attempt than the open one. */
export function wrongAttempt(sender: Rank, got: AttemptId, open?: AttemptId): ProtocolError {
  const name = ({ round, attempt }: AttemptId) => `attempt ${attempt} of round ${round}`;
  return new ProtocolError(
    "wrong-round",
    `Cannot take the message of rank ${sender} for ${name(got)}: ${
      open === undefined ? "no round is open" : `expected one for ${name(open)}`
    }`,
  );
}

/** Faults of messages after which their sender may go on. */
const FAULTS: Partial<Record<SecureFault, ProtocolFault>> = {
  "wrong-stage": "wrong-round",
  "unknown-member": "not-in-cohort",
  "repeated-key": "duplicate-update",
};

/** Makes the error that tells a client why its message was refused. */
export function refusedMessage(cause: SecureError): ProtocolError {
  return new ProtocolError(FAULTS[cause.fault] ?? "invalid-field", cause.message, { cause });
}
