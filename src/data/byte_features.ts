/**
 * Features of images of 8 bits.
 *
 * @module
 */

import { areShareable, shareableBytes, shareableFloats } from "./shareable.ts";

/**
 * Features as bytes, a quarter of the memory of floats. Each stands for the float nearest to its
 * product with a factor.
 */
export class ByteFeatures {
  /** Bytes, row after row. */
  readonly bytes: Uint8Array;
  /** Factor of each byte. */
  readonly scale: number;
  #table: Float32Array | undefined;

  /**
   * Takes bytes, without a copy.
   *
   * @throws {RangeError} If the largest feature would not be finite.
   */
  constructor(bytes: Uint8Array, scale: number) {
    if (!Number.isFinite(Math.fround(255 * scale))) {
      throw new RangeError(`Cannot use bytes as features: expected a finite scale, got ${scale}`);
    }
    this.bytes = bytes;
    this.scale = scale;
  }

  /** Number of features. */
  get length(): number {
    return this.bytes.length;
  }

  /** Feature of each byte from 0 to 255. */
  get table(): Float32Array {
    return this.#table ??= Float32Array.from({ length: 256 }, (_, byte) => byte * this.scale);
  }

  /** Returns the features as floats, in memory that workers share. */
  toFloats(): Float32Array {
    const { bytes, table } = this, floats = shareableFloats(bytes.length);
    for (let i = 0; i < bytes.length; i++) floats[i] = table[bytes[i] ?? 0] ?? NaN;
    return floats;
  }

  /** Returns the same features in memory that workers share, or itself if they are there. */
  share(): ByteFeatures {
    if (areShareable(this.bytes)) return this;
    const bytes = shareableBytes(this.length);
    bytes.set(this.bytes);
    return new ByteFeatures(bytes, this.scale);
  }
}
