import type { Dataset } from "../../data/dataset.ts";
import type { Batch } from "./_learner.ts";

/**
 * The data in batches, in the given order of rows; the last one may be smaller. Each batch is gathered into one buffer that the
 * next overwrites.
 */
export function* gatherBatches(data: Dataset, order: Uint32Array, size: number): Generator<Batch> {
  const { rowLength } = data;
  const features = new Float32Array(size * rowLength);
  const labels = new Int32Array(size);
  for (let start = 0; start < order.length; start += size) {
    const rows = order.subarray(start, start + size);
    rows.forEach((row, i) => {
      features.set(data.features.subarray(row * rowLength, (row + 1) * rowLength), i * rowLength);
      labels[i] = data.labels[row] ?? 0;
    });
    yield {
      features: features.subarray(0, rows.length * rowLength),
      labels: labels.subarray(0, rows.length),
    };
  }
}

/** The data in batches as it lies, without a copy. */
export function* sliceBatches(data: Dataset, size: number): Generator<Batch> {
  const { rowLength } = data;
  for (let start = 0; start < data.length; start += size) {
    const end = Math.min(start + size, data.length);
    yield {
      features: data.features.subarray(start * rowLength, end * rowLength),
      labels: data.labels.subarray(start, end),
    };
  }
}
