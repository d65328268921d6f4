import { ProtocolError } from "../base/errors.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { difference, fold } from "../params/operations.ts";
import { checkLengths, decodeVector, encodeVector } from "./coding.ts";
import type { Codec, CodecKey, Coded } from "./codec.ts";

/** Places in a vector, each with its first index and the index after its last. */
type Spans = readonly (readonly [from: number, to: number])[];

/** Encoded parameter vector. */
export interface CodedVector extends Coded {
  /** Values that are not encoded, in their order; absent if there are none. */
  readonly plain?: ParameterVector;
}

/**
 * Encoder and decoder of parameter vectors of one manifest. It encodes the values that are
 * trainable, as one vector. Other values, such as moving statistics, stay as they are: a variance
 * must not become negative by an error. Places that are left out are not sent at all.
 */
export class VectorCoder {
  /** Codec of the values. */
  readonly codec: Codec;
  /** Number of bytes of an encoded vector. */
  readonly byteLength: number;
  readonly #coded: Spans;
  readonly #plain: Spans;
  /** True if all values are encoded. */
  readonly #isWhole: boolean;
  readonly #codedLength: number;
  readonly #plainLength: number;
  #scratch: ParameterVector | undefined;

  /**
   * Creates a coder.
   *
   * @param omitted Places whose values are not sent. Default: none.
   */
  constructor(codec: Codec, { tensors, length }: Manifest, omitted: Spans = []) {
    const isOmitted = (at: number) => omitted.some(([from, to]) => at >= from && at < to);
    const spansOf = (isTrained: boolean): Spans =>
      tensors.filter(({ trainable, offset, length }) =>
        length > 0 && trainable === isTrained && !isOmitted(offset)
      ).map(({ offset, length }) => [offset, offset + length]);
    this.codec = codec;
    this.#coded = joined(spansOf(true));
    this.#plain = joined(spansOf(false));
    this.#codedLength = lengthOf(this.#coded);
    this.#plainLength = lengthOf(this.#plain);
    this.#isWhole = this.#codedLength === length;
    const { scales, codes } = codec.size(this.#codedLength);
    this.byteLength = Float32Array.BYTES_PER_ELEMENT * (scales + this.#plainLength) + codes;
  }

  /**
   * Encodes a vector.
   *
   * @throws {RangeError} If a value is not finite or too large for the codec.
   */
  encode(vector: ParameterVector, key: CodecKey): CodedVector {
    const values = this.#isWhole ? vector : gather(vector, this.#coded, this.#scratchVector());
    return this.#withPlain(encodeVector(this.codec, values, key), vector);
  }

  /**
   * Encodes the difference of a vector to another one.
   *
   * @throws {RangeError} If a value is not finite or too large for the codec.
   */
  encodeChange(vector: ParameterVector, base: ParameterVector, key: CodecKey): CodedVector {
    const change = this.#scratchVector();
    let at = 0;
    for (const [from, to] of this.#coded) {
      difference(
        vector.subarray(from, to),
        base.subarray(from, to),
        change.subarray(at, at += to - from),
      );
    }
    return this.#withPlain(encodeVector(this.codec, change, key), vector);
  }

  /**
   * Decodes a vector. Places that are left out keep their values.
   *
   * @param coded Arrays from anyone.
   * @throws {ProtocolError} If they are no encoded vector: "shape-mismatch", "non-finite" or
   * "invalid-field". The content of `into` is undefined then.
   */
  decode(coded: CodedVector, key: CodecKey, into: ParameterVector): void {
    this.#checkPlain(coded);
    const values = this.#isWhole ? into : this.#scratchVector();
    decodeVector(this.codec, coded, key, values);
    if (!this.#isWhole) scatter(values, this.#coded, into);
    if (coded.plain !== undefined) scatter(coded.plain, this.#plain, into);
  }

  /**
   * Decodes the difference to a vector and adds it. Places that are left out have the values of
   * that vector.
   *
   * @param base The vector, in other memory than `into`.
   * @throws {ProtocolError} As {@linkcode decode}.
   */
  decodeChange(
    coded: CodedVector,
    key: CodecKey,
    base: ParameterVector,
    into: ParameterVector,
  ): void {
    if (this.#isWhole) {
      this.decode(coded, key, into);
      return fold(into, base, 1);
    }
    this.#checkPlain(coded);
    const change = this.#scratchVector();
    decodeVector(this.codec, coded, key, change);
    into.set(base);
    let at = 0;
    for (const [from, to] of this.#coded) {
      fold(into.subarray(from, to), change.subarray(at, at += to - from), 1);
    }
    if (coded.plain !== undefined) scatter(coded.plain, this.#plain, into);
  }

  /** Moves a vector in place by the way from one vector to another, where values are encoded. */
  rebase(vector: ParameterVector, from: ParameterVector, to: ParameterVector): void {
    for (const [start, end] of this.#coded) {
      const part = vector.subarray(start, end);
      difference(part, from.subarray(start, end), part);
      fold(part, to.subarray(start, end), 1);
    }
  }

  #withPlain(coded: Coded, vector: ParameterVector): CodedVector {
    if (this.#plainLength === 0) return coded;
    return { ...coded, plain: gather(vector, this.#plain, new Float32Array(this.#plainLength)) };
  }

  /**
   * Checks the lengths of an encoded vector.
   *
   * @throws {ProtocolError} "shape-mismatch" if one is wrong.
   */
  checkLengths(coded: CodedVector): void {
    checkLengths(this.codec, coded, this.#codedLength);
    this.#checkPlain(coded);
  }

  #checkPlain({ plain }: CodedVector): void {
    if ((plain?.length ?? 0) === this.#plainLength) return;
    throw new ProtocolError(
      "shape-mismatch",
      `Cannot decode the vector from ${this.codec.name}: expected ${this.#plainLength} plain values, got ${
        plain?.length ?? 0
      }`,
    );
  }

  #scratchVector(): ParameterVector {
    return this.#scratch ??= new Float32Array(this.#codedLength);
  }
}

/** Joins spans that touch. */
function joined(spans: Spans): Spans {
  const all: [number, number][] = [];
  for (const [from, to] of spans) {
    const last = all.at(-1);
    if (last?.[1] === from) last[1] = to;
    else all.push([from, to]);
  }
  return all;
}

function lengthOf(spans: Spans): number {
  return spans.reduce((sum, [from, to]) => sum + to - from, 0);
}

/** Copies the values in the spans, one after another. */
function gather(vector: ParameterVector, spans: Spans, into: ParameterVector): ParameterVector {
  let at = 0;
  for (const [from, to] of spans) {
    into.set(vector.subarray(from, to), at);
    at += to - from;
  }
  return into;
}

/** Copies values, one after another, to the spans. */
function scatter(values: ParameterVector, spans: Spans, into: ParameterVector): void {
  let at = 0;
  for (const [from, to] of spans) into.set(values.subarray(at, at += to - from), from);
}
