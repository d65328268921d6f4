import type { Rank } from "../../base/rank.ts";
import { decodedPlace } from "../../round/handler/staging.ts";
import type { ServerBackendHandler } from "../../round/handler/server_backend_handler.ts";
import type { UpdateStart } from "../../round/handler/server_codecs.ts";
import { toParameterUpdate, type UpdateMessage } from "../../round/cohort/update_message.ts";
import { MessageCode } from "../../wire/message_code.ts";
import type { MessageOf, ParameterUpdatePayload } from "../../wire/messages.ts";

/** Message with a client's update, encoded or not. */
export type ReceivedUpdate = UpdateMessage | MessageOf<typeof MessageCode.CompressedUpdate>;

/**
 * Converts a client's update to the form that handlers take: parameters that are related to the
 * server's.
 *
 * @param start Vectors that the update is related to; `undefined` if no update is expected, which
 * is refused later.
 * @throws {ProtocolError} If an encoded update cannot be decoded.
 */
export function receivedUpdate(
  sender: Rank,
  message: ReceivedUpdate,
  handler: ServerBackendHandler,
  start: UpdateStart | undefined,
): ParameterUpdatePayload {
  const { codecs } = handler;
  if (message.code !== MessageCode.CompressedUpdate) {
    const update = toParameterUpdate(message);
    // A gradient is related to nothing, and a vector of another length is refused later.
    if (
      message.code === MessageCode.ParameterUpdate && start !== undefined &&
      update.parameters.length === start.sent.length
    ) {
      codecs?.rebase(update, start);
    }
    return update;
  }
  const { payload } = message;
  const { parameters } = start ?? handler;
  if (codecs === undefined) throw new Error("Cannot decode the update: the server has no codecs");
  return codecs.decodeUpdate(
    sender,
    payload,
    { parameters },
    decodedPlace(payload.codes, handler),
  );
}
