import { inputOf, type KernelCall } from "./kernel_calls.ts";
import type { tf } from "./deps.ts";

/**
 * Sums rows by segment, the gradient of a gather or an embedding: `x` of `[rows, …]` and
 * `segmentIds` of `[rows]` give `[numSegments, …]`. A row whose segment is below 0 or not below
 * `numSegments` is ignored.
 */
export function segmentSum(call: KernelCall): tf.TensorInfo {
  const x = inputOf(call, "x"), segmentIds = inputOf(call, "segmentIds");
  const { attrs, backend } = call;
  const segments = attrs.numSegments as number;
  const inner = x.shape.slice(segmentIds.shape.length);
  const length = inner.reduce((product, size) => product * size, 1);
  const result = backend.makeOutput([segments, ...inner], x.dtype);
  const sums = backend.typedArrayFromHeap(result).fill(0);
  const values = backend.typedArrayFromHeap(x);
  const ids = backend.typedArrayFromHeap(segmentIds);
  for (let row = 0; row < ids.length; row++) {
    const segment = ids[row] ?? -1;
    if (segment < 0 || segment >= segments) continue;
    const from = row * length, to = segment * length;
    for (let i = 0; i < length; i++) sums[to + i] = (sums[to + i] ?? 0) + (values[from + i] ?? 0);
  }
  return result;
}
