import { inputOf, type Kernel, type KernelCall, KernelScope, type Tools } from "./kernel_calls.ts";
import { geometryOf, spread, tapsOf } from "./conv.ts";
import type { tf } from "./deps.ts";
import { meetingColumns, meetingRows, type Tap } from "./patches.ts";

/**
 * Computes the gradient of a depthwise convolution with respect to its filter: for each tap and
 * channel, the sum of the products of the pixels under the tap and the gradient of the output.
 */
export function depthwiseFilterGradient(call: KernelCall): tf.TensorInfo {
  const x = inputOf(call, "x"), dy = inputOf(call, "dy");
  const { attrs, backend } = call;
  const info = geometryOf(call, x.shape, attrs.filterShape as number[], { depthwise: true });
  const result = backend.makeOutput(info.filterShape, "float32");
  const values = backend.typedArrayFromHeap(result);
  const images = backend.typedArrayFromHeap(x), upstream = backend.typedArrayFromHeap(dy);
  const sums = new Float64Array(info.outChannels);
  tapsOf(info).forEach((tap, i) => {
    addTap(sums.fill(0), images, upstream, tap, info);
    values.set(sums, i * sums.length);
  });
  return result;
}

/** Sums the products of one tap, by output channel. */
function addTap(
  sums: Float64Array,
  images: tf.TypedArray,
  upstream: tf.TypedArray,
  tap: Tap,
  info: tf.backend_util.Conv2DInfo,
): void {
  const { batchSize, inChannels, outChannels, inHeight, inWidth, outHeight, outWidth } = info;
  const { strideHeight, strideWidth } = info;
  const multiplier = outChannels / inChannels;
  const rows = meetingRows(tap, info), columns = meetingColumns(tap, info);
  for (let image = 0; image < batchSize; image++) {
    for (let row = rows.from; row < rows.to; row++) {
      const line = (image * inHeight + rows.start + row * strideHeight) * inWidth + columns.start;
      for (let column = columns.from; column < columns.to; column++) {
        const from = (line + column * strideWidth) * inChannels;
        const at = ((image * outHeight + row) * outWidth + column) * outChannels;
        if (multiplier === 1) {
          for (let c = 0; c < outChannels; c++) {
            sums[c] = (sums[c] ?? 0) + (images[from + c] ?? 0) * (upstream[at + c] ?? 0);
          }
          continue;
        }
        for (let c = 0, out = 0; c < inChannels; c++) {
          const pixel = images[from + c] ?? 0;
          for (let m = 0; m < multiplier; m++, out++) {
            sums[out] = (sums[out] ?? 0) + pixel * (upstream[at + out] ?? 0);
          }
        }
      }
    }
  }
}

/**
 * Computes the gradient of a depthwise convolution with respect to its images: each rotated filter
 * slides over the gradient of its output channel, and the results for one input channel are added.
 */
export function depthwiseInputGradient(tools: Tools): Kernel {
  return KernelScope.kernel(tools, (scope, call) => {
    const dy = inputOf(call, "dy"), filter = inputOf(call, "filter");
    const inputShape = call.attrs.inputShape as number[];
    const info = geometryOf(call, inputShape, filter.shape, { depthwise: true });
    const { filterHeight, filterWidth, inChannels, outChannels } = info;
    const turned = scope.reshape(scope.turn(filter), [filterHeight, filterWidth, outChannels, 1]);
    const dilations = [info.dilationHeight, info.dilationWidth] as const;
    const each = scope.convolve(spread(scope, dy, info), turned, dilations, true);
    const multiplier = outChannels / inChannels;
    if (multiplier === 1) return each;
    const pixels = (each.shape[0] ?? 0) * info.inHeight * info.inWidth;
    const summed = scope.sum(scope.reshape(each, [pixels * inChannels, multiplier]), 1);
    return scope.reshape(summed, info.inShape);
  });
}
