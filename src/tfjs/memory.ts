import { tf } from "./deps.ts";

/** Part of the WASM backend that is used here, beyond its public interface. */
interface WasmBackend {
  readonly wasm: { readonly asm: { readonly memory: WebAssembly.Memory } };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  makeOutput(shape: readonly number[], dtype: "float32"): tf.TensorInfo;
}

function wasmBackend(): WasmBackend {
  return tf.backend() as unknown as WasmBackend;
}

/**
 * Returns a tensor's values in place, without a copy. On WASM the view dies when the backend's
 * memory grows, which any operation may cause: take it anew after each.
 *
 * Write to it only while the tensor is fresh, before its first operation: XNNPACK packs the right
 * side of a product once for each tensor and would go on with the old values.
 */
export function valuesOf(tensor: tf.Tensor): Float32Array<ArrayBuffer> {
  if (tf.getBackend() !== "wasm") return tensor.dataSync() as Float32Array<ArrayBuffer>;
  const { wasm, dataIdMap } = wasmBackend();
  const { memoryOffset } = dataIdMap.get(tensor.dataId);
  return new Float32Array(wasm.asm.memory.buffer as ArrayBuffer, memoryOffset, tensor.size);
}

/**
 * Allocates a tensor of float32, whose values are still to be written through {@linkcode valuesOf}.
 */
export function allocate(shape: readonly number[]): tf.Tensor {
  if (tf.getBackend() !== "wasm") {
    return tf.tensor(new Float32Array(tf.util.sizeFromShape([...shape])), [...shape]);
  }
  return tf.engine().makeTensorFromTensorInfo(wasmBackend().makeOutput(shape, "float32"));
}

/** Creates a tensor of the given shape with a copy of the values. */
export function tensorOf(values: Float32Array, shape: readonly number[]): tf.Tensor {
  const tensor = allocate(shape);
  valuesOf(tensor).set(values);
  return tensor;
}
