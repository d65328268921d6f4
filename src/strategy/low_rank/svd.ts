/**
 * Singular value decomposition of small matrices.
 *
 * @module
 */

/** Most passes over all pairs of columns; a dozen suffice. */
const MOST_SWEEPS = 60;
/** Cosine of two columns below which they are orthogonal. */
const ORTHOGONAL = 1e-15;

/** Matrix of float64, row after row. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/**
 * Largest singular values of a matrix `M` `[rows, columns]`, with their vectors: `left` has those
 * of the columns, `[rows, count]`, and `right` those of the rows, `[count, columns]`. The product
 * `left · diag(values) · right` is the best approximation of rank `count` (Eckart and Young 1936).
 */
export interface SingularParts {
  /** Singular values, the largest first. */
  readonly values: Float64Array;
  readonly left: Float64Array;
  readonly right: Float64Array;
}

/**
 * Finds the largest singular values of a matrix by one-sided Jacobi rotations (Hestenes 1958;
 * Demmel and Veselić 1992), which are accurate for small values too. It takes additions, products
 * and square roots alone, so that the result is the same on every machine. The time grows with the
 * cube of the smaller side.
 *
 * A vector of a singular value of 0 is zeros. Of each pair of vectors the sign is such that the
 * entry of the left one with the greatest magnitude is positive.
 *
 * @param count Number of singular values, at most the smaller side.
 * @throws {RangeError} If a value is not finite.
 */
export function singularParts(matrix: Matrix, count: number): SingularParts {
  const { rows, columns } = matrix;
  if (matrix.values.some((value) => !Number.isFinite(value))) {
    throw new RangeError("Cannot find singular values: expected finite values");
  }
  const isTall = rows >= columns;
  // Columns of the taller side, one after the other, and those of the rotations.
  const [height, width] = isTall ? [rows, columns] : [columns, rows];
  const work = isTall ? transposed(matrix) : matrix.values.slice();
  const turns = new Float64Array(width * width);
  for (let i = 0; i < width; i++) turns[i * width + i] = 1;
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let isDone = true;
    for (let p = 0; p + 1 < width; p++) {
      for (let q = p + 1; q < width; q++) {
        const turn = turnOf(work, p * height, q * height, height);
        if (turn === undefined) continue;
        isDone = false;
        rotate(work, p * height, q * height, height, turn);
        rotate(turns, p * width, q * width, width, turn);
      }
    }
    if (isDone) break;
  }
  const norms = Float64Array.from({ length: width }, (_, i) => normOf(work, i * height, height));
  const order = Array.from(norms.keys()).sort((a, b) => (norms[b] ?? 0) - (norms[a] ?? 0) || a - b);
  const values = new Float64Array(count);
  const left = new Float64Array(rows * count), right = new Float64Array(count * columns);
  for (let k = 0; k < count; k++) {
    const i = order[k] ?? 0, norm = norms[i] ?? 0;
    values[k] = norm;
    if (norm === 0) continue;
    const tall = work.subarray(i * height, (i + 1) * height).map((value) => value / norm);
    const own = turns.subarray(i * width, (i + 1) * width);
    const [ofRows, ofColumns] = isTall ? [tall, own] : [own, tall];
    const sign = signOf(ofRows);
    ofRows.forEach((value, row) => left[row * count + k] = sign * value);
    ofColumns.forEach((value, column) => right[k * columns + column] = sign * value);
  }
  return { values, left, right };
}

interface Turn {
  readonly cos: number;
  readonly sin: number;
}

/** Finds the rotation that makes two columns orthogonal; `undefined` if they are. */
function turnOf(work: Float64Array, p: number, q: number, length: number): Turn | undefined {
  let a = 0, b = 0, c = 0;
  for (let i = 0; i < length; i++) {
    const x = work[p + i] ?? 0, y = work[q + i] ?? 0;
    a += x * x;
    b += y * y;
    c += x * y;
  }
  if (c === 0 || Math.abs(c) <= ORTHOGONAL * Math.sqrt(a) * Math.sqrt(b)) return undefined;
  const zeta = (b - a) / (2 * c);
  const tan = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
  const cos = 1 / Math.sqrt(1 + tan * tan);
  return { cos, sin: cos * tan };
}

function rotate(
  of: Float64Array,
  p: number,
  q: number,
  length: number,
  { cos, sin }: Turn,
): void {
  for (let i = 0; i < length; i++) {
    const x = of[p + i] ?? 0, y = of[q + i] ?? 0;
    of[p + i] = cos * x - sin * y;
    of[q + i] = sin * x + cos * y;
  }
}

function normOf(of: Float64Array, from: number, length: number): number {
  let sum = 0;
  for (let i = from; i < from + length; i++) sum += (of[i] ?? 0) * (of[i] ?? 0);
  return Math.sqrt(sum);
}

/** Sign of the first of the entries of greatest magnitude. */
function signOf(vector: Float64Array): number {
  let largest = 0;
  for (const value of vector) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return largest < 0 ? -1 : 1;
}

function transposed({ rows, columns, values }: Matrix): Float64Array {
  const result = new Float64Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      result[column * rows + row] = values[row * columns + column] ?? 0;
    }
  }
  return result;
}
