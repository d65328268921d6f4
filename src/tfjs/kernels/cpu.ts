import { inputOf, type KernelCall } from "./kernel_calls.ts";
import { tf } from "./deps.ts";
import { poolGeometry, spreadMeans } from "./pool.ts";

/** Part of tfjs's cpu backend that a kernel uses. */
interface CpuBackend {
  readonly data: { get(dataId: tf.TensorInfo["dataId"]): { readonly values: tf.TypedArray } };
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: tf.TypedArray): tf.TensorInfo;
}

interface CpuCall extends Omit<KernelCall, "backend"> {
  readonly backend: CpuBackend;
}

function averagePoolGradient({ backend, ...call }: CpuCall): tf.TensorInfo {
  const x = inputOf(call, "input"), dy = inputOf(call, "dy");
  const slopes = new Float32Array(tf.util.sizeFromShape(x.shape));
  spreadMeans(backend.data.get(dy.dataId).values, slopes, poolGeometry(x.shape, call.attrs));
  return backend.makeTensorInfo(x.shape, "float32", slopes);
}

let installed = false;

/**
 * Registers, once, a gradient of average pooling with tfjs's cpu backend that is correct with
 * padding "same".
 */
export function installCpuKernels(): void {
  if (installed) return;
  tf.unregisterKernel("AvgPoolGrad", "cpu");
  tf.registerKernel({
    kernelName: "AvgPoolGrad",
    backendName: "cpu",
    kernelFunc: averagePoolGradient as unknown as tf.KernelFunc,
  });
  installed = true;
}
