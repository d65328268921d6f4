import { areBins, BINS } from "./exact_total.ts";
import type { KernelsExports, Pointer } from "./instance.ts";
import { kernelsOf } from "./kernels.ts";
import type { ParameterVector } from "./manifest.ts";
import { pick } from "./sweep.ts";

/** Number of values whose bins lie together in memory. */
const LANES = 4;
/** Most values of a call: of those that pass through the scratch memory, and of 2^31 bytes. */
const COPIED_VALUES = 2 ** 14;
const MOST_VALUES = 2 ** 26;

/** Returns the number of bins of that many values: whole groups of lanes. */
function binsOf(length: number): number {
  return BINS * LANES * Math.ceil(length / LANES);
}

/** Bins of the exact sums of `length` values, in an arena or in memory of their own. */
export class ExactBins {
  readonly #length: number;
  readonly #bins: Float64Array<ArrayBuffer>;

  /** Makes bins of zeros, in the arena of the vector `like` if there is room in it. */
  constructor(length: number, like: ParameterVector | undefined) {
    this.#length = length;
    const kernels = like && kernelsOf(like), byteLength = ExactBins.bytesOf(length);
    if (kernels?.hasRoom(byteLength)) {
      const { buffer, byteOffset } = kernels.allocBytes(byteLength);
      this.#bins = new Float64Array(buffer, byteOffset, binsOf(length)).fill(0);
    } else this.#bins = new Float64Array(binsOf(length));
  }

  /** Returns the number of bytes of the bins of that many values. */
  static bytesOf(length: number): number {
    return binsOf(length) * Float64Array.BYTES_PER_ELEMENT;
  }

  /** The bins as bytes. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = this.#bins;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  /** Tells if each bin is a multiple of its unit, within the range that is added up exactly. */
  get areValid(): boolean {
    return areBins(this.#bins, LANES);
  }

  /** Sets all bins to 0. */
  clear(): void {
    this.#bins.fill(0);
  }

  /** Adds other bins of the same length. */
  merge(other: ExactBins): void {
    const into = this.#bins, from = other.#bins;
    const { buffer, exports } = pick([into]);
    if (into.buffer !== buffer || from.buffer !== buffer) {
      for (let i = 0; i < into.length; i++) into[i] = (into[i] ?? NaN) + (from[i] ?? NaN);
      return;
    }
    for (let start = 0; start < this.#length; start += MOST_VALUES) {
      const at = binsOf(start) * Float64Array.BYTES_PER_ELEMENT;
      const n = Math.min(MOST_VALUES, this.#length - start);
      exports.exact_merge(into.byteOffset + at, from.byteOffset + at, n);
    }
  }

  /**
   * Runs a kernel over the bins and a vector. It reads the vector and writes the bins, or reads the
   * bins and writes the vector. Arrays outside of the kernels' memory pass through their scratch
   * memory.
   */
  pass(
    vector: Float32Array,
    use: "in" | "out",
    kernel: (exports: KernelsExports, bins: Pointer, x: Pointer, n: number) => void,
  ): void {
    const bins = this.#bins;
    const { buffer, exports, scratch: [first = 0, second = 0] } = pick([bins, vector]);
    const areHere = bins.buffer === buffer && vector.buffer === buffer;
    const step = areHere ? MOST_VALUES : COPIED_VALUES;
    for (let start = 0; start < this.#length; start += step) {
      const n = Math.min(step, this.#length - start);
      const mine = bins.subarray(binsOf(start), binsOf(start) + binsOf(n));
      const theirs = vector.subarray(start, start + n);
      const local = mine.buffer === buffer ? mine : new Float64Array(buffer, first, mine.length);
      const x = theirs.buffer === buffer ? theirs : new Float32Array(buffer, second, n);
      if (local !== mine) local.set(mine);
      if (x !== theirs && use === "in") x.set(theirs);
      kernel(exports, local.byteOffset, x.byteOffset, n);
      if (local !== mine && use === "in") mine.set(local);
      if (x !== theirs && use === "out") theirs.set(x);
    }
  }
}
