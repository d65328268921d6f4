import type { Rank } from "../../base/rank.ts";
import type { SecureSession } from "../../secure/server/session.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { CohortCollector } from "../cohort/cohort_collector.ts";
import { keysOf, type MemberMessage } from "./member_message.ts";
import type { Signatures } from "./signatures.ts";

/** Parts of an attempt that take the messages of its members. */
interface AttemptParts {
  readonly collector: CohortCollector;
  readonly session: SecureSession;
  readonly signatures: Signatures;
  readonly isSigned: boolean;
}

/**
 * Takes a message of a member into the session of its attempt.
 *
 * @throws {SecureError} If it is refused.
 * @throws {ProtocolError} "invalid-field", if keys are missing.
 */
export async function takeMessage(
  sender: Rank,
  message: MemberMessage,
  { collector, session, signatures, isSigned }: AttemptParts,
): Promise<void> {
  switch (message.code) {
    case MessageCode.SecureKeys: {
      const { signature, ...keys } = keysOf(sender, message.payload);
      const signed = { ...keys, ...(isSigned && signature && { signature }) };
      const publicKey = isSigned ? await signatures.checkKeys(sender, signed) : undefined;
      return await session.addKeys(sender, signed, publicKey);
    }
    case MessageCode.SecureShares:
      return session.addShares(sender, message.payload);
    case MessageCode.MaskedUpdate: {
      const { seedDigest } = message.payload;
      // The message lies in a buffer that the next one is read into.
      session.addMasked(sender, { ...message.payload, seedDigest: seedDigest.slice() });
      collector.markComplete(sender);
      return collector.settle(sender, "received");
    }
    case MessageCode.SurvivorVote:
      await signatures.checkVote(sender, session.survivors, message.payload);
      return session.addVote(sender, message.payload);
    case MessageCode.UnmaskShares:
      return session.addReveal(sender, message.payload);
  }
}
