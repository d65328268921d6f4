import { bytesOf } from "../base/bytes.ts";
import { largest } from "../params/operations.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Codec, CodecKey, Coded, CodedSize } from "./codec.ts";

const BYTES_PER_VALUE = Float32Array.BYTES_PER_ELEMENT;

/**
 * Makes the codec of values as they are, float32 in little-endian: 32 bits a value, without any
 * error. It is for parameters whose differences are sent, see {@linkcode delta}.
 */
export function f32(): Codec {
  return {
    name: "f32",
    isExact: true,
    numbers: "float32",
    size: (length: number): CodedSize => ({ scales: 0, codes: BYTES_PER_VALUE * length }),
    encode(vector: ParameterVector, _key: CodecKey, { codes }: Coded): void {
      const most = largest(vector);
      if (!(most < Infinity)) {
        throw new RangeError(
          `Cannot encode the vector as f32: expected finite values, got ${most}`,
        );
      }
      codes.set(bytesOf(vector));
    },
    decode({ codes }: Coded, _key: CodecKey, into: ParameterVector): void {
      bytesOf(into).set(codes);
    },
  };
}
