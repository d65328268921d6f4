/**
 * The contract of a message.
 *
 * @module
 */

import { ProtocolError } from "../../base/errors.ts";
import { oneLine, shortened } from "../../base/printable.ts";
import { v } from "../../plan/deps.ts";

/** Characters of a peer's own text that an error repeats. */
const MAX_QUOTED = 80;

/** A kind of message: its code, and the check of its payload. */
export interface MessageType<Code extends number, Payload> {
  /** Number of the message on the wire. */
  readonly code: Code;
  /** `true` if the payload carries a vector as long as the model. */
  readonly isBulk: boolean;
  /** Most bytes of the body, where the message is shorter than others. */
  readonly mostBytes: number;
  /**
   * Checks a decoded map. Keys that the message does not have are dropped, so that a later version
   * may add some.
   *
   * @param name Name of the message, for the error.
   * @throws {ProtocolError} If a field is missing or out of range: "invalid-field".
   */
  check(map: unknown, name: string): { readonly code: Code; readonly payload: Payload };
}

/** Makes a kind of message from its code and the schema of its payload. */
export function messageType<const Code extends number, Payload>(
  code: Code,
  schema: v.GenericSchema<unknown, Payload>,
  { isBulk = false, mostBytes = Infinity }: {
    readonly isBulk?: boolean;
    readonly mostBytes?: number;
  } = {},
): MessageType<Code, Payload> {
  return {
    code,
    isBulk,
    mostBytes,
    check(map, name) {
      const result = v.safeParse(schema, map, { abortEarly: true });
      if (result.success) return { code, payload: result.output };
      throw invalidField(name, result.issues[0]);
    },
  };
}

function invalidField(name: string, issue: v.BaseIssue<unknown>): ProtocolError {
  const path = v.getDotPath(issue) ?? "body";
  // For a missing key, valibot reports the key itself as expected.
  const isMissing = issue.received === "undefined" &&
    issue.expected === JSON.stringify(issue.path?.at(-1)?.key);
  return new ProtocolError(
    "invalid-field",
    `Cannot read ${name}: field ${quoted(path)} ${
      isMissing
        ? "is missing"
        : `expected ${issue.expected ?? issue.type}, got ${quoted(issue.received)}`
    }`,
  );
}

function quoted(text: string): string {
  return shortened(oneLine(text), MAX_QUOTED);
}
