/**
 * Weighted mean of products of low-rank factors.
 *
 * @module
 */

import { type Matrix, type SingularParts, singularParts } from "./svd.ts";

/** Sizes of an adapter's matrices: `B` `[outputs, rank]` and `A` `[rank, inputs]`. */
export interface FactorShape {
  readonly outputs: number;
  readonly inputs: number;
  readonly rank: number;
}

/**
 * Mean of the products `B A` of several clients by weight, and its best approximation of a rank.
 *
 * While the factors of all clients have fewer columns than the product, they are kept beside each
 * other: the singular values are then those of a matrix as small as their number of columns
 * together. Of more clients the sum of the products is kept.
 */
export class ProductMean {
  readonly #shape: FactorShape;
  /** Factors of the clients, each with its weight. */
  readonly #factors: { a: Float32Array; b: Float32Array; weight: number }[] = [];
  #sum: Float64Array | undefined;
  #weight = 0;

  /** Starts without products. */
  constructor(shape: FactorShape) {
    this.#shape = shape;
  }

  /** Adds the product of a client; the factors are copied. */
  add(b: Float32Array, a: Float32Array, weight: number): void {
    const { outputs, inputs, rank } = this.#shape;
    this.#weight += weight;
    this.#factors.push({ a: a.slice(), b: b.slice(), weight });
    if (this.#factors.length * rank < Math.min(outputs, inputs)) return;
    const sum = this.#sum ??= new Float64Array(outputs * inputs);
    for (const factors of this.#factors.splice(0)) addProduct(sum, this.#shape, factors);
  }

  /** Gives the largest singular values of the mean, as many as the rank. */
  parts(): SingularParts {
    const { outputs, inputs, rank } = this.#shape;
    if (this.#sum !== undefined) {
      const values = this.#sum.slice();
      for (const factors of this.#factors) addProduct(values, this.#shape, factors);
      for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) / this.#weight;
      return singularParts({ rows: outputs, columns: inputs, values }, rank);
    }
    const columns = this.#factors.length * rank;
    // The mean is `left · right` with the factors of all clients beside each other.
    const left = new Float64Array(outputs * columns), right = new Float64Array(inputs * columns);
    for (const [k, { a, b, weight }] of this.#factors.entries()) {
      const share = weight / this.#weight;
      for (let r = 0; r < rank; r++) {
        const column = k * rank + r;
        for (let o = 0; o < outputs; o++) {
          left[o * columns + column] = share * (b[o * rank + r] ?? 0);
        }
        for (let i = 0; i < inputs; i++) right[i * columns + column] = a[r * inputs + i] ?? 0;
      }
    }
    // left = P R and right = Q S give M = P (R S^T) Q^T, and R S^T is small.
    const upper = orthogonalized({ rows: outputs, columns, values: left });
    const lower = orthogonalized({ rows: inputs, columns, values: right });
    const core = new Float64Array(columns * columns);
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = Math.max(i, j); k < columns; k++) {
          sum += (upper[i * columns + k] ?? 0) * (lower[j * columns + k] ?? 0);
        }
        core[i * columns + j] = sum;
      }
    }
    const small = singularParts({ rows: columns, columns, values: core }, rank);
    const wide = new Float64Array(outputs * rank), tall = new Float64Array(rank * inputs);
    for (let k = 0; k < rank; k++) {
      for (let c = 0; c < columns; c++) {
        const u = small.left[c * rank + k] ?? 0, v = small.right[k * columns + c] ?? 0;
        for (let o = 0; o < outputs; o++) {
          wide[o * rank + k] = (wide[o * rank + k] ?? 0) + (left[o * columns + c] ?? 0) * u;
        }
        for (let i = 0; i < inputs; i++) {
          tall[k * inputs + i] = (tall[k * inputs + i] ?? 0) + (right[i * columns + c] ?? 0) * v;
        }
      }
    }
    return { values: small.values, left: wide, right: tall };
  }
}

/**
 * Makes the columns of a matrix orthonormal in place, by Gram and Schmidt twice, and gives the
 * triangle `R` `[columns, columns]` with `before = after · R`. A column that depends on those
 * before it becomes zeros.
 */
function orthogonalized({ rows, columns, values }: Matrix): Float64Array {
  const triangle = new Float64Array(columns * columns);
  const at = (row: number, column: number) => values[row * columns + column] ?? 0;
  for (let j = 0; j < columns; j++) {
    let before = 0;
    for (let row = 0; row < rows; row++) before += at(row, j) * at(row, j);
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < j; i++) {
        let dot = 0;
        for (let row = 0; row < rows; row++) dot += at(row, i) * at(row, j);
        triangle[i * columns + j] = (triangle[i * columns + j] ?? 0) + dot;
        for (let row = 0; row < rows; row++) {
          values[row * columns + j] = at(row, j) - dot * at(row, i);
        }
      }
    }
    let norm = 0;
    for (let row = 0; row < rows; row++) norm += at(row, j) * at(row, j);
    norm = Math.sqrt(norm);
    const isNone = norm <= 1e-14 * Math.sqrt(before);
    triangle[j * columns + j] = isNone ? 0 : norm;
    for (let row = 0; row < rows; row++) {
      values[row * columns + j] = isNone ? 0 : at(row, j) / norm;
    }
  }
  return triangle;
}

function addProduct(
  sum: Float64Array,
  { outputs, inputs, rank }: FactorShape,
  { a, b, weight }: { a: Float32Array; b: Float32Array; weight: number },
): void {
  for (let o = 0; o < outputs; o++) {
    for (let r = 0; r < rank; r++) {
      const factor = weight * (b[o * rank + r] ?? 0);
      if (factor === 0) continue;
      for (let i = 0; i < inputs; i++) {
        const place = o * inputs + i;
        sum[place] = (sum[place] ?? 0) + factor * (a[r * inputs + i] ?? 0);
      }
    }
  }
}
