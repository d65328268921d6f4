/**
 * Codes of the messages.
 *
 * @module
 */

import { ProtocolError } from "../base/errors.ts";
import { type Message, MESSAGES, type MessageTable } from "./messages.ts";

const ENTRIES = Object.entries(MESSAGES);
const BY_CODE = new Map(ENTRIES.map(([name, type]) => [type.code as number, { name, type }]));
const LAST_CODE = Math.max(...BY_CODE.keys());

/** The message codes by name; FedLab's early design numbered the first seven. */
export const MessageCode: { readonly [Name in keyof MessageTable]: MessageTable[Name]["code"] } =
  Object.fromEntries(ENTRIES.map(([name, { code }]) => [name, code])) as typeof MessageCode;

/** One of the {@linkcode MessageCode} numbers. */
export type MessageCode = Message["code"];

/** Reports whether the number is a message code. */
export function isMessageCode(code: number): code is MessageCode {
  return BY_CODE.has(code);
}

/**
 * Gives the name of a message code, such as `"ParameterUpdate"`; of another number, `"code 77"`.
 */
export function messageName(code: number): string {
  return BY_CODE.get(code)?.name ?? `code ${code}`;
}

/** Reports whether the messages of a code carry a vector as long as the model. */
export function isBulk(code: MessageCode): boolean {
  return BY_CODE.get(code)?.type.isBulk ?? false;
}

/** Returns the most bytes of a body of a code, where that is less than the limit of its kind. */
export function mostBytes(code: MessageCode): number {
  return BY_CODE.get(code)?.type.mostBytes ?? Infinity;
}

/**
 * Checks a decoded map as the payload of a message. Keys that the message does not have are
 * dropped, so that a later version may add some.
 *
 * @throws {ProtocolError} If the code is unknown, "unknown-code"; if a field is missing or out of
 * range, "invalid-field", with the field, what was expected and what was received.
 */
export function checkMessage(code: number, map: unknown): Message {
  const entry = BY_CODE.get(code);
  if (entry === undefined) throw unknownCode(code);
  return entry.type.check(map, entry.name);
}

/** An error "unknown-code". */
export function unknownCode(code: number): ProtocolError {
  return new ProtocolError(
    "unknown-code",
    `Cannot read the frame: expected a message code from 0 to ${LAST_CODE}, got ${code}`,
  );
}
