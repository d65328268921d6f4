import { blend, fold } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { type Contribution, entryOf, type SumKind, type Sums, type SumShape } from "./sums.ts";

/**
 * Sums of a round in the order of its updates: `m += (w_k / Σw) (x_k - m)` for a mean, where `Σw`
 * includes `w_k`, and `s += w_k x_k` for a total, in float32.
 */
export class RunningSums implements Sums {
  readonly #kinds: Readonly<Record<string, SumKind>>;
  readonly #vectors: Readonly<Record<string, ParameterVector>>;
  readonly #weights: Record<string, number> = {};
  readonly #figures: Record<string, number> = {};
  /** Number of updates. */
  count = 0;

  /** Opens the sums of a round in vectors by name, whose values do not count. */
  constructor(
    { vectors: kinds, figures = [] }: SumShape,
    vectors: Readonly<Record<string, ParameterVector>>,
  ) {
    this.#kinds = kinds;
    this.#vectors = vectors;
    for (const [name, kind] of Object.entries(kinds)) {
      this.#weights[name] = 0;
      if (kind === "total") this.vector(name).fill(0);
    }
    for (const name of figures) this.#figures[name] = 0;
  }

  /** Adds an update. */
  add({ terms, figures }: Contribution): void {
    this.count++;
    for (const name of Object.keys(terms)) {
      const { vector, weight } = entryOf(terms, name);
      const total = this.#weights[name] = this.weight(name) + weight;
      if (this.#kinds[name] === "total") fold(this.vector(name), vector, weight);
      else blend(this.vector(name), vector, weight / total);
    }
    if (figures === undefined) return;
    for (const [name, figure] of Object.entries(figures)) {
      this.#figures[name] = this.figure(name) + figure;
    }
  }

  /** Returns the sum of the weights of a sum of vectors. */
  weight(name: string): number {
    return entryOf(this.#weights, name);
  }

  /** Returns a sum of numbers. */
  figure(name: string): number {
    return entryOf(this.#figures, name);
  }

  /** Returns the result of a sum of vectors. */
  vector(name: string): ParameterVector {
    return entryOf(this.#vectors, name);
  }
}
