import { sendsGradient } from "../../plan/rules/rules.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { MessageOf, ParameterUpdatePayload } from "../../wire/messages.ts";

/** Message with a client's update: trained parameters or a gradient. */
export type UpdateMessage = MessageOf<
  typeof MessageCode.ParameterUpdate | typeof MessageCode.GradientUpdate
>;

/** Returns the message code of the updates that a plan asks for. */
export function updateCodeFor(
  { rule, secure }: TrainSettings,
): UpdateMessage["code"] | typeof MessageCode.MaskedUpdate {
  if (secure !== undefined) return MessageCode.MaskedUpdate;
  return sendsGradient(rule) ? MessageCode.GradientUpdate : MessageCode.ParameterUpdate;
}

/**
 * Converts an update to the form that handlers take, with a gradient in place of the parameters.
 */
export function toParameterUpdate({ code, payload }: UpdateMessage): ParameterUpdatePayload {
  if (code === MessageCode.ParameterUpdate) return payload;
  const { gradient: parameters, ...fields } = payload;
  return { ...fields, parameters };
}
