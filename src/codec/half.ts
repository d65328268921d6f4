import { largest } from "../params/operations.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Codec, CodecKey, Coded, CodedSize } from "./codec.ts";
import { passPieces, type Piece } from "./kernel_pass.ts";

const BYTES_PER_VALUE = 2;
const STEP = 2 ** 15;

/** Settings of {@linkcode HalfCodec}. */
export interface HalfFormat {
  readonly name: string;
  /** Magnitude from which on values round to infinity. */
  readonly overflow: number;
  /** Writes the codes of a piece. */
  narrow(piece: Piece): void;
  /** Writes the values of a piece. */
  widen(piece: Piece): void;
}

/** Codec of floating-point numbers of 16 bits, without scales. */
export class HalfCodec implements Codec {
  readonly name: string;
  readonly numbers = "float16";
  readonly #format: HalfFormat;

  constructor(format: HalfFormat) {
    this.name = format.name;
    this.#format = format;
  }

  size(length: number): CodedSize {
    return sizeOf(length);
  }

  encode(vector: ParameterVector, _key: CodecKey, into: Coded): void {
    const { overflow, narrow } = this.#format;
    const most = largest(vector);
    if (!(most < overflow)) {
      throw new RangeError(
        `Cannot encode the vector as ${this.name}: expected magnitudes below ${overflow}, ` +
          `got ${most}`,
      );
    }
    passPieces({ step: STEP, direction: "encode", size: sizeOf }, vector, into, narrow);
  }

  decode(coded: Coded, _key: CodecKey, into: ParameterVector): void {
    const { widen } = this.#format;
    passPieces({ step: STEP, direction: "decode", size: sizeOf }, into, coded, widen);
  }
}

function sizeOf(length: number): CodedSize {
  return { scales: 0, codes: BYTES_PER_VALUE * length };
}
