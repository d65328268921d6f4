import type { ParameterVector } from "../params/manifest.ts";
import type { Random } from "../base/random.ts";
import type { Initializer, Shape } from "./graph/graph.ts";

/** Standard deviation of the standard normal distribution truncated at -2 and 2. */
const TRUNCATED_STDDEV = 0.87962566103423978;

function product(sizes: Shape): number {
  return sizes.reduce((result, size) => result * size, 1);
}

/**
 * Returns the number of inputs of an output of the weight, and of outputs of an input, as Keras
 * counts them.
 */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) return { fanIn: product(shape), fanOut: product(shape) };
  const taps = product(shape.slice(0, -2));
  return { fanIn: (shape.at(-2) ?? 1) * taps, fanOut: (shape.at(-1) ?? 1) * taps };
}

function truncatedNormal(random: Random): number {
  let draw = random.normal();
  while (Math.abs(draw) > 2) draw = random.normal();
  return draw;
}

/** Fills a tensor, in row-major order, with the values of the initializer. */
export function fill(
  values: ParameterVector,
  shape: Shape,
  initializer: Initializer,
  random: Random,
): void {
  function each(draw: () => number): void {
    for (let i = 0; i < values.length; i++) values[i] = draw();
  }

  switch (initializer.type) {
    case "unitForget": {
      fill(values, shape, initializer.rest, random);
      const gate = values.length / 4;
      values.fill(1, gate, 2 * gate);
      break;
    }
    case "constant":
      values.fill(initializer.value);
      break;
    case "uniform": {
      const { low, high } = initializer;
      each(() => low + (high - low) * random.uniform());
      break;
    }
    case "normal":
      each(() => initializer.mean + initializer.stddev * random.normal());
      break;
    case "truncatedNormal":
      each(() => initializer.mean + initializer.stddev * truncatedNormal(random));
      break;
    case "varianceScaling": {
      const { fanIn, fanOut } = fans(shape);
      const fan = { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 }[initializer.mode];
      const variance = initializer.scale / Math.max(1, fan);
      if (initializer.distribution === "uniform") {
        const limit = Math.sqrt(3 * variance);
        each(() => limit * (2 * random.uniform() - 1));
      } else if (initializer.distribution === "normal") {
        const stddev = Math.sqrt(variance);
        each(() => stddev * random.normal());
      } else {
        const stddev = Math.sqrt(variance) / TRUNCATED_STDDEV;
        each(() => stddev * truncatedNormal(random));
      }
      break;
    }
    case "identity": {
      const columns = shape[1] ?? 1;
      values.fill(0);
      for (let i = 0; i < Math.min(shape[0] ?? 0, columns); i++) {
        values[i * columns + i] = initializer.gain;
      }
      break;
    }
    case "orthogonal":
      fillOrthogonal(values, shape, initializer.gain, random);
      break;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/**
 * Fills a tensor with a uniformly drawn orthogonal matrix (Saxe et al. 2014): the last axis of the
 * shape is the columns, the others are the rows. It is the Q of the QR factors of a normal matrix,
 * with a positive diagonal of R.
 */
function fillOrthogonal(
  values: ParameterVector,
  shape: Shape,
  gain: number,
  random: Random,
): void {
  const columns = shape.at(-1) ?? 1, rows = product(shape.slice(0, -1));
  const length = Math.max(rows, columns), count = Math.min(rows, columns);
  const basis = Array.from({ length: count }, () => new Float64Array(length));
  for (let i = 0; i < length; i++) for (const vector of basis) vector[i] = random.normal();
  basis.forEach((vector, j) => {
    // Gram and Schmidt's R has a positive diagonal; a second pass removes rounding errors.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of basis.slice(0, j)) {
        const along = dot(vector, other);
        for (let i = 0; i < length; i++) vector[i] = (vector[i] ?? 0) - along * (other[i] ?? 0);
      }
    }
    const norm = Math.sqrt(dot(vector, vector));
    for (let i = 0; i < length; i++) vector[i] = (vector[i] ?? 0) / norm;
  });
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = rows >= columns ? basis[column]?.[row] : basis[row]?.[column];
      values[row * columns + column] = gain * (value ?? 0);
    }
  }
}
