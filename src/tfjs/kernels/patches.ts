import type { tf } from "./deps.ts";

/** Tap of a filter. */
export interface Tap {
  /** Row of the filter. */
  readonly y: number;
  /** Column of the filter. */
  readonly x: number;
}

/** Range of output rows or columns at which a tap meets the input. */
export interface Meeting {
  /** Index of the input for output 0; below 0 in the padding. */
  readonly start: number;
  /** First output. */
  readonly from: number;
  /** End of the range, exclusive. */
  readonly to: number;
}

/** Returns the range along one axis in which a tap stays inside the input. */
export function meeting(start: number, stride: number, input: number, output: number): Meeting {
  const from = Math.min(output, Math.max(0, Math.ceil(-start / stride)));
  const to = Math.max(from, Math.min(output, Math.ceil((input - start) / stride)));
  return { start, from, to };
}

/** Returns the range of output rows at which a tap meets the input. */
export function meetingRows({ y }: Tap, info: tf.backend_util.Conv2DInfo): Meeting {
  const start = y * info.dilationHeight - info.padInfo.top;
  return meeting(start, info.strideHeight, info.inHeight, info.outHeight);
}

/** Returns the range of output columns at which a tap meets the input. */
export function meetingColumns({ x }: Tap, info: tf.backend_util.Conv2DInfo): Meeting {
  const start = x * info.dilationWidth - info.padInfo.left;
  return meeting(start, info.strideWidth, info.inWidth, info.outWidth);
}

/**
 * Writes the values under taps of a filter: `images` of `[channels, batch, height, width]` become
 * rows of `[taps, channels, batch, outHeight, outWidth]`, with zeros for the padding.
 */
export function writePatches(
  images: tf.TypedArray,
  patches: tf.TypedArray,
  taps: readonly Tap[],
  info: tf.backend_util.Conv2DInfo,
): void {
  const { inHeight, inWidth, outHeight, outWidth, strideHeight, strideWidth } = info;
  const pages = info.inChannels * info.batchSize;
  patches.fill(0);
  let out = 0;
  for (const tap of taps) {
    const rows = meetingRows(tap, info), columns = meetingColumns(tap, info);
    for (let page = 0; page < pages; page++) {
      for (let row = rows.from; row < rows.to; row++) {
        const line = (page * inHeight + rows.start + row * strideHeight) * inWidth + columns.start;
        const into = out + row * outWidth;
        for (let column = columns.from; column < columns.to; column++) {
          patches[into + column] = images[line + column * strideWidth] ?? 0;
        }
      }
      out += outHeight * outWidth;
    }
  }
}
