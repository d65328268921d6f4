import type { Dataset } from "../data/dataset.ts";
import type { EncoderModel } from "../train/models/encoder/encoder_model.ts";
import type { BaseMemory } from "./base_memory.ts";
import type { EncoderProgram } from "./encoder_program.ts";
import type { Feature } from "./feature_cache.ts";
import { MOST_TEXTS } from "./places.ts";
import { endOfPiece, type RowTokens } from "./tokens.ts";

/**
 * Outputs of the layers below all adapters for the rows of data sets: computed once, since they do
 * not change. Without adapters they are the vectors of the texts.
 */
export class FrozenFeatures {
  readonly #base: BaseMemory;
  readonly #program: EncoderProgram;
  readonly #isPooled: boolean;
  readonly #isHalf: boolean;
  readonly #kind: string;

  /** Makes the features of a program. */
  constructor(base: BaseMemory, program: EncoderProgram, { pooling, features }: EncoderModel) {
    this.#base = base;
    this.#program = program;
    this.#isPooled = program.frozen === base.shape.layers;
    this.#isHalf = !this.#isPooled && features === "float16";
    this.#kind = this.#isPooled ? pooling : `${program.frozen} ${this.#isHalf ? "half" : "float"}`;
  }

  /** Returns true if the rows of a batch are vectors, whose texts may have any number of tokens. */
  get arePooled(): boolean {
    return this.#isPooled;
  }

  /**
   * Places the features of rows where the program goes on: the vectors of the texts, or the input
   * of the first layer with adapters.
   */
  load(data: Dataset, tokens: RowTokens, rows: readonly number[]): void {
    const program = this.#program, { width } = this.#base.shape;
    if (program.frozen === 0) {
      program.embed(rows.map((row) => tokens.of(row)));
      return;
    }
    const features = this.#featuresOf(data, tokens, rows);
    const lengths = rows.map((row) => tokens.lengthOf(row));
    if (this.#isPooled) {
      const to = this.#base.floats(program.pooled, rows.length * width);
      features.forEach((feature, i) => to.set(feature, i * width));
      return;
    }
    program.setLengths(lengths);
    const to = program.keptInput(lengths.reduce((sum, length) => sum + length, 0));
    let at = 0;
    for (const feature of features) {
      if (feature instanceof Uint16Array) program.fromHalves(feature, to.byteOffset + 4 * at);
      else to.set(feature, at);
      at += feature.length;
    }
  }

  /** Returns the features of rows, and computes those that are not kept. */
  #featuresOf(data: Dataset, tokens: RowTokens, rows: readonly number[]): Feature[] {
    const cache = this.#base.features, kept = cache.of(data, this.#kind);
    const missing = rows.filter((row) => kept.features[row] === undefined);
    const made = new Map<number, Feature>();
    const most = { texts: MOST_TEXTS, tokens: this.#program.mostTokens };
    const lengthAt = (place: number) => tokens.lengthOf(missing[place] ?? 0);
    for (let from = 0; from < missing.length;) {
      const to = endOfPiece(from, missing.length, lengthAt, most);
      const part = missing.slice(from, to);
      this.#compute(part, tokens).forEach((feature, i) => {
        const row = part[i] ?? 0;
        made.set(row, feature);
        cache.keep(kept, row, feature);
      });
      from = to;
    }
    return rows.map((row) => kept.features[row] ?? made.get(row) ?? new Float32Array(0));
  }

  #compute(rows: readonly number[], tokens: RowTokens): Feature[] {
    const program = this.#program, { width } = this.#base.shape;
    const output = program.embed(rows.map((row) => tokens.of(row)));
    if (this.#isPooled) {
      program.pool(output);
      const vectors = this.#base.floats(program.pooled, rows.length * width);
      return rows.map((_, i) => vectors.slice(i * width, (i + 1) * width));
    }
    let at = output;
    return rows.map((row) => {
      const length = tokens.lengthOf(row) * width, from = at;
      at += 4 * length;
      return this.#isHalf
        ? program.toHalves(from, length)
        : this.#base.floats(from, length).slice();
    });
  }
}
