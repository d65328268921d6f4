import { checkInRange, SHARE } from "../base/check.ts";
import { ProtocolError } from "../base/errors.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Codec, CodecKey, Coded, CodedSize } from "./codec.ts";

/** Options of {@linkcode topK}. */
export interface TopKOptions {
  /**
   * Share of the values that are sent, above 0 and at most 1.
   *
   * @default {0.05}
   */
  readonly share?: number;
}

/** Buckets of magnitudes by their upper bits, and of those of one bucket by the lower ones. */
const LOW_BITS = 15;
const BUCKETS = 2 ** 16;
const MAGNITUDE = 0x7FFF_FFFF;

/**
 * Makes the codec of the values of largest magnitude, zeros elsewhere, for comparison with others.
 * It is biased: what is left out is lost, so models converge worse than with the same bytes of
 * {@linkcode eden}.
 *
 * Of `n` values `round(share * n)` are sent, at least one. The scales are their magnitudes in the
 * order of their positions. The codes are three rows of bits, each from the lowest bit of its first
 * byte on: the signs, and the positions after Elias (1974) and Fano (1971), which are their `low`
 * lower bits, `low = floor(log2(n / kept))`, and `kept + (n >> low) + 1` bits in which the 1 of the
 * position number `i` is at `(position >> low) + i`. That takes `32 * share` bits a value and about
 * `3 + log2(1 / share)` more for each that is sent.
 *
 * @throws {RangeError} If the share is out of range.
 */
export function topK(options: TopKOptions = {}): Codec {
  return new TopKCodec(options);
}

class TopKCodec implements Codec {
  readonly name: string;
  readonly reach = 1;
  readonly #share: number;

  constructor({ share = 0.05 }: TopKOptions) {
    this.#share = checkInRange(
      share,
      SHARE,
      "Cannot make topk",
      "a share above 0 and at most 1",
    );
    this.name = `topk:share=${share}`;
  }

  size(length: number): CodedSize {
    const { kept, bytes } = this.#layout(length);
    return { scales: kept, codes: bytes };
  }

  encode(vector: ParameterVector, _key: CodecKey, { scales, codes }: Coded): void {
    const { kept, low, lower, row } = this.#layout(vector.length);
    if (kept === 0) return;
    const bits = new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
    const { least, above } = threshold(bits, kept);
    let equal = kept - above, found = 0;
    for (let position = 0; position < vector.length; position++) {
      const magnitude = (bits[position] ?? 0) & MAGNITUDE;
      if (magnitude < least || magnitude === least && equal-- <= 0) continue;
      const value = vector[position] ?? 0;
      scales[found] = Math.abs(value);
      setBits(codes, found, Number((bits[position] ?? 0) > MAGNITUDE), 1);
      setBits(codes, 8 * lower + found * low, position % 2 ** low, low);
      setBits(codes, 8 * row + found + Math.floor(position / 2 ** low), 1, 1);
      found++;
    }
  }

  decode({ scales, codes }: Coded, _key: CodecKey, into: ParameterVector): void {
    const { kept, low, lower, row, rowBits } = this.#layout(into.length);
    into.fill(0);
    let found = 0, next = 0;
    for (let i = 0; i < rowBits; i++) {
      if (getBits(codes, 8 * row + i, 1) === 0) continue;
      const position = (i - found) * 2 ** low + getBits(codes, 8 * lower + found * low, low);
      if (found === kept || position < next || position >= into.length) {
        throw this.#wrongPositions(kept, into.length);
      }
      const value = scales[found] ?? NaN;
      into[position] = getBits(codes, found, 1) === 1 ? -value : value;
      found++;
      next = position + 1;
    }
    if (found < kept) throw this.#wrongPositions(kept, into.length);
  }

  #wrongPositions(kept: number, length: number): ProtocolError {
    return new ProtocolError(
      "invalid-field",
      `Cannot decode the vector from ${this.name}: expected ${kept} rising positions below ${length}`,
    );
  }

  #layout(length: number) {
    const kept = length === 0 ? 0 : Math.max(1, Math.floor(this.#share * length + 0.5));
    let low = 0;
    while (kept * 2 ** (low + 1) <= length && kept > 0) low++;
    const rowBits = kept === 0 ? 0 : kept + Math.floor(length / 2 ** low) + 1;
    const lower = Math.ceil(kept / 8), row = lower + Math.ceil(kept * low / 8);
    return { kept, low, lower, row, rowBits, bytes: row + Math.ceil(rowBits / 8) };
  }
}

/** Finds the greatest magnitude, by its bits, that `kept` values reach, and how many exceed it. */
function threshold(bits: Uint32Array, kept: number): { least: number; above: number } {
  const upper = new Uint32Array(BUCKETS), lower = new Uint32Array(2 ** LOW_BITS);
  const count = (counts: Uint32Array, bucket: number) => counts[bucket] = (counts[bucket] ?? 0) + 1;
  for (const one of bits) count(upper, (one & MAGNITUDE) >> LOW_BITS);
  const first = bucketOf(upper, kept);
  for (const one of bits) {
    const magnitude = one & MAGNITUDE;
    if (magnitude >> LOW_BITS === first.bucket) count(lower, magnitude % 2 ** LOW_BITS);
  }
  const second = bucketOf(lower, kept - first.above);
  return {
    least: first.bucket * 2 ** LOW_BITS + second.bucket,
    above: first.above + second.above,
  };
}

/** Finds the bucket that holds the item number `rank` from the top, and the count above it. */
function bucketOf(counts: Uint32Array, rank: number): { bucket: number; above: number } {
  let above = 0, bucket = counts.length - 1;
  while (bucket > 0 && above + (counts[bucket] ?? 0) < rank) above += counts[bucket--] ?? 0;
  return { bucket, above };
}

function setBits(bytes: Uint8Array, start: number, value: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const at = start + i;
    if (Math.floor(value / 2 ** i) % 2 === 1) {
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) | 1 << (at & 7);
    }
  }
}

function getBits(bytes: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count; i++) {
    const at = start + i;
    value += ((bytes[at >> 3] ?? 0) >> (at & 7) & 1) * 2 ** i;
  }
  return value;
}
