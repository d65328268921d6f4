/**
 * EDEN and Philox4x32-10 written from their definitions, in plain loops: the independent reference of
 * the kernels.
 *
 * @module
 */

const CHUNK = 4096;
const f = Math.fround;

/** Positive centroids of Lloyd and Max for the standard normal distribution, by bits. */
const CENTROIDS: readonly (readonly number[])[] = [
  [],
  [0.7978845608],
  [0.4527800346, 1.5104176085],
  [0.2450941789, 0.7560052812, 1.3439092785, 2.1519457045],
  [
    ...[0.1283950299, 0.3880482995, 0.6567591185, 0.9423404565],
    ...[1.2562311973, 1.6180463860, 2.0690172265, 2.7325895710],
  ],
];

/** Philox4x32-10 of a counter and a key, in arbitrary precision. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k, l] = key.map(BigInt) as [bigint, bigint];
  const low = (x: bigint) => x & 0xFFFFFFFFn;
  for (let round = 0; round < 10; round++) {
    const p = 0xD2511F53n * a, q = 0xCD9E8D57n * c;
    [a, b, c, d] = [(q >> 32n) ^ b ^ k, low(q), (p >> 32n) ^ d ^ l, low(p)];
    [k, l] = [low(k + 0x9E3779B9n), low(l + 0xBB67AE85n)];
  }
  return [a, b, c, d].map(Number);
}

function fnv1a(text: string): number {
  let hash = 0x811C9DC5n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xFFFFFFFFn;
  }
  return Number(hash);
}

interface Key {
  readonly seed: number;
  readonly round: number;
  readonly rank: number;
}

function blockOf({ seed, round, rank }: Key, purpose: string, index: number): number[] {
  return philox([index, 0, round, rank], [seed, fnv1a(purpose)]);
}

/** The signs of the values from `start` on, a multiple of 128. */
function signsOf(key: Key, purpose: string, start: number, count: number): number[] {
  const signs: number[] = [];
  for (let at = start; at < start + count; at += 128) {
    for (const word of blockOf(key, purpose, at / 128)) {
      for (let bit = 0; bit < 32; bit++) signs.push((word >>> bit) % 2 === 1 ? -1 : 1);
    }
  }
  return signs.slice(0, count);
}

/** The rotated values that are sent, in the order of their codes. */
function keptOf(key: Key, chunk: number, padded: number, share: number): number[] {
  const count = Math.max(1, Math.floor(share * padded + 0.5));
  if (count === padded) return Array.from({ length: padded }, (_, i) => i);
  const [first = 0, second = 0, added = 0] = blockOf(key, "kept", chunk).map(BigInt);
  const mask = BigInt(padded - 1), shift = BigInt(Math.ceil(Math.log2(padded) / 2));
  const mix = (x: bigint) => x ^ (x >> shift);
  return Array.from({ length: count }, (_, i) => {
    const once = mix((BigInt(i) * (BigInt(first) | 1n)) & mask);
    const twice = mix((once * (BigInt(second) | 1n)) & mask);
    return Number((twice + BigInt(added)) & mask);
  });
}

function hadamard(values: number[]): number[] {
  const out = [...values];
  for (let stride = 1; stride < out.length; stride *= 2) {
    for (let i = 0; i < out.length; i++) {
      if (Math.floor(i / stride) % 2 === 1) continue;
      const a = out[i] ?? NaN, b = out[i + stride] ?? NaN;
      [out[i], out[i + stride]] = [f(a + b), f(a - b)];
    }
  }
  return out;
}

/** Two transforms, with the signs of the second rotation between them. */
function rotated(values: number[], key: Key, start: number): number[] {
  const signs = signsOf(key, "second-rotation", start, values.length);
  return hadamard(hadamard(values).map((value, i) => value * (signs[i] ?? NaN) + 0));
}

/** The sum in the order of the indices, of four sums by their remainders. */
function sumOf(values: readonly number[]): number {
  const sums: [number, number, number, number] = [0, 0, 0, 0];
  values.forEach((value, i) => sums[(i % 4) as 0 | 1 | 2 | 3] += value);
  return (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

interface Settings {
  readonly bits: number;
  readonly share: number;
}

/** Chunks of `length` values: where they start, and the length to which they are filled up. */
function chunksOf(length: number): { start: number; count: number; padded: number }[] {
  return Array.from({ length: Math.ceil(length / CHUNK) }, (_, i) => {
    const count = Math.min(CHUNK, length - i * CHUNK);
    return { start: i * CHUNK, count, padded: Math.max(32, 2 ** Math.ceil(Math.log2(count))) };
  });
}

/** Encodes values of ordinary magnitudes, from 2^-40 to 2^40. */
export function encode(
  vector: Float32Array,
  key: Key,
  { bits, share }: Settings,
): { scales: number[]; codes: number[] } {
  const levels = (CENTROIDS[bits] ?? []).map(f), scales: number[] = [], codes: number[] = [];
  chunksOf(vector.length).forEach(({ start, count, padded }, chunk) => {
    const x = Array.from({ length: padded }, (_, i) => i < count ? vector[start + i] ?? NaN : 0);
    const signs = signsOf(key, "rotation", start, padded);
    const h = rotated(x.map((value, i) => value * (signs[i] ?? NaN)), key, start);
    const square = sumOf(x.map((value) => value * value)), norm = f(Math.sqrt(f(square * padded)));
    const bounds = levels.slice(1).map((level, i) => f(f(level + (levels[i] ?? NaN)) / 2));
    const numbers = h.map((value) =>
      bounds.filter((bound) => Math.abs(value) > f(bound * norm)).length
    );
    const product = sumOf(
      h.map((value, i) => f(Math.abs(value) * (levels[numbers[i] ?? 0] ?? NaN))),
    );
    scales.push(square === 0 ? 0 : f(square / product * padded));
    const row = keptOf(key, chunk, padded, share).flatMap((at) => {
      const sign = (h[at] ?? 0) < 0 ? levels.length : 0;
      const code = square === 0 ? 0 : (numbers[at] ?? 0) + sign;
      return Array.from({ length: bits }, (_, bit) => code >> bit & 1);
    });
    for (let i = 0; i < row.length; i += 8) {
      codes.push(row.slice(i, i + 8).reduce((byte, bit, j) => byte | bit << j, 0));
    }
  });
  return { scales, codes };
}

/** Decodes values of ordinary magnitudes. */
export function decode(
  { scales, codes }: { scales: ArrayLike<number>; codes: ArrayLike<number> },
  length: number,
  key: Key,
  { bits, share }: Settings,
): number[] {
  const levels = (CENTROIDS[bits] ?? []).map(f), centroids = [...levels, ...levels.map((c) => -c)];
  let byte = 0;
  return chunksOf(length).flatMap(({ start, count, padded }, chunk) => {
    const kept = keptOf(key, chunk, padded, share);
    const c = new Array<number>(padded).fill(0);
    kept.forEach((at, i) => {
      let code = 0;
      for (let bit = 0; bit < bits; bit++) {
        const place = i * bits + bit;
        code |= ((codes[byte + (place >> 3)] ?? 0) >> (place & 7) & 1) << bit;
      }
      c[at] = centroids[code] ?? NaN;
    });
    byte += Math.ceil(kept.length * bits / 8);
    const factor = f((scales[chunk] ?? NaN) / kept.length);
    const signs = signsOf(key, "rotation", start, padded);
    return rotated(c, key, start).slice(0, count).map((value, i) =>
      f(value * factor) * (signs[i] ?? NaN)
    );
  });
}
