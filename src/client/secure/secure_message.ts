import { MessageCode } from "../../wire/message_code.ts";
import type { Message, MessageOf } from "../../wire/messages.ts";

/** Message of a server to a member of secure aggregation. */
export type SecureMessage = MessageOf<
  | typeof MessageCode.SecureKeys
  | typeof MessageCode.SecureMembers
  | typeof MessageCode.SecureShares
  | typeof MessageCode.SurvivorList
  | typeof MessageCode.UnmaskRequest
>;

/** Reports whether a message belongs to secure aggregation, and may come from a server. */
export function isSecureMessage(message: Message): message is SecureMessage {
  const { code } = message;
  return code === MessageCode.SecureKeys || code === MessageCode.SecureMembers ||
    code === MessageCode.SecureShares || code === MessageCode.SurvivorList ||
    code === MessageCode.UnmaskRequest;
}
