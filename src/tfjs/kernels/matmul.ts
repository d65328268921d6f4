import { inputOf, type Kernel, KernelScope, type Tools } from "./kernel_calls.ts";
import type { tf } from "./deps.ts";

/**
 * Least number of multiplications of a pair of matrices for which separate calls for the pairs pay.
 */
const LARGE_PAIR = 65_536;

interface Orientation {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/**
 * Multiplies matrices, transposing first.
 *
 * The backend gives a single untransposed pair to XNNPACK, and multiplies all others, such as those
 * of a backward pass and of every stack of matrices, in a scalar loop that is many times slower.
 * XNNPACK in turn packs the right side anew for each tensor: a layer's kernel is a new tensor after
 * every step, and packing it takes longer than multiplying a batch by it.
 */
export function matrixProduct(tools: Tools): Kernel {
  return KernelScope.kernel(tools, (scope, call) => {
    const a = inputOf(call, "a"), b = inputOf(call, "b");
    const { transposeA, transposeB } = call.attrs as unknown as Orientation;
    const stackA = a.shape.slice(0, -2), stackB = b.shape.slice(0, -2);
    const [rowsA = 0, columnsA = 0] = a.shape.slice(-2);
    const [rowsB = 0, columnsB = 0] = b.shape.slice(-2);
    const [rows, inner] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
    const [innerB, columns] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
    const [countA, countB] = [sizeOf(stackA), sizeOf(stackB)];
    // The backend's own kernel reports sides that do not fit.
    const plain = inner === innerB && rows * inner * columns * countA * countB > 0 &&
      a.dtype === "float32" && b.dtype === "float32";
    if (!plain) return scope.multiply(a, b, { transposeA, transposeB });

    if (countA === 1 && countB === 1) {
      const left = scope.reshape(a, [rowsA, columnsA]), right = scope.reshape(b, [rowsB, columnsB]);
      const product = pairProduct(scope, left, right, { transposeA, transposeB });
      const stack = stackA.length > stackB.length ? stackA : stackB;
      return scope.reshape(product, [...stack, rows, columns]);
    }
    const alike = stackA.length === stackB.length && stackA.every((size, i) => size === stackB[i]);
    if (!alike || rows * inner * columns < LARGE_PAIR) {
      return scope.multiply(a, b, { transposeA, transposeB });
    }
    const left = scope.reshape(a, [countA, rowsA, columnsA]);
    const right = scope.reshape(b, [countB, rowsB, columnsB]);
    const products = Array.from({ length: countA }, (_, i) => {
      const pageA = scope.slice(left, [i, 0, 0], [1, rowsA, columnsA]);
      const pageB = scope.slice(right, [i, 0, 0], [1, rowsB, columnsB]);
      return pairProduct(
        scope,
        scope.reshape(pageA, [rowsA, columnsA]),
        scope.reshape(pageB, [rowsB, columnsB]),
        { transposeA, transposeB },
      );
    });
    return scope.reshape(scope.concat(products, 0), [...stackA, rows, columns]);
  });
}

/** Multiplies two matrices with the smaller one on the right. */
function pairProduct(
  scope: KernelScope,
  a: tf.TensorInfo,
  b: tf.TensorInfo,
  { transposeA, transposeB }: Orientation,
): tf.TensorInfo {
  const oriented = (x: tf.TensorInfo, transposed: boolean): tf.TensorInfo =>
    transposed ? scope.transpose(x, [1, 0]) : x;
  const [rows = 0, inner = 0] = transposeA ? a.shape.toReversed() : a.shape;
  const columns = b.shape[transposeB ? 0 : 1] ?? 0;
  if (rows * (inner + columns) < inner * columns) {
    // A·B = (Bᵀ·Aᵀ)ᵀ: packing the right side is slow, so the smaller matrix goes there.
    const product = scope.multiply(oriented(b, !transposeB), oriented(a, !transposeA));
    return scope.transpose(product, [1, 0]);
  }
  return scope.multiply(oriented(a, transposeA), oriented(b, transposeB));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
