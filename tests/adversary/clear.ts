import { ConnectionClosedError, DeadlineError, ProtocolError } from "../../mod.ts";
import { UnsupportedModelError } from "../../src/engine/mod.ts";

/** Whether an error says what went wrong, in a sentence for a person. */
export function isClear(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { message, name } = error;
  const isOwn = error instanceof ProtocolError || error instanceof DeadlineError ||
    error instanceof ConnectionClosedError || error instanceof UnsupportedModelError;
  if (isOwn) return message.length > 10;
  if (name === "TypeError" || name === "RangeError" || name === "SyntaxError") {
    return /^Cannot [^:]+: .{10}/s.test(message);
  }
  return /^(?:Cannot |Lost |Training |The )/.test(message);
}
