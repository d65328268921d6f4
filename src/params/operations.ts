import { STATS_LAYOUT } from "../generated/kernels_exports.ts";
import type { Instance } from "./instance.ts";
import { isOneCall, pick, sweep } from "./sweep.ts";

/** Places of the values of the kernels' `Stats`. */
const SUM_SQUARES = STATS_LAYOUT.offsets.sumSquares / Float64Array.BYTES_PER_ELEMENT;
const NON_FINITE = STATS_LAYOUT.offsets.nonFinite / Float64Array.BYTES_PER_ELEMENT;

/** Statistics of a vector. */
export interface VectorStats {
  /** L2 norm, to a relative error below 1e-6; NaN or Infinity if a value is. */
  readonly norm: number;
  /** Number of values that are NaN, Infinity or -Infinity. */
  readonly nonFinite: number;
}

/**
 * Copies tensors one after the other into a vector.
 *
 * @returns Statistics of the vector.
 * @throws {RangeError} If `into` is not as long as the tensors together; nothing is written then.
 */
export function flatten(tensors: Iterable<Float32Array>, into: Float32Array): VectorStats {
  const sources = [...tensors];
  checkTotal("Cannot flatten the tensors", sources, into);
  const instance = pick([into, ...sources]);
  return collect(instance, () => {
    let start = 0;
    for (const source of sources) {
      copy(instance, into.subarray(start, start + source.length), source);
      start += source.length;
    }
  });
}

/**
 * Copies the parts of a vector into tensors.
 *
 * @returns Statistics of the vector.
 * @throws {RangeError} If the vector is not as long as the tensors together, or holds a value that
 * is not finite; nothing is written then.
 */
export function unflatten(vector: Float32Array, tensors: Iterable<Float32Array>): VectorStats {
  const targets = [...tensors];
  checkTotal("Cannot unflatten the vector", targets, vector);
  const found = stats(vector);
  if (found.nonFinite > 0) {
    throw new RangeError(
      `Cannot unflatten the vector: expected finite values, got ${found.nonFinite} that are not`,
    );
  }
  const instance = pick([vector, ...targets]);
  let start = 0;
  for (const target of targets) {
    const source = vector.subarray(start, start + target.length);
    // Within one memory the kernel is faster than set(); between two, set() needs no scratch block.
    if (source.buffer === target.buffer) copy(instance, target, source);
    else target.set(source);
    start += target.length;
  }
  return found;
}

/** Computes the statistics of a vector. */
export function stats(vector: Float32Array): VectorStats {
  const instance = pick([vector]);
  return collect(instance, () => addStats(instance, vector));
}

/**
 * Returns the largest magnitude of a vector: 0 without values, Infinity if one is infinite, and NaN
 * if one is NaN.
 */
export function largest(vector: Float32Array): number {
  const instance = pick([vector]), { exports } = instance;
  if (isOneCall(instance, vector, vector)) {
    return exports.largest(vector.byteOffset, vector.length);
  }
  let most = 0;
  sweep(instance, [{ view: vector, use: "in" }], (length, values) => {
    most = Math.max(most, exports.largest(values, length));
  });
  return most;
}

/** Counts the values that are not finite, without all statistics where there are none. */
export function countNonFinite(vector: Float32Array): number {
  return Number.isFinite(largest(vector)) ? 0 : stats(vector).nonFinite;
}

/**
 * Adds a weighted vector, `acc += weight * x`.
 *
 * @throws {RangeError} If lengths differ.
 */
export function fold(acc: Float32Array, x: Float32Array, weight: number): void {
  checkLength("Cannot fold the vector", acc, x);
  const instance = pick([acc, x]);
  sweep(instance, [{ view: acc, use: "in-out" }, { view: x, use: "in" }], (length, acc, x) => {
    instance.exports.fold(acc, x, weight, length);
  });
}

/**
 * Interpolates between two vectors, `acc += t * (x - acc)`: the result is `acc` for a `t` of 0 and
 * `x` for 1.
 *
 * @throws {RangeError} If lengths differ.
 */
export function blend(acc: Float32Array, x: Float32Array, t: number): void {
  checkLength("Cannot blend the vector", acc, x);
  const instance = pick([acc, x]), { exports } = instance;
  if (isOneCall(instance, acc, x)) {
    return exports.blend(acc.byteOffset, x.byteOffset, t, acc.length);
  }
  sweep(instance, [{ view: acc, use: "in-out" }, { view: x, use: "in" }], (length, acc, x) => {
    exports.blend(acc, x, t, length);
  });
}

