import { Random } from "../../src/base/random.ts";
import type { ParameterVector } from "../../src/params/manifest.ts";

/** Draws a vector from the standard normal distribution. */
export function normal(length: number, seed: number): ParameterVector {
  const random = new Random(seed, "test");
  return Float32Array.from({ length }, () => random.normal());
}

/** Returns the relative squared error, |x - decoded|² / |x|². */
export function errorOf(x: Float32Array, decoded: Float32Array): number {
  let error = 0, square = 0;
  x.forEach((value, i) => {
    error += (value - (decoded[i] ?? NaN)) ** 2;
    square += value ** 2;
  });
  return error / square;
}
