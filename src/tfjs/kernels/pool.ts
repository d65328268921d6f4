import { inputOf, type KernelCall } from "./kernel_calls.ts";
import { tf } from "./deps.ts";
import { meeting } from "./patches.ts";

type PoolInfo = tf.backend_util.Conv2DInfo;

/** Reads the shapes and options of a pooling. */
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

/** Computes the gradient of average pooling. */
export function averagePoolGradient(call: KernelCall): tf.TensorInfo {
  const x = inputOf(call, "input"), dy = inputOf(call, "dy");
  const { attrs, backend } = call;
  const result = backend.makeOutput(x.shape, "float32");
  const slopes = backend.typedArrayFromHeap(result).fill(0);
  spreadMeans(backend.typedArrayFromHeap(dy), slopes, poolGeometry(x.shape, attrs));
  return result;
}

/**
 * Adds to each pixel its share of the gradient of every mean that it is part of: a mean is over the
 * pixels of its window, without the padding.
 */
export function spreadMeans(upstream: tf.TypedArray, slopes: tf.TypedArray, info: PoolInfo): void {
  const { inWidth, inChannels } = info;
  overWindows(info, (window, first, height, width) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = (first + y * inWidth + x) * inChannels;
        for (let channel = 0; channel < inChannels; channel++) {
          slopes[at + channel] = (slopes[at + channel] ?? 0) +
            (upstream[window * inChannels + channel] ?? 0) / (height * width);
        }
      }
    }
  });
}

/**
 * Computes the gradient of max pooling: that of each output goes to the largest pixel of its
 * window, the first of equal ones.
 */
export function maxPoolGradient(call: KernelCall): tf.TensorInfo {
  const x = inputOf(call, "input"), dy = inputOf(call, "dy");
  const { attrs, backend } = call;
  const info = poolGeometry(x.shape, attrs);
  const result = backend.makeOutput(x.shape, "float32");
  const slopes = backend.typedArrayFromHeap(result).fill(0);
  const values = backend.typedArrayFromHeap(x), upstream = backend.typedArrayFromHeap(dy);
  const { inWidth, inChannels } = info;
  overWindows(info, (window, first, height, width) => {
    for (let channel = 0; channel < inChannels; channel++) {
      let most = -Infinity, best = -1;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const index = (first + y * inWidth + x) * inChannels + channel;
          const value = values[index] ?? 0;
          if (value > most) {
            most = value;
            best = index;
          }
        }
      }
      // A window of NaN alone has no largest pixel.
      if (best < 0) continue;
      slopes[best] = (slopes[best] ?? 0) + (upstream[window * inChannels + channel] ?? 0);
    }
  });
  return result;
}

/**
 * Visits the windows in the order of the outputs, with the index of each, its first pixel inside
 * the image, and its numbers of rows and columns there.
 */
function overWindows(
  { batchSize, inHeight, inWidth, outHeight, outWidth, padInfo, ...info }: PoolInfo,
  visit: (window: number, first: number, height: number, width: number) => void,
): void {
  const { strideHeight, strideWidth, filterHeight, filterWidth } = info;
  let window = 0;
  for (let image = 0; image < batchSize; image++) {
    for (let row = 0; row < outHeight; row++) {
      const rows = meeting(row * strideHeight - padInfo.top, 1, inHeight, filterHeight);
      const line = (image * inHeight + rows.start + rows.from) * inWidth;
      for (let column = 0; column < outWidth; column++) {
        const columns = meeting(column * strideWidth - padInfo.left, 1, inWidth, filterWidth);
        const first = line + columns.start + columns.from;
        visit(window++, first, rows.to - rows.from, columns.to - columns.from);
      }
    }
  }
}
