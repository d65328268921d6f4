import { inputOf, type KernelCall } from "./_kernel_calls.ts";
import { tf } from "./deps.ts";
import { meeting } from "./_patches.ts";

type PoolInfo = tf.backend_util.Conv2DInfo;

/** How a pooling goes over images of that shape. */
export function poolGeometry(shape: readonly number[], attrs: KernelCall["attrs"]): PoolInfo {
  return tf.backend_util.computePool2DInfo(
    shape as [number, number, number, number],
    attrs.filterSize as number | [number, number],
    attrs.strides as number | [number, number],
    1,
    attrs.pad as "same" | "valid" | number,
    attrs.dimRoundingMode as "floor" | "round" | "ceil",
  );
}

/** The gradient of average pooling. */
export function averagePoolGradient(call: KernelCall): tf.TensorInfo {
  const x = inputOf(call, "input"), dy = inputOf(call, "dy");
  const { attrs, backend } = call;
  const result = backend.makeOutput(x.shape, "float32");
  const slopes = backend.typedArrayFromHeap(result).fill(0);
  spreadMeans(backend.typedArrayFromHeap(dy), slopes, poolGeometry(x.shape, attrs));
  return result;
}

/** Adds to each pixel its share of the gradient of every mean that it is in: a mean is over the pixels of its window, not the padding. */
export function spreadMeans(upstream: tf.TypedArray, slopes: tf.TypedArray, info: PoolInfo): void {
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, padInfo } = info;
  const { strideHeight, strideWidth, filterHeight, filterWidth } = info;
  let out = 0;
  for (let image = 0; image < batchSize; image++) {
    for (let row = 0; row < outHeight; row++) {
      const rows = meeting(row * strideHeight - padInfo.top, 1, inHeight, filterHeight);
      for (let column = 0; column < outWidth; column++, out += inChannels) {
        const columns = meeting(column * strideWidth - padInfo.left, 1, inWidth, filterWidth);
        const pixels = (rows.to - rows.from) * (columns.to - columns.from);
        for (let y = rows.from; y < rows.to; y++) {
          const line = (image * inHeight + rows.start + y) * inWidth + columns.start;
          for (let x = columns.from; x < columns.to; x++) {
            const at = (line + x) * inChannels;
            for (let channel = 0; channel < inChannels; channel++) {
              slopes[at + channel] = (slopes[at + channel] ?? 0) +
                (upstream[out + channel] ?? 0) / pixels;
            }
          }
        }
      }
    }
  }
}

/**
 * The gradient of max pooling: each output's goes to the pixel that was the largest of its window, to the first of several
 * that are alike.
 */
export function maxPoolGradient(call: KernelCall): tf.TensorInfo {
  const x = inputOf(call, "input"), dy = inputOf(call, "dy");
  const { attrs, backend } = call;
  const info = poolGeometry(x.shape, attrs);
  const result = backend.makeOutput(x.shape, "float32");
  const slopes = backend.typedArrayFromHeap(result).fill(0);
  const values = backend.typedArrayFromHeap(x), upstream = backend.typedArrayFromHeap(dy);
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, padInfo } = info;
  const { strideHeight, strideWidth, filterHeight, filterWidth } = info;
  let out = 0;
  for (let image = 0; image < batchSize; image++) {
    for (let row = 0; row < outHeight; row++) {
      const rows = meeting(row * strideHeight - padInfo.top, 1, inHeight, filterHeight);
      for (let column = 0; column < outWidth; column++) {
        const columns = meeting(column * strideWidth - padInfo.left, 1, inWidth, filterWidth);
        for (let channel = 0; channel < inChannels; channel++, out++) {
          let most = -Infinity, best = -1;
          for (let y = rows.from; y < rows.to; y++) {
            const line = (image * inHeight + rows.start + y) * inWidth + columns.start;
            for (let x = columns.from; x < columns.to; x++) {
              const index = (line + x) * inChannels + channel;
              const value = values[index] ?? 0;
              if (value > most) {
                most = value;
                best = index;
              }
            }
          }
          // A window of nothing but NaN has no largest pixel.
          if (best >= 0) slopes[best] = (slopes[best] ?? 0) + (upstream[out] ?? 0);
        }
      }
    }
  }
  return result;
}
