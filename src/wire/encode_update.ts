import type { VectorCoder } from "../codec/vector_coder.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { CompressedUpdatePayload, ParameterUpdatePayload } from "./messages.ts";

/**
 * Encodes an update.
 *
 * @param sent Parameters that the client has trained from.
 * @param key Seed of the run, and rank of the client.
 * @returns `undefined` if a value is too large for the codec, or not finite: the update is sent as
 * it is.
 */
export function encodeUpdate(
  coder: VectorCoder,
  { parameters, plan: _plan, control: _control, ...fields }: ParameterUpdatePayload,
  sent: ParameterVector,
  { seed, rank }: { readonly seed: number; readonly rank: number },
): CompressedUpdatePayload | undefined {
  try {
    const coded = coder.encodeChange(parameters, sent, { seed, round: fields.round, rank });
    return { ...fields, codec: coder.codec.name, ...coded };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
