import type { ProtocolError } from "../base/errors.ts";

/** Faults of one message, after which the client may go on. */
const FORGIVABLE: ReadonlySet<ProtocolError["fault"]> = new Set([
  "wrong-round",
  "not-in-cohort",
  "duplicate-update",
  "non-finite",
  "out-of-bounds",
]);

/** Whether the client may go on whose message it was. */
export function isForgivable({ fault }: ProtocolError): boolean {
  return FORGIVABLE.has(fault);
}
