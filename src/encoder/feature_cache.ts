import type { Dataset } from "../data/dataset.ts";

/** Output of the layers that are not trained for a text: float32, or float16 as its bits. */
export type Feature = Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

/** Most bytes that features of texts take. */
const MOST_BYTES = 256 * 2 ** 20;

/**
 * Features of texts that were computed once, by data set and row. When the memory is full, further
 * texts are computed each time: their features are the same.
 */
export class FeatureCache {
  readonly #most: number;
  readonly #found: WeakMap<Dataset, Map<string, Rows>> = new WeakMap();
  /** Takes back the bytes of data sets that were collected. */
  readonly #registry: FinalizationRegistry<Rows> = new FinalizationRegistry((rows) => {
    this.#bytes -= rows.bytes;
  });
  #bytes = 0;

  /** Creates a cache of at most a number of bytes. */
  constructor(most: number = MOST_BYTES) {
    this.#most = most;
  }

  /** Number of bytes of the features. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns the features of a data set's rows.
   *
   * @param kind Layers and precision of the features.
   */
  of(data: Dataset, kind: string): Rows {
    let kinds = this.#found.get(data);
    if (kinds === undefined) this.#found.set(data, kinds = new Map());
    let rows = kinds.get(kind);
    if (rows === undefined) {
      kinds.set(kind, rows = { features: new Array(data.length), bytes: 0 });
      this.#registry.register(data, rows);
    }
    return rows;
  }

  /** Keeps the feature of a row, where there is room. */
  keep(rows: Rows, row: number, feature: Feature): void {
    const { byteLength } = feature;
    if (rows.features[row] !== undefined || this.#bytes + byteLength > this.#most) return;
    rows.features[row] = feature;
    rows.bytes += byteLength;
    this.#bytes += byteLength;
  }
}

/** Features of rows, as far as they were computed. */
export interface Rows {
  readonly features: (Feature | undefined)[];
  bytes: number;
}
