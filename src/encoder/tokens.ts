import { ByteFeatures } from "../data/byte_features.ts";
import { type Dataset, storedFeatures } from "../data/dataset.ts";

/** Token that fills the rest of a row. */
const PADDING = 0;

/**
 * Checks that data are of the tokenizer of a model, where both name one.
 *
 * @throws {RangeError} If they are of another one.
 */
export function checkTokenizer({ schema }: Dataset, expected: string | undefined): void {
  const [input] = schema?.inputs ?? [];
  const got = input && "tokenizer" in input ? input.tokenizer : undefined;
  if (expected === undefined || got === undefined || got === expected) return;
  throw new RangeError(
    `Cannot use the data: expected tokens of the tokenizer ${expected}, with which the base was trained, got those of ${got}`,
  );
}

/** Token ids of the rows of a data set, without the padding at their ends. */
export class RowTokens {
  readonly #data: Dataset;
  readonly #lengths: Uint32Array;

  /**
   * Reads the rows of a data set.
   *
   * @throws {RangeError} If a value is no token of the vocabulary, or a row has no token.
   */
  constructor(data: Dataset, vocabulary: number) {
    this.#data = data;
    const features = floatsOf(data), { length, rowLength } = data;
    this.#lengths = new Uint32Array(length);
    for (let row = 0; row < length; row++) {
      const first = row * rowLength;
      let count = rowLength;
      while (count > 0 && features[first + count - 1] === PADDING) count--;
      for (let i = first; i < first + count; i++) {
        const token = features[i] ?? NaN;
        if (token >= 0 && token < vocabulary && Number.isInteger(token)) continue;
        throw new RangeError(
          `Cannot use row ${row} of the data: expected tokens from 0 to ${
            vocabulary - 1
          }, got ${token}`,
        );
      }
      if (count === 0) {
        throw new RangeError(
          `Cannot use row ${row} of the data: expected at least one token, got padding alone`,
        );
      }
      this.#lengths[row] = count;
    }
  }

  /** Number of tokens of a row. */
  lengthOf(row: number): number {
    return this.#lengths[row] ?? 0;
  }

  /** Tokens of a row. */
  of(row: number): Float32Array {
    const first = row * this.#data.rowLength;
    return floatsOf(this.#data).subarray(first, first + this.lengthOf(row));
  }
}

function floatsOf(data: Dataset): Float32Array {
  const features = storedFeatures(data);
  return features instanceof ByteFeatures ? data.features : features;
}

/**
 * Ends a piece of a batch from place `from` on: as many rows as have together at most a number of
 * tokens, and one in any case.
 *
 * @param lengthAt Number of tokens at a place.
 */
export function endOfPiece(
  from: number,
  end: number,
  lengthAt: (place: number) => number,
  most: { readonly texts: number; readonly tokens: number },
): number {
  let tokens = 0, to = from;
  while (to < end && to - from < most.texts) {
    tokens += lengthAt(to);
    if (tokens > most.tokens && to > from) break;
    to++;
  }
  return to;
}
