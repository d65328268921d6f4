import { isRecord } from "../../base/json.ts";

/**
 * Most layers of a model, including those of nested models. The largest of Keras's own have about a
 * thousand; tfjs takes seconds to build several thousand, and blocks everything else meanwhile.
 */
export const MOST_LAYERS = 2048;

/** Most output values of all layers of a model for one sample: 256 MiB. */
export const MOST_SAMPLE_VALUES = 2 ** 26;

/** Most values of a batch that tfjs holds at once: 4 GiB, the size of a WebAssembly memory. */
export const MOST_BATCH_VALUES = 2 ** 30;

/** Largest size, stride or dilation of a window, in rows or columns. */
export const MOST_REACH = 2 ** 20;

/**
 * Checks the number of layers of a topology before any is built.
 *
 * @throws {RangeError} If it is more than {@linkcode MOST_LAYERS}.
 */
export function checkLayerCount(topology: unknown): void {
  let count = 0;
  const open: unknown[] = [topology];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (isRecord(value)) {
      for (const [key, inner] of Object.entries(value)) {
        // The layers of a Sequential may be all of its configuration.
        if ((key === "layers" || key === "config") && Array.isArray(inner)) count += inner.length;
        if (typeof inner === "object" && inner !== null) open.push(inner);
      }
    } else if (Array.isArray(value)) {
      for (const inner of value) if (typeof inner === "object" && inner !== null) open.push(inner);
    }
  }
  if (count > MOST_LAYERS) {
    throw new RangeError(
      `Cannot read the model: expected at most ${MOST_LAYERS} layers, got ${count}`,
    );
  }
}

/**
 * Checks the number of output values of a model for one sample: memory grows with them, and places
 * in it are 32-bit numbers. An unknown size counts as 1.
 *
 * @throws {RangeError} If it is more than {@linkcode MOST_SAMPLE_VALUES}; the message names a
 * layer.
 */
export function checkSampleValues(
  outputs: Iterable<{ readonly name: string; readonly shape: readonly (number | null)[] }>,
): void {
  let total = 0;
  for (const { name, shape } of outputs) {
    total += valuesIn(shape);
    // Written so that an overflowed product fails too.
    if (!(total <= MOST_SAMPLE_VALUES)) {
      throw new RangeError(
        `Cannot use the model: expected outputs of at most ${MOST_SAMPLE_VALUES} values a sample, got more up to layer ${
          JSON.stringify(name)
        }, whose shape is [${shape.map((size) => size ?? "any")}]`,
      );
    }
  }
}

/** Returns the number of values of a shape, in which an unknown size counts as 1. */
export function valuesIn(shape: readonly (number | null)[]): number {
  return shape.reduce<number>((product, size) => product * (size ?? 1), 1);
}

/**
 * Checks the number of values of a batch that are held at once.
 *
 * @throws {RangeError} If it is more than {@linkcode MOST_BATCH_VALUES}.
 */
export function checkBatchValues(rows: number, valuesOfSample: number): void {
  if (rows * valuesOfSample <= MOST_BATCH_VALUES) return;
  throw new RangeError(
    `Cannot use the model: expected a batch of at most ${
      Math.floor(MOST_BATCH_VALUES / valuesOfSample)
    } samples, whose outputs are ${valuesOfSample} values each, got ${rows}`,
  );
}
