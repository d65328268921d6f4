import type { Codec } from "./codec.ts";
import { IntegerCodec, type IntegerOptions } from "./integer.ts";

/**
 * Makes the codec of integers from -127 to 127, with a scale for each 256 values: 8.125 bits a
 * value.
 *
 * The scale of a block is its largest magnitude divided by 127, and a code is the value divided by
 * the scale, rounded. Magnitudes below 2^-118 lose accuracy, as their scales do.
 *
 * @throws {RangeError} If the rounding is unknown.
 */
export function int8(options: IntegerOptions = {}): Codec {
  return new IntegerCodec({
    name: "int8",
    bits: 8,
    block: 256,
    encode: ({ exports, codes, scales, values, length }) =>
      exports.int8_encode(codes, scales, values, length),
    encodeRandomly: (
      { exports, codes, scales, values, length, start },
      { seed, round, rank },
    ) => exports.int8_encode_randomly(codes, scales, values, length, seed, round, rank, start),
    decode: ({ exports, codes, scales, values, length }) =>
      exports.int8_decode(values, codes, scales, length),
  }, options);
}
