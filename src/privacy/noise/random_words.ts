import { runtime } from "../../base/runtime/runtime.ts";
import { Random } from "../../base/random.ts";

/** Number of bytes that are asked for at once: the most that the system gives. */
const BLOCK_BYTES = 65_536;

/** Source of random bits for noise. */
export interface NoiseSource {
  /** Origin of the bits: the operating system, or a seed, with which noise protects nobody. */
  readonly kind: "system" | "seeded";
  /** Fills an array with random bits. */
  fill(words: Uint32Array<ArrayBuffer>): void;
}

/** Source of the system's random bits, for noise that nobody can predict. */
export function systemNoise(): NoiseSource {
  return {
    kind: "system",
    fill: (words) => {
      const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
      for (let from = 0; from < bytes.length; from += BLOCK_BYTES) {
        runtime.random.getRandomValues(bytes.subarray(from, from + BLOCK_BYTES));
      }
    },
  };
}

/**
 * Source of bits that follow from a seed, for tests. Whoever knows the seed can subtract the noise,
 * so a run with such a source guarantees nothing, and its report says so.
 */
export function seededNoise(seed: number): NoiseSource {
  const random = new Random(seed, "noise");
  return {
    kind: "seeded",
    fill: (words) => {
      for (let i = 0; i < words.length; i++) words[i] = random.uint32();
    },
  };
}

/** Random bits of a source, a few at a time. */
export class RandomBits {
  readonly #source: NoiseSource;
  readonly #words: Uint32Array<ArrayBuffer> = new Uint32Array(BLOCK_BYTES / 4);
  #next: number = this.#words.length;

  /** Makes a reader of a source. */
  constructor(source: NoiseSource) {
    this.#source = source;
  }

  /** Returns 32 random bits, as a whole number below 2^32. */
  word(): number {
    if (this.#next === this.#words.length) {
      this.#source.fill(this.#words);
      this.#next = 0;
    }
    const word = this.#words[this.#next] ?? 0;
    // Used bits do not stay in memory.
    this.#words[this.#next++] = 0;
    return word;
  }

  /** Is true with the probability `1 / parts`, for a whole number of parts below 2^32. */
  oneOf(parts: number): boolean {
    if (parts === 1) return true;
    const limit = LIMITS[parts] ?? Math.floor(2 ** 32 / parts);
    const word = this.word();
    if (word !== limit) return word < limit;
    // What is left of the probability is less than 2^-32.
    return this.#rest(2 ** 32 - limit * parts, parts);
  }

  /** Is true with the probability `share / parts`. */
  #rest(share: number, parts: number): boolean {
    const most = 2 ** 32 - 2 ** 32 % parts;
    for (;;) {
      const word = this.word();
      if (word < most) return word % parts < share;
    }
  }
}

const LIMITS = Array.from({ length: 64 }, (_, parts) => Math.floor(2 ** 32 / Math.max(1, parts)));
