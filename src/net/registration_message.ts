import { ConnectionClosedError, ProtocolError } from "../base/errors.ts";
import { type MessageCode, messageName } from "../wire/message_code.ts";
import type { Message } from "../wire/messages.ts";
import type { Connection } from "./connection.ts";

/**
 * Receives a message of the registration: one of any code whose body needs no buffer of the model's
 * size.
 *
 * @param expected The code that an error names.
 * @throws {ProtocolError} "unexpected-code", if the message needs such a buffer.
 * @throws {ConnectionClosedError} If the peer closes the connection.
 */
export async function receiveRegistrationMessage(
  connection: Connection,
  expected: MessageCode,
): Promise<Message> {
  const received = await connection.receive({
    place: ({ code }) => {
      throw unexpectedRegistrationCode(expected, code);
    },
  });
  if (received?.message !== undefined) return received.message;
  throw new ConnectionClosedError(
    `Lost the connection to ${connection.remote}: it was closed during registration`,
  );
}

/** Makes the error for a message of the registration with another code than the expected one. */
export function unexpectedRegistrationCode(expected: MessageCode, got: MessageCode): ProtocolError {
  return new ProtocolError(
    "unexpected-code",
    `Cannot join: expected ${messageName(expected)}, got ${messageName(got)}`,
  );
}
