import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import type { Partition } from "../../src/data/mod.ts";

/** Fails unless every row is in exactly one part and no part is empty. */
export function assertCovers(parts: Partition, rows: number): void {
  const seen = new Uint8Array(rows);
  for (const part of parts) for (const row of part) seen[row] = (seen[row] ?? NaN) + 1;
  assertEquals(parts.reduce((sum, part) => sum + part.length, 0), rows);
  assert(seen.every((count) => count === 1));
  assert(parts.every((part) => part.length > 0));
}

/** The sizes of the parts. */
export function sizesOf(parts: Partition): number[] {
  return parts.map((part) => part.length);
}

/** How far the largest part is from the smallest. */
export function spread(parts: Partition): number {
  return Math.max(...sizesOf(parts)) - Math.min(...sizesOf(parts));
}

/** Ten labels in turn, in equal numbers where `rows` is a multiple of ten. */
export function labelsOfTen(rows: number): Int32Array<ArrayBuffer> {
  return Int32Array.from({ length: rows }, (_, row) => (row * 7) % 10);
}

/** Mean and variance of a sample. */
export function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance };
}

/** Fails unless the two are nearer than `within`. */
export function assertNear(actual: number, expected: number, within: number, what = ""): void {
  assert(
    Math.abs(actual - expected) <= within,
    `${what} expected ${expected} to within ${within}, got ${actual}`,
  );
}
