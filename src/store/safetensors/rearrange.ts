/** Shapes of a tensor before and after its axes are put into another order. */
export interface Rearrangement {
  /** Shape in the file. */
  readonly from: readonly number[];
  /** Shape of the same values before they are transposed. Default: `from`. */
  readonly reshape?: readonly number[] | undefined;
  /** Axis of the tensor that each axis of the result is. Default: the axes stay. */
  readonly transpose?: readonly number[] | undefined;
  /** Shape in the model. */
  readonly to: readonly number[];
}

/** Copies values in another order. */
export type Place = (values: Float32Array, to: Float32Array) => void;

/**
 * Checks shapes and returns a function that copies values in the order of the model.
 *
 * @param where Name of the tensor, for messages.
 * @throws {RangeError} If the shapes do not fit one another.
 */
export function rearrange(
  { from, reshape = from, transpose, to }: Rearrangement,
  where: string,
): Place {
  const axes = transpose ?? reshape.map((_, i) => i);
  const isOrder = axes.length === reshape.length &&
    [...axes].sort((a, b) => a - b).every((axis, i) => axis === i);
  if (sizeOf(reshape) !== sizeOf(from) || !isOrder) {
    throw new RangeError(
      `expected ${where} to have a reshape of ${
        sizeOf(from)
      } values and a transpose of its axes, ` +
        `got ${show(reshape)} and ${show(axes)}`,
    );
  }
  const result = axes.map((axis) => reshape[axis] ?? 0);
  // After a reshape, axes may become one: an image that was flattened.
  const fits = reshape === from ? result.join() === to.join() : sizeOf(result) === sizeOf(to) &&
    ends(to).every((end) => ends(result).includes(end));
  if (!fits) {
    throw new RangeError(
      `expected ${where} of shape ${show(to)}, got ${show(result)}${
        transpose || reshape !== from ? `, rearranged from ${show(from)}` : ""
      }`,
    );
  }
  const strides = stridesOf(reshape), order = axes.map((axis) => strides[axis] ?? 0);
  return (values, target) => copy(values, target, result, order);
}

/** Copies values whose axes have the given sizes and distances. */
function copy(
  values: Float32Array,
  to: Float32Array,
  sizes: readonly number[],
  strides: readonly number[],
): void {
  const index = sizes.map(() => 0);
  let from = 0;
  for (let at = 0; at < to.length; at++) {
    to[at] = values[from] ?? 0;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1, size = sizes[axis] ?? 1, stride = strides[axis] ?? 0;
      from += stride;
      index[axis] = next;
      if (next < size) break;
      from -= size * stride;
      index[axis] = 0;
    }
  }
}

function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, i) => sizeOf(shape.slice(i + 1)));
}

/** Returns the products of the sizes up to each axis. */
function ends(shape: readonly number[]): number[] {
  return shape.map((_, i) => sizeOf(shape.slice(0, i + 1)));
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function show(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
