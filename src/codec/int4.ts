import type { Codec } from "./codec.ts";
import { IntegerCodec, type IntegerOptions } from "./integer.ts";

/**
 * Makes the codec of integers from -7 to 7, with a scale for each 64 values: 4.5 bits a value.
 *
 * The scale of a block is its largest magnitude divided by 7, and a code is the value divided by
 * the scale, rounded. The first of two codes is the lower half of their byte.
 *
 * @throws {RangeError} If the rounding is unknown.
 */
export function int4(options: IntegerOptions = {}): Codec {
  return new IntegerCodec({
    name: "int4",
    bits: 4,
    block: 64,
    encode: ({ exports, codes, scales, values, length }) =>
      exports.int4_encode(codes, scales, values, length),
    encodeRandomly: (
      { exports, codes, scales, values, length, start },
      { seed, round, rank },
    ) => exports.int4_encode_randomly(codes, scales, values, length, seed, round, rank, start),
    decode: ({ exports, codes, scales, values, length }) =>
      exports.int4_decode(values, codes, scales, length),
  }, options);
}
