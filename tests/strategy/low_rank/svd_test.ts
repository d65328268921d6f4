import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { singularParts } from "../../../src/strategy/low_rank/svd.ts";

/** First singular values by numpy.linalg.svd, and its best approximation of rank 3. */
const NUMPY = [
  {
    rows: 5,
    columns: 3,
    values: [152.25273227154278, 143.02208736224128, 46.837891096817444],
    best: {
      sum: -6.000000000000057,
      corners: [55.00000000000002, -35.000000000000014, -37.00000000000001],
    },
  },
  {
    rows: 3,
    columns: 5,
    values: [167.59764013733292, 102.4075804703529, 43.112857509161394],
    best: {
      sum: -4.999999999999915,
      corners: [3.999999999999995, 42.999999999999986, 8.999999999999977],
    },
  },
  {
    rows: 12,
    columns: 12,
    values: [337.24607558396934, 313.94057943091985, 267.6708312264472, 214.1774864356488],
    best: {
      sum: 346.4813249242367,
      corners: [12.91068285167367, -48.847961195270614, -25.11260748961485],
    },
  },
  {
    rows: 40,
    columns: 17,
    values: [563.1113505623616, 500.0117832952488, 489.9557307412238, 468.51322846920027],
    best: {
      sum: 319.81759262091214,
      corners: [6.542286464089986, 3.502022955158864, -0.6752750510574073],
    },
  },
];

/** Whole numbers from -100 to 100, as the program with NumPy drew them. */
function numbers(count: number, seed: number): Float64Array {
  let state = BigInt(seed);
  return Float64Array.from({ length: count }, () => {
    state = (state * 1103515245n + 12345n) % 2147483648n;
    return Number((state >> 16n) % 201n) - 100;
  });
}

function product(
  { values, left, right }: ReturnType<typeof singularParts>,
  rows: number,
  columns: number,
): Float64Array {
  const count = values.length;
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const row = Math.floor(i / columns), column = i % columns;
    return values.reduce(
      (sum, value, k) =>
        sum + value * (left[row * count + k] ?? NaN) * (right[k * columns + column] ?? NaN),
      0,
    );
  });
}

Deno.test("singularParts() has the values and the best approximations of NumPy", () => {
  for (const [i, { rows, columns, values: want, best }] of NUMPY.entries()) {
    const values = numbers(rows * columns, i + 1);
    const parts = singularParts({ rows, columns, values }, 3);
    parts.values.forEach((value, k) => assertAlmostEquals(value, want[k] ?? NaN, 1e-10));
    const near = product(parts, rows, columns);
    assertAlmostEquals(near.reduce((a, b) => a + b, 0), best.sum, 1e-9);
    const corners = [near[0], near.at(-1), near[columns - 1]];
    corners.forEach((value, k) => assertAlmostEquals(value ?? NaN, best.corners[k] ?? NaN, 1e-10));
    // All singular values give the matrix itself.
    const all = singularParts({ rows, columns, values }, Math.min(rows, columns));
    product(all, rows, columns).forEach((value, k) =>
      assertAlmostEquals(value, values[k] ?? NaN, 1e-10)
    );
    assertEquals(parts, singularParts({ rows, columns, values }, 3));
  }
});

Deno.test("singularParts() gives zeros for values of 0, and refuses what is not finite", () => {
  const { values, left } = singularParts({ rows: 2, columns: 3, values: new Float64Array(6) }, 2);
  assertEquals([[...values], [...left]], [[0, 0], [0, 0, 0, 0]]);
  // Of rank 1.
  const one = Float64Array.of(1, 2, 2, 4, 3, 6);
  const parts = singularParts({ rows: 3, columns: 2, values: one }, 2);
  assertAlmostEquals(parts.values[0] ?? NaN, Math.sqrt(70), 1e-12);
  assert((parts.values[1] ?? 1) < 1e-14);
  assertThrows(
    () => singularParts({ rows: 1, columns: 1, values: Float64Array.of(NaN) }, 1),
    RangeError,
    "expected finite values",
  );
});
