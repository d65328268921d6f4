import { assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import type { ParameterVector } from "../../mod.ts";
import {
  columnMeanAroundMedian,
  columnMedian,
  columnTrimmedMean,
  Kernels,
  squaredDistance,
  squaredDistances,
} from "../../src/params/mod.ts";
import { bitsOf, normalVector } from "../../src/testing/strategy/updates.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Heights about the powers of two, and lengths that no block or tile divides. */
const SIZES = [[1, 5], [2, 33], [3, 4097], [7, 100], [8, 16], [33, 5000], [300, 50]] as const;

function vectorsOf(rows: number, length: number): ParameterVector[] {
  return Array.from({ length: rows }, (_, i) => normalVector(length, i));
}

/** Compares with what the reference makes of each sorted column in float64. */
function check(
  run: (vectors: ParameterVector[], into: ParameterVector) => void,
  reference: (sorted: Float64Array) => number,
  least = 1,
): void {
  for (const [rows, length] of SIZES) {
    if (rows < least) continue;
    const vectors = vectorsOf(rows, length);
    const into = new Float32Array(length);
    run(vectors, into);
    into.forEach((value, i) => {
      const sorted = Float64Array.from(vectors, (vector) => vector[i] ?? NaN).sort();
      assertAlmostEquals(value, reference(sorted), 1e-6, `${rows} rows, column ${i}`);
    });
  }
}

const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length;
const median = (sorted: Float64Array) =>
  mean(sorted.slice((sorted.length - 1) >> 1, (sorted.length >> 1) + 1));

Deno.test("columnMedian() is the middle of each column sorted in float64", () => {
  check(columnMedian, median);
});

Deno.test("columnTrimmedMean() is the mean of each column without its ends", () => {
  for (const trim of [0, 1, 3]) {
    check(
      (vectors, into) => columnTrimmedMean(vectors, trim, into),
      (sorted) => mean(sorted.slice(trim, sorted.length - trim)),
      2 * trim + 1,
    );
  }
});

Deno.test("columnMeanAroundMedian() is the mean of those closest to the median", () => {
  for (const keep of [2, 3, 5]) {
    check(
      (vectors, into) => columnMeanAroundMedian(vectors, keep, into),
      (sorted) => {
        const middle = median(sorted);
        const order = [...sorted].sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
        return mean(Float64Array.from(order.slice(0, keep)));
      },
      keep,
    );
  }
});

Deno.test("columnMedian() leaves values as they are, tiny, huge, -0 and infinite ones too", () => {
  const into = new Float32Array(4);
  for (const values of [[1e-45, 3e38, -0, Infinity], [-3e38, -1e-45, 0, -Infinity]]) {
    const vector = new Float32Array(values);
    columnMedian([vector, vector], into);
    assertEquals(bitsOf(into), bitsOf(vector));
  }
  columnMedian([new Float32Array([3e38]), new Float32Array([2e38])], into.subarray(0, 1));
  assertAlmostEquals((into[0] ?? NaN) / 2.5e38, 1, 1e-6);
});

Deno.test("squaredDistances() are those of each two vectors in float64", () => {
  for (const [rows, length] of SIZES) {
    const vectors = vectorsOf(rows, length);
    const found = squaredDistances(vectors);
    for (const [i, a] of vectors.entries()) {
      for (const [j, b] of vectors.entries()) {
        if (rows > 100 && (i * 31 + j) % 97 > 0) continue;
        const expected = a.reduce((sum, x, k) => sum + (x - (b[k] ?? NaN)) ** 2, 0);
        assertAlmostEquals(found[i * rows + j] ?? NaN, expected, 1e-6 * expected);
        assertAlmostEquals(squaredDistance(a, b), expected, 1e-6 * expected);
      }
    }
  }
});

Deno.test("squaredDistance() holds where float32 squares do not", () => {
  const vector = (value: number) => new Float32Array(100).fill(value);
  assertAlmostEquals(squaredDistance(vector(1e30), vector(-1e30)) / 4e62, 1, 1e-6);
  assertAlmostEquals(squaredDistance(vector(1e-30), vector(0)) / 1e-58, 1, 1e-6);
});

Deno.test("the column functions give the same bits wherever the vectors lie", () => {
  const kernels = Kernels.create(2 ** 20);
  const plain = vectorsOf(9, 5001);
  const inArena = plain.map((vector) => {
    const view = kernels.alloc(vector.length);
    view.set(vector);
    return view;
  });
  const run = (vectors: ParameterVector[]) => {
    const into = new Float32Array(5001);
    const found = [squaredDistance(vectors[0] ?? into, vectors[1] ?? into)];
    found.push(...squaredDistances(vectors));
    for (const [i, pass] of [columnMedian, columnMeanOf3, columnTrimmedOf2].entries()) {
      pass(vectors, into);
      found.push(i, ...into);
    }
    return found;
  };
  const columnMeanOf3 = (vectors: ParameterVector[], into: ParameterVector) =>
    columnMeanAroundMedian(vectors, 3, into);
  const columnTrimmedOf2 = (vectors: ParameterVector[], into: ParameterVector) =>
    columnTrimmedMean(vectors, 2, into);
  assertEquals(run(inArena), run(plain));
});

Deno.test("the column functions refuse what they cannot compare in one line", () => {
  const vectors = vectorsOf(4, 10), into = new Float32Array(10);
  const empty = new Float32Array(0);
  const error = (call: () => void, message: string) => assertThrows(call, RangeError, message);
  error(() => columnMedian([], into), "expected at least one vector, got none");
  error(() => squaredDistances([]), "expected at least one vector, got none");
  error(() => columnMedian(vectors, new Float32Array(9)), "expected 9 values, got 10");
  error(() => squaredDistance(into, empty), "expected 10 values, got 0");
  error(() => columnTrimmedMean(vectors, 2, into), "less than half of 4 values");
  error(() => columnMeanAroundMedian(vectors, 5, into), "keep 1 to 4 values, got 5");
  error(() => columnMedian(Array(30_000).fill(empty), empty), "expected fewer of them");
});
