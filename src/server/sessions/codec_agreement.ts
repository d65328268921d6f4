import { baseName, DELTA, splitDelta } from "../../codec/names.ts";
import type { IdAssignmentPayload } from "../../wire/messages.ts";

/** Codecs that a server and a client use. */
export type AgreedCodecs = Pick<IdAssignmentPayload, "uplink" | "downlink">;

/** No codecs: one object for all clients. */
export const NO_CODECS: AgreedCodecs = {};

/**
 * Returns those of a server's codecs that a client knows. A client that does not read differences
 * is sent whole vectors of the same codec.
 *
 * @param offered Names of codecs that the client has named.
 */
export function agreedCodecs(
  { uplink, downlink }: AgreedCodecs,
  offered: readonly string[] = [],
): AgreedCodecs {
  const isKnown = (codec: string | undefined): codec is string =>
    codec !== undefined && (offered.includes(codec) || offered.includes(baseName(codec)));
  const { whole, isDelta } = splitDelta(downlink ?? "");
  const down = isDelta && offered.includes(DELTA) ? downlink : whole;
  if (!isKnown(uplink) && !isKnown(whole)) return NO_CODECS;
  return {
    ...(isKnown(uplink) && { uplink }),
    ...(isKnown(whole) && down !== undefined && { downlink: down }),
  };
}
