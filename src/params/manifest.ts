/**
 * Layout of the parameter vector: one entry for each tensor, in order.
 *
 * @module
 */

import { isCount } from "../base/check.ts";
import { sha256Hex } from "../base/hash.ts";

/** State of a model as one flat vector; `length` is that of its {@linkcode Manifest}. */
export type ParameterVector = Float32Array<ArrayBuffer>;

/** Tensor of a model's state, and its place in the parameter vector. */
export interface TensorSpec {
  /** Name of the tensor, unique in its manifest. */
  readonly name: string;
  /** Dimensions; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** Element type. A vector of float32 holds no other type without loss, so there is one. */
  readonly dtype: "float32";
  /** Index of the first element in the vector. */
  readonly offset: number;
  /** Number of elements: the product of the shape. */
  readonly length: number;
  /**
   * True if training changes the tensor by gradient. BatchNorm's moving statistics are state, but
   * not trainable.
   */
  readonly trainable: boolean;
}

/** Description of a tensor; offset and length follow from the order and the shape. */
export interface TensorDeclaration {
  /** Name of the tensor: 1 to 256 characters, none of them a control character. */
  name: string;
  /** Dimensions, integers from 0. */
  shape: readonly number[];
  /**
   * Element type; no other is supported.
   *
   * @default {"float32"}
   */
  dtype?: string;
  /**
   * True if training changes the tensor by gradient.
   *
   * @default {true}
   */
  trainable?: boolean;
}

const MAX_LENGTH = 2 ** 30;
// deno-lint-ignore no-control-regex
const CONTROL_CHARACTER = /[\u0000-\u001F\u007F]/;

/**
 * Ordered list of the tensors of a model's state.
 *
 * @example
 * ```ts
 * import { Manifest } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const manifest = Manifest.of([{ name: "kernel", shape: [64, 10] }, { name: "bias", shape: [10]
 * }]);
 * assertEquals(manifest.length, 650);
 * assertEquals(manifest.tensors[1]?.offset, 640);
 * ```
 */
export class Manifest {
  /** Tensors, in their order in the vector. */
  readonly tensors: readonly TensorSpec[];
  /** Number of elements of the vector. */
  readonly length: number;
  #digest: Promise<string> | undefined;

  private constructor(tensors: readonly TensorSpec[], length: number) {
    this.tensors = tensors;
    this.length = length;
  }

  /**
   * Lays the tensors out one after the other.
   *
   * @throws {TypeError} If a name, shape or dtype is malformed.
   * @throws {RangeError} If a name occurs twice, or the vector has more than 2^30 elements.
   */
  static of(declarations: Iterable<TensorDeclaration>): Manifest {
    const tensors: TensorSpec[] = [];
    const names = new Set<string>();
    let offset = 0;
    for (const { name, shape, dtype = "float32", trainable = true } of declarations) {
      const where = `Cannot lay out tensor ${JSON.stringify(name)}`;
      if (name.length < 1 || name.length > 256 || CONTROL_CHARACTER.test(name)) {
        throw new TypeError(
          `${where}: expected a name of 1 to 256 characters without control characters`,
        );
      }
      if (names.has(name)) throw new RangeError(`${where}: the name stands twice in the manifest`);
      if (dtype !== "float32") {
        throw new TypeError(
          `${where}: expected dtype float32, which a vector holds without loss, got ${dtype}`,
        );
      }
      if (!shape.every(isCount)) {
        throw new TypeError(`${where}: expected a shape of whole numbers, got [${shape}]`);
      }
      const length = shape.reduce((product, size) => product * size, 1);
      if (offset + length > MAX_LENGTH) {
        throw new RangeError(
          `${where}: expected at most ${MAX_LENGTH} elements in all, got ${offset + length}`,
        );
      }
      tensors.push(
        Object.freeze({ name, shape: Object.freeze([...shape]), dtype, offset, length, trainable }),
      );
      names.add(name);
      offset += length;
    }
    return new Manifest(Object.freeze(tensors), offset);
  }

  /** Number of bytes of the vector. */
  get byteLength(): number {
    return this.length * Float32Array.BYTES_PER_ELEMENT;
  }

  /**
   * SHA-256, in hexadecimal, of the UTF-8 text with one line
   * `name TAB dtype TAB shape TAB trainable LF` for each tensor, the shape as decimal numbers
   * joined by commas and trainable as 1 or 0.
   */
  digest(): Promise<string> {
    this.#digest ??= sha256Hex(new TextEncoder().encode(
      this.tensors.map((t) =>
        `${t.name}\t${t.dtype}\t${t.shape.join(",")}\t${t.trainable ? 1 : 0}\n`
      ).join(""),
    ));
    return this.#digest;
  }

  /**
   * Returns a view of a vector for each tensor.
   *
   * @throws {RangeError} If the vector has another length.
   */
  views(vector: ParameterVector): ParameterVector[] {
    this.check(vector);
    return this.tensors.map(({ offset, length }) => vector.subarray(offset, offset + length));
  }

  /**
   * Checks the length of a vector.
   *
   * @throws {RangeError} If it is not that of the manifest.
   */
  check(vector: { readonly length: number }): void {
    if (vector.length !== this.length) {
      throw new RangeError(
        `Cannot use the vector with this manifest: expected ${this.length} values, got ${vector.length}`,
      );
    }
  }
}
