import { tf } from "./deps.ts";

interface MatMulCall {
  inputs: { a: tf.TensorInfo; b: tf.TensorInfo };
  attrs: { transposeA: boolean; transposeB: boolean };
  backend: { disposeData(dataId: unknown): unknown };
}

type Kernel = (call: unknown) => tf.TensorInfo;

let installed = false;

/**
 * Replaces the WASM backend's product of two matrices by one that transposes first.
 *
 * The backend gives untransposed products to XNNPACK and multiplies transposed ones, which are all those of a backward
 * pass, in a scalar loop that is many times slower. XNNPACK in turn packs the right side anew for each tensor: a layer's
 * kernel is a new one after every step, and packing it takes longer than multiplying a batch by it.
 */
export function installFastMatMul(): void {
  if (installed) return;
  const product = tf.getKernel("BatchMatMul", "wasm");
  const transposition = tf.getKernel("Transpose", "wasm");
  if (!product || !transposition) return;
  const multiply = product.kernelFunc as unknown as Kernel;
  const transpose = transposition.kernelFunc as unknown as Kernel;

  function kernelFunc({ inputs: { a, b }, attrs, backend }: MatMulCall): tf.TensorInfo {
    const { transposeA, transposeB } = attrs;
    if (a.shape.length !== 2 || b.shape.length !== 2) {
      return multiply({ inputs: { a, b }, attrs, backend });
    }
    const scratch: tf.TensorInfo[] = [];
    function turn(x: tf.TensorInfo): tf.TensorInfo {
      return transpose({ inputs: { x }, attrs: { perm: [1, 0] }, backend });
    }
    function oriented(x: tf.TensorInfo, transposed: boolean): tf.TensorInfo {
      if (!transposed) return x;
      const turned = turn(x);
      scratch.push(turned);
      return turned;
    }
    function times(a: tf.TensorInfo, b: tf.TensorInfo): tf.TensorInfo {
      const straight = { transposeA: false, transposeB: false };
      return multiply({ inputs: { a, b }, attrs: straight, backend });
    }

    const [rows = 1, inner = 1] = transposeA ? a.shape.toReversed() : a.shape;
    const columns = b.shape[transposeB ? 0 : 1] ?? 1;
    let result: tf.TensorInfo;
    if (rows * (inner + columns) < inner * columns) {
      // A·B = (Bᵀ·Aᵀ)ᵀ: packing the right side is dear, so the smaller matrix goes there.
      const product = times(oriented(b, !transposeB), oriented(a, !transposeA));
      scratch.push(product);
      result = turn(product);
    } else {
      result = times(oriented(a, transposeA), oriented(b, transposeB));
    }
    for (const { dataId } of scratch) backend.disposeData(dataId);
    return result;
  }

  tf.unregisterKernel("BatchMatMul", "wasm");
  tf.registerKernel({
    kernelName: "BatchMatMul",
    backendName: "wasm",
    kernelFunc: kernelFunc as unknown as tf.KernelFunc,
    ...(product.setupFunc ? { setupFunc: product.setupFunc } : {}),
    ...(product.disposeFunc ? { disposeFunc: product.disposeFunc } : {}),
  });
  installed = true;
}
