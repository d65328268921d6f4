import type { ParameterVector } from "../params/manifest.ts";
import type { Codec, CodecKey, Coded, CodedSize, NumberFormat } from "./codec.ts";
import { passPieces, type Piece } from "./kernel_pass.ts";

/** Values of a piece, a multiple of every block. */
const STEP = 2 ** 15;

/** Options of {@linkcode int8} and {@linkcode int4}. */
export interface IntegerOptions {
  /**
   * Rounding: to the nearest integer, or up or down at random so that the mean is the value.
   *
   * @default {"nearest"}
   */
  readonly rounding?: "nearest" | "stochastic";
}

/** Settings of {@linkcode IntegerCodec}. */
export interface IntegerFormat {
  readonly name: string;
  /** Bits of a code. */
  readonly bits: 4 | 8;
  /** Values of a block. */
  readonly block: number;
  encode(piece: Piece): void;
  encodeRandomly(piece: Piece, key: CodecKey): void;
  decode(piece: Piece): void;
}

/** Codec of integers with a scale for each block of values. */
export class IntegerCodec implements Codec {
  readonly name: string;
  readonly reach = 128;
  readonly numbers: NumberFormat;
  readonly #format: IntegerFormat;
  readonly #isRandom: boolean;

  constructor(format: IntegerFormat, { rounding = "nearest" }: IntegerOptions) {
    if (rounding !== "nearest" && rounding !== "stochastic") {
      throw new RangeError(
        `Cannot make ${format.name}: expected rounding nearest or stochastic, got ${rounding}`,
      );
    }
    this.name = format.name + (rounding === "nearest" ? "" : `:rounding=${rounding}`);
    this.numbers = `int${format.bits}`;
    this.#format = format;
    this.#isRandom = rounding === "stochastic";
  }

  size(length: number): CodedSize {
    const { bits, block } = this.#format;
    return { scales: Math.ceil(length / block), codes: Math.ceil(length * bits / 8) };
  }

  encode(vector: ParameterVector, key: CodecKey, into: Coded): void {
    const { encode, encodeRandomly } = this.#format;
    this.#pass(
      "encode",
      vector,
      into,
      this.#isRandom ? (piece) => encodeRandomly(piece, key) : encode,
    );
  }

  decode(coded: Coded, _key: CodecKey, into: ParameterVector): void {
    this.#pass("decode", into, coded, this.#format.decode);
  }

  #pass(
    direction: "encode" | "decode",
    vector: ParameterVector,
    coded: Coded,
    kernel: (piece: Piece) => void,
  ): void {
    const size = (length: number) => this.size(length);
    passPieces({ step: STEP, direction, size }, vector, coded, kernel);
  }
}
