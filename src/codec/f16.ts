import { HalfCodec } from "./half.ts";

/**
 * Half precision, IEEE 754 binary16, little-endian: 16 bits a value, to the nearest, ties to even.
 *
 * Values of 65520 and more cannot be encoded; those below 2^-14 have fewer bits.
 */
export class Float16Codec extends HalfCodec {
  /** Makes the codec `f16`. */
  constructor() {
    super({
      name: "f16",
      overflow: 65520,
      narrow: ({ exports, codes, values, length }) => exports.to_half(codes, values, length),
      widen: ({ exports, codes, values, length }) => exports.from_half(values, codes, length),
    });
  }
}
