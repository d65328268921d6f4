/**
 * Kernels for TensorFlow.js's WASM backend: gradients of convolutions, depthwise convolutions and
 * embeddings, which the backend lacks, and faster products of matrices. They serve any program that
 * uses tfjs 4.22.0.
 *
 * @example Train a convolution on the WASM backend
 * ```ts
 * import * as tf from "npm:@tensorflow/tfjs@4.22.0";
 * import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
 * import { installTrainingKernels } from "@fedlab/core/tfjs-kernels";
 *
 * await tf.setBackend("wasm");
 * installTrainingKernels();
 *
 * const images = tf.ones<tf.Rank.R4>([1, 4, 4, 1]);
 * const filter = tf.ones<tf.Rank.R4>([3, 3, 1, 1]);
 * const gradient = tf.grad((filter) =>
 *   tf.conv2d(images, filter as tf.Tensor4D, 1, "valid").sum()
 * );
 * if (gradient(filter).dataSync().some((value) => value !== 4)) throw new Error("wrong gradient");
 * ```
 *
 * @module
 */

import { type Kernel, takeTools } from "./kernel_calls.ts";
import { filterGradient, inputGradient } from "./conv.ts";
import { depthwiseFilterGradient, depthwiseInputGradient } from "./depthwise.ts";
import { tf } from "./deps.ts";
import { matrixProduct } from "./matmul.ts";
import { averagePoolGradient, maxPoolGradient } from "./pool.ts";
import { withPads } from "./same_padding.ts";
import { segmentSum } from "./segments.ts";

let installed = false;

/**
 * Registers the kernels that tfjs's WASM backend lacks for training, and replaces slow ones.
 * Calling it again does nothing. Call it after `await tf.setBackend("wasm")`.
 *
 * - Added: `Conv2DBackpropFilter`, `DepthwiseConv2dNativeBackpropFilter`,
 *   `DepthwiseConv2dNativeBackpropInput` and `UnsortedSegmentSum`.
 * - Replaced since they are slow: `BatchMatMul`, `Conv2DBackpropInput` and `MaxPoolGrad`.
 * - Corrected: `AvgPoolGrad` with padding "same" at the edge of the images, and `Conv2D`,
 *   `DepthwiseConv2dNative` and their fused forms with padding "same" where a stride is longer than
 *   the filter.
 *
 * Results agree with those of the cpu backend up to rounding, except for `AvgPoolGrad`, which is
 * wrong there too.
 *
 * @throws {Error} If the WASM backend is not registered.
 *
 * @example Train an embedding on the WASM backend
 * ```ts
 * import * as tf from "npm:@tensorflow/tfjs@4.22.0";
 * import "npm:@tensorflow/tfjs-backend-wasm@4.22.0";
 * import { installTrainingKernels } from "@fedlab/core/tfjs-kernels";
 *
 * await tf.setBackend("wasm");
 * installTrainingKernels();
 *
 * const words = tf.tensor1d([2, 0, 2], "int32");
 * const gradient = tf.grad((table) => tf.gather(table, words).sum());
 * const [first, second, third] = gradient(tf.zeros([3, 1])).dataSync();
 * if (first !== 1 || second !== 0 || third !== 2) throw new Error("wrong gradient");
 * ```
 */
export function installTrainingKernels(): void {
  if (installed) return;
  if (!tf.findBackendFactory("wasm")) {
    throw new Error(
      "Cannot install the training kernels: tfjs's WASM backend is not registered; import npm:@tensorflow/tfjs-backend-wasm@4.22.0 first",
    );
  }
  const tools = takeTools();
  install("Conv2D", withPads("Conv2D"));
  install("FusedConv2D", withPads("FusedConv2D"));
  install("DepthwiseConv2dNative", withPads("DepthwiseConv2dNative", { depthwise: true }));
  install("FusedDepthwiseConv2D", withPads("FusedDepthwiseConv2D", { depthwise: true }));
  install("BatchMatMul", matrixProduct(tools));
  install("Conv2DBackpropInput", inputGradient(tools));
  install("Conv2DBackpropFilter", filterGradient(tools));
  install("DepthwiseConv2dNativeBackpropInput", depthwiseInputGradient(tools));
  install("DepthwiseConv2dNativeBackpropFilter", depthwiseFilterGradient);
  install("AvgPoolGrad", averagePoolGradient);
  install("MaxPoolGrad", maxPoolGradient);
  install("UnsortedSegmentSum", segmentSum);
  installed = true;
}

function install(kernelName: string, kernel: Kernel): void {
  const { setupFunc, disposeFunc } = tf.getKernel(kernelName, "wasm") ?? {};
  // tfjs prints a warning when a kernel replaces another.
  if (tf.getKernel(kernelName, "wasm")) tf.unregisterKernel(kernelName, "wasm");
  tf.registerKernel({
    kernelName,
    backendName: "wasm",
    kernelFunc: kernel as unknown as tf.KernelFunc,
    // The replaced kernel still needs its own set-up when the backend starts again.
    ...(setupFunc ? { setupFunc } : {}),
    ...(disposeFunc ? { disposeFunc } : {}),
  });
}