/** Multiplies a vector by a number, `vector *= factor`. */
export function scale(vector: Float32Array, factor: number): void {
  const instance = pick([vector]);
  sweep(instance, [{ view: vector, use: "in-out" }], (length, values) => {
    instance.exports.scale(values, factor, length);
  });
}

/**
 * Subtracts two vectors, `into = a - b`.
 *
 * @param into Receives the result; it may be `a` or `b`.
 * @returns Statistics of the result.
 * @throws {RangeError} If lengths differ.
 */
export function difference(a: Float32Array, b: Float32Array, into: Float32Array): VectorStats {
  checkLength("Cannot subtract the vector", a, b);
  checkLength("Cannot write the difference", a, into);
  const instance = pick([into, a, b]);
  return collect(instance, () => {
    sweep(
      instance,
      [{ view: into, use: "out" }, { view: a, use: "in" }, { view: b, use: "in" }],
      (length, into, a, b) => instance.exports.difference(into, a, b, length, instance.stats),
    );
  });
}

/**
 * Computes the squared L2 distance of two vectors, to a relative error below 1e-6.
 *
 * @throws {RangeError} If lengths differ.
 */
export function squaredDistance(a: Float32Array, b: Float32Array): number {
  checkLength("Cannot take the distance", a, b);
  const instance = pick([a, b]), { exports, stats, statsView } = instance;
  statsView.fill(0);
  if (isOneCall(instance, a, b)) {
    exports.squared_distance(a.byteOffset, b.byteOffset, a.length, stats);
  } else {
    sweep(instance, [{ view: a, use: "in" }, { view: b, use: "in" }], (length, a, b) => {
      exports.squared_distance(a, b, length, stats);
    });
  }
  return statsView[SUM_SQUARES] ?? NaN;
}

/**
 * Converts a vector to half precision, IEEE 754 binary16: to the nearest, ties to even. Overflow
 * becomes infinity, and NaN stays NaN.
 *
 * @param into Receives the bits of the halves.
 * @throws {RangeError} If lengths differ.
 */
export function toHalf(vector: Float32Array, into: Uint16Array): void {
  checkLength("Cannot write the halves", vector, into);
  const instance = pick([into, vector]);
  sweep(
    instance,
    [{ view: into, use: "out" }, { view: vector, use: "in" }],
    (length, into, values) => {
      instance.exports.to_half(into, values, length);
    },
  );
}

/**
 * Converts half precision to a vector, exactly.
 *
 * @throws {RangeError} If lengths differ.
 */
export function fromHalf(halves: Uint16Array, into: Float32Array): void {
  checkLength("Cannot widen the halves", halves, into);
  const instance = pick([into, halves]);
  sweep(
    instance,
    [{ view: into, use: "out" }, { view: halves, use: "in" }],
    (length, into, halves) => {
      instance.exports.from_half(into, halves, length);
    },
  );
}

/** Copies a vector and adds its statistics. */
function copy(instance: Instance, to: Float32Array, from: Float32Array): void {
  const { buffer, block, exports, stats } = instance;
  if (to.buffer === buffer && from.buffer === buffer) {
    sweep(instance, [{ view: to, use: "out" }, { view: from, use: "in" }], (length, to, from) => {
      exports.copy(to, from, length, stats);
    });
    return;
  }
  // A block from another memory is copied straight to its place, and is still in the cache when its
  // statistics are computed.
  for (let start = 0; start < from.length; start += block) {
    const part = from.subarray(start, start + block);
    const copied = to.subarray(start, start + block);
    copied.set(part);
    addStats(instance, to.buffer === buffer ? copied : part);
  }
}

function addStats(instance: Instance, vector: Float32Array): void {
  sweep(instance, [{ view: vector, use: "in" }], (length, values) => {
    instance.exports.stats(values, length, instance.stats);
  });
}

function collect({ statsView }: Instance, pass: () => void): VectorStats {
  statsView.fill(0);
  pass();
  return {
    norm: Math.sqrt(statsView[SUM_SQUARES] ?? NaN),
    nonFinite: statsView[NON_FINITE] ?? NaN,
  };
}

function checkLength(what: string, one: ArrayLike<number>, other: ArrayLike<number>): void {
  if (one.length !== other.length) {
    throw new RangeError(`${what}: expected ${one.length} values, got ${other.length}`);
  }
}

function checkTotal(what: string, tensors: Float32Array[], vector: Float32Array): void {
  const total = tensors.reduce((sum, { length }) => sum + length, 0);
  if (total !== vector.length) {
    throw new RangeError(`${what}: expected a vector of ${total} values, got ${vector.length}`);
  }
}
