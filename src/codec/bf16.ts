import { HalfCodec } from "./half.ts";

/**
 * The upper half of float32, little-endian: 16 bits a value, to the nearest, ties to even.
 *
 * It has the range of float32, but for the last values below 2^128, and 8 significant bits.
 */
export class Bfloat16Codec extends HalfCodec {
  /** Makes the codec `bf16`. */
  constructor() {
    super({
      name: "bf16",
      overflow: 2 ** 128 - 2 ** 119,
      narrow: ({ exports, codes, values, length }) => exports.to_bfloat(codes, values, length),
      widen: ({ exports, codes, values, length }) => exports.from_bfloat(values, codes, length),
    });
  }
}
