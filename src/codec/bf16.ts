import type { Codec } from "./codec.ts";
import { HalfCodec } from "./half.ts";

/**
 * Makes the codec of the upper half of float32, little-endian: 16 bits a value, rounded to the
 * nearest, ties to even.
 *
 * It has the range of float32, but for the last values below 2^128, and 8 significant bits.
 */
export function bf16(): Codec {
  return new HalfCodec({
    name: "bf16",
    overflow: 2 ** 128 - 2 ** 119,
    narrow: ({ exports, codes, values, length }) => exports.to_bfloat(codes, values, length),
    widen: ({ exports, codes, values, length }) => exports.from_bfloat(values, codes, length),
  });
}
