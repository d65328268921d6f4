import { MOST_REACH } from "../../train/models/model_limits.ts";
import type { Config } from "./config.ts";
import type { Shape, Window2D } from "./graph.ts";

type Pair = readonly [number, number];

/** Returns the number of elements of one sample. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * Places windows along one axis as TensorFlow does: the padding before the input, and the number of
 * outputs, which is below 1 where none fits.
 */
export function resolvePadding(
  padding: "same" | "valid",
  { input, size, stride, dilation }: {
    input: number;
    size: number;
    stride: number;
    dilation: number;
  },
): { before: number; output: number } {
  const reach = (size - 1) * dilation + 1;
  if (padding === "valid") return { before: 0, output: Math.ceil((input - reach + 1) / stride) };
  const output = Math.ceil(input / stride);
  // TensorFlow puts the extra row of an odd padding after the input.
  return { before: Math.floor(Math.max(0, (output - 1) * stride + reach - input) / 2), output };
}

/**
 * Places the window of a layer over rows and columns of an input of shape
 * `[rows, columns, channels]`.
 */
export function readWindow(
  config: Config,
  shape: Shape,
  { size, strides, dilation }: { size: Pair; strides: Pair; dilation: Pair },
): Window2D {
  config.only("dataFormat", "channelsLast");
  config.only("padding", "valid", "same");
  const [rows, columns] = shape;
  if (shape.length !== 3 || rows === undefined || columns === undefined) {
    throw config.malformed(`expected an input of rows, columns and channels, got [${shape}]`);
  }
  for (const value of [...size, ...strides, ...dilation]) {
    if (value > MOST_REACH) {
      throw config.malformed(
        `expected a window, strides and dilation of at most ${MOST_REACH}, got ${value}`,
      );
    }
  }
  const padding = config.word("padding", "valid") === "same" ? "same" : "valid";
  const axis = (input: number, i: 0 | 1) =>
    resolvePadding(padding, { input, size: size[i], stride: strides[i], dilation: dilation[i] });
  const top = axis(rows, 0), left = axis(columns, 1);
  if (top.output < 1 || left.output < 1) {
    throw config.malformed(`expected an input as large as the window, got [${shape}]`);
  }
  return {
    size,
    strides,
    dilation,
    padTop: top.before,
    padLeft: left.before,
    output: [top.output, left.output],
  };
}

/** Resolves an unknown size of a shape, -1 or null, from the number of elements. */
export function reshape(config: Config, shape: Shape): Shape {
  const target: unknown = config.get("targetShape");
  const malformed = () =>
    config.malformed(
      `expected a target_shape of ${sizeOf(shape)} elements, got ${JSON.stringify(target)}`,
    );
  if (!Array.isArray(target)) throw malformed();
  const isUnknown = (size: unknown) => size === null || (typeof size === "number" && size < 0);
  const known = target.filter((size) => !isUnknown(size));
  if (!known.every((size) => Number.isSafeInteger(size) && size > 0)) throw malformed();
  const rest = sizeOf(shape) / sizeOf(known);
  const unknown = target.length - known.length;
  if (unknown > 1 || !Number.isInteger(rest) || (unknown === 0 && rest !== 1)) throw malformed();
  return target.map((size) => isUnknown(size) ? rest : size);
}
