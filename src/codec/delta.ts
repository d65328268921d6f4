import type { Codec } from "./codec.ts";
import { f32 } from "./f32.ts";
import { DELTA } from "./names.ts";

/** Codec whose vectors may be sent as differences to earlier ones. */
export interface DeltaCodec extends Codec {
  /** Codec of whole vectors. */
  readonly whole: Codec;
}

/**
 * Makes a codec of parameters that are sent as the difference to those that the receiver has, where
 * that takes fewer bytes. The difference is that of the encoded vectors, and it is exact: the
 * receiver gets the vector that the codec alone would have given.
 *
 * @param codec Codec of whole vectors. Default: values as they are, without any error.
 * @throws {RangeError} If the codec is one of differences already.
 *
 * @example
 * ```ts
 * import { delta, int8 } from "@fedlab/core/codec";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(delta(int8()).name, "int8+delta");
 * assertEquals(delta().name, "f32+delta");
 * ```
 */
export function delta(codec: Codec = f32()): DeltaCodec {
  if (isDelta(codec)) {
    throw new RangeError(`Cannot make a codec: expected one of whole vectors, got ${codec.name}`);
  }
  const { numbers, reach, isExact } = codec;
  return {
    name: `${codec.name}+${DELTA}`,
    whole: codec,
    ...(numbers !== undefined && { numbers }),
    ...(reach !== undefined && { reach }),
    ...(isExact !== undefined && { isExact }),
    size: (length) => codec.size(length),
    encode: (vector, key, into) => codec.encode(vector, key, into),
    decode: (coded, key, into) => codec.decode(coded, key, into),
  };
}

/** Reports whether vectors of a codec may be sent as differences. */
export function isDelta(codec: Codec): codec is DeltaCodec {
  return "whole" in codec;
}
