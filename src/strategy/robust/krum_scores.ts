import { squaredDistances } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";

/**
 * Krum's scores (Blanchard et al. 2017, section 4): the sums of the squared distances of each
 * vector to its nearest neighbours.
 */
export class KrumScores {
  readonly #rows: number;
  readonly #distances: Float64Array;
  /** The other vectors for each vector, the closest first. */
  readonly #closest: readonly Uint32Array[];

  constructor(vectors: readonly ParameterVector[]) {
    const rows = this.#rows = vectors.length;
    const distances = this.#distances = squaredDistances(vectors);
    const others = [...vectors.keys()];
    this.#closest = others.map((i) => {
      const from = distances.subarray(i * rows, (i + 1) * rows);
      const order = (a: number, b: number) => Math.sign((from[a] ?? 0) - (from[b] ?? 0)) || a - b;
      return Uint32Array.from(others.filter((j) => j !== i)).sort(order);
    });
  }

  /** Computes the score of vector i over its nearest neighbours among those that are left. */
  score(i: number, neighbours: number, left: ReadonlySet<number>): number {
    let sum = 0, count = 0;
    for (const j of this.#closest[i] ?? []) {
      if (count === neighbours) break;
      if (!left.has(j)) continue;
      sum += this.#distances[i * this.#rows + j] ?? NaN;
      count++;
    }
    return sum;
  }

  /** Sorts those that are left by score, the lowest first; equal scores keep their order. */
  ranking(neighbours: number, left: ReadonlySet<number>): number[] {
    return [...left].map((i) => ({ i, score: this.score(i, neighbours, left) }))
      .sort((a, b) => a.score < b.score ? -1 : a.score > b.score ? 1 : a.i - b.i)
      .map(({ i }) => i);
  }
}
