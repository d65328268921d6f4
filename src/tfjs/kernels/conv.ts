import { inputOf, type Kernel, type KernelCall, KernelScope, type Tools } from "./kernel_calls.ts";
import { tf } from "./deps.ts";
import { type Tap, writePatches } from "./patches.ts";

type Shape4D = [number, number, number, number];
type ConvInfo = tf.backend_util.Conv2DInfo;

/**
 * Reads the shapes and options of a convolution.
 *
 * @throws {Error} If channels come first, which the backend does not support.
 */
export function geometryOf(
  { attrs }: KernelCall,
  inputShape: readonly number[],
  filterShape: readonly number[],
  { depthwise = false } = {},
): ConvInfo {
  if (attrs.dataFormat === "NCHW") {
    throw new Error(
      "Cannot compute the gradient of a convolution on wasm: expected data format NHWC, got NCHW",
    );
  }
  return tf.backend_util.computeConv2DInfo(
    inputShape as Shape4D,
    filterShape as Shape4D,
    attrs.strides as number | [number, number],
    depthwise ? attrs.dilations as number | [number, number] : 1,
    attrs.pad as "same" | "valid" | number,
    attrs.dimRoundingMode as "floor" | "round" | "ceil",
    depthwise,
  );
}

/**
 * Arranges the gradient of a convolution's output so that the rotated filter, sliding over it with
 * stride 1, reaches every pixel of the input: strides become rows and columns of zeros.
 */
export function spread(scope: KernelScope, dy: tf.TensorInfo, info: ConvInfo): tf.TensorInfo {
  const { batchSize, outHeight, outWidth, outChannels, strideHeight, strideWidth } = info;
  const row = outWidth * strideWidth * outChannels;
  let x = dy;
  if (strideWidth > 1) {
    const pixels = scope.reshape(x, [batchSize * outHeight * outWidth, outChannels]);
    x = scope.pad(pixels, [[0, 0], [0, (strideWidth - 1) * outChannels]]);
  }
  if (strideHeight > 1) {
    x = scope.pad(scope.reshape(x, [batchSize * outHeight, row]), [
      [0, 0],
      [0, (strideHeight - 1) * row],
    ]);
  }
  const height = outHeight * strideHeight, width = outWidth * strideWidth;
  x = scope.reshape(x, [batchSize, height, width, outChannels]);

  const spanY = info.effectiveFilterHeight - 1, spanX = info.effectiveFilterWidth - 1;
  const top = spanY - info.padInfo.top, left = spanX - info.padInfo.left;
  const bottom = info.inHeight + spanY - top - height, right = info.inWidth + spanX - left - width;
  const padded = scope.pad(x, [
    [0, 0],
    [Math.max(0, top), Math.max(0, bottom)],
    [Math.max(0, left), Math.max(0, right)],
    [0, 0],
  ]);
  if (Math.min(top, bottom, left, right) >= 0) return padded;
  return scope.slice(
    padded,
    [0, Math.max(0, -top), Math.max(0, -left), 0],
    [batchSize, info.inHeight + spanY, info.inWidth + spanX, outChannels],
  );
}

/** Most values of patches at a time: 1 MB, as the heap of the backend never shrinks. */
const PATCH_VALUES = 1 << 18;

/**
 * Computes the gradient of a convolution with respect to its filter: a matrix of the pixels under
 * each tap, multiplied by the gradient of the output, a few taps at a time.
 */
export function filterGradient(tools: Tools): Kernel {
  return KernelScope.kernel(tools, (scope, call) => {
    const x = inputOf(call, "x"), dy = inputOf(call, "dy");
    const info = geometryOf(call, x.shape, call.attrs.filterShape as number[]);
    const { filterHeight, filterWidth, inChannels, outChannels } = info;
    const taps = tapsOf(info);
    const images = scope.transpose(x, [3, 0, 1, 2]);
    const pixels = info.batchSize * info.outHeight * info.outWidth;
    const upstream = scope.reshape(dy, [pixels, outChannels]);
    const atOnce = Math.max(1, Math.floor(PATCH_VALUES / (inChannels * pixels)));
    const parts: tf.TensorInfo[] = [];
    for (let first = 0; first < taps.length; first += atOnce) {
      const some = taps.slice(first, first + atOnce);
      const patches = scope.make([some.length * inChannels, pixels]);
      writePatches(scope.values(images), scope.values(patches), some, info);
      parts.push(scope.multiply(patches, upstream));
      scope.free(patches);
    }
    return scope.reshape(scope.concat(parts, 0), [
      filterHeight,
      filterWidth,
      inChannels,
      outChannels,
    ]);
  });
}

/** Returns the taps of a filter, row after row. */
export function tapsOf({ filterHeight, filterWidth }: ConvInfo): Tap[] {
  return Array.from({ length: filterHeight * filterWidth }, (_, i) => ({
    y: Math.floor(i / filterWidth),
    x: i % filterWidth,
  }));
}

/**
 * Largest product of strides at which zeros between rows and columns cost less than the backend's
 * own kernel.
 */
const SPREADABLE = 4;

/**
 * Computes the gradient of a convolution with respect to its images: the rotated filter slides over
 * the gradient of the output.
 */
export function inputGradient(tools: Tools): Kernel {
  return KernelScope.kernel(tools, (scope, call) => {
    const dy = inputOf(call, "dy"), filter = inputOf(call, "filter");
    const info = geometryOf(call, call.attrs.inputShape as number[], filter.shape);
    if (info.strideHeight * info.strideWidth > SPREADABLE) return scope.stockInputGradient(call);
    const turned = scope.transpose(scope.turn(filter), [0, 1, 3, 2]);
    return scope.convolve(spread(scope, dy, info), turned);
  });
}
