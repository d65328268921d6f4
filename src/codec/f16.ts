import type { Codec } from "./codec.ts";
import { HalfCodec } from "./half.ts";

/**
 * Makes the codec of half precision, IEEE 754 binary16, little-endian: 16 bits a value, rounded to
 * the nearest, ties to even.
 *
 * Values of 65520 and more cannot be encoded; those below 2^-14 have fewer bits.
 */
export function f16(): Codec {
  return new HalfCodec({
    name: "f16",
    overflow: 65520,
    narrow: ({ exports, codes, values, length }) => exports.to_half(codes, values, length),
    widen: ({ exports, codes, values, length }) => exports.from_half(values, codes, length),
  });
}
