/**
 * Texts as sequences for a language model, which predicts the symbol after each one.
 *
 * @module
 */

import { Dataset } from "../dataset.ts";
import type { Schema } from "../schema/schema.ts";
import { PADDING, START, type Vocabulary } from "./vocabulary.ts";

/** Label of a step that does not count. */
const UNCOUNTED = -1;

/**
 * Way to cut texts into sequences:
 *
 * - `lines`: each line is a sequence, from the start symbol to the end of the line, after which
 *   comes a line feed (McMahan et al. 2017 read lines in this way);
 * - `windows`: the lines of an author are joined by line feeds, and the text with the start symbol
 *   before it is cut into sequences of equal length.
 */
export type SequenceMode = "lines" | "windows";

/** Names of the modes. */
export const SEQUENCE_MODES: readonly SequenceMode[] = ["lines", "windows"];

/** Options of {@linkcode textSequences}. */
export interface SequenceOptions {
  /** Symbols of the texts; those of characters have the line feed. */
  readonly vocabulary: Vocabulary;
  /** Number of steps of a sequence. */
  readonly steps: number;
  /**
   * Way to cut the texts.
   *
   * @default {"lines"}
   */
  readonly mode?: SequenceMode;
  /** Name of the input in the schema, such as `"text"`. */
  readonly name?: string;
}

/** Sequences of several authors. */
export interface TextSequences {
  /**
   * Sequences: features are numbers of symbols, padded by 0, and each step has the number of the
   * next symbol as its class, -1 in the padding.
   */
  readonly data: Dataset;
  /** Rows of each author. */
  readonly parts: readonly Uint32Array[];
  /** Number of symbols that were left out, as they are behind the last step of a line. */
  readonly cut: number;
}

/**
 * Makes the sequences of the lines of authors.
 *
 * @param authors Lines of each author.
 * @throws {RangeError} If the number of steps is not a whole number from 2, or the vocabulary lacks
 * a character.
 *
 * @example
 * ```ts
 * import { textSequences, Vocabulary } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const vocabulary = Vocabulary.ofCharacters("abc\n");
 * const { data, parts } = textSequences([["ab", "c"]], { vocabulary, steps: 3 });
 * // Numbers: 0 is padding, 1 the start, 2 the line feed, 3 to 5 are a to c.
 * assertEquals([...data.features], [1, 3, 4, 1, 5, 0]);
 * assertEquals([...data.targets], [3, 4, 2, 5, 2, -1]);
 * assertEquals(parts, [Uint32Array.of(0, 1)]);
 * ```
 */
export function textSequences(
  authors: readonly (readonly string[])[],
  { vocabulary, steps, mode = "lines", name = "text" }: SequenceOptions,
): TextSequences {
  if (!Number.isSafeInteger(steps) || steps < 2) {
    throw new RangeError(`Cannot make sequences: expected 2 steps or more, got ${steps}`);
  }
  const pieces = authors.map((lines) =>
    mode === "lines" ? byLine(lines, vocabulary) : byWindow(lines, vocabulary, steps)
  );
  const rows = pieces.reduce((sum, { length }) => sum + length, 0);
  const features = new Float32Array(rows * steps).fill(PADDING);
  const targets = new Int32Array(rows * steps).fill(UNCOUNTED);
  let row = 0, cut = 0;
  const parts = pieces.map((sequences) => {
    const first = row;
    for (const sequence of sequences) {
      // The last symbol is a class alone.
      const length = Math.min(sequence.length - 1, steps);
      cut += sequence.length - 1 - length;
      features.set(sequence.subarray(0, length), row * steps);
      targets.set(sequence.subarray(1, length + 1), row * steps);
      row++;
    }
    return Uint32Array.from({ length: row - first }, (_, i) => first + i);
  });
  const data = Dataset.of({
    features,
    targets,
    shape: [steps],
    task: "classification",
    numClasses: vocabulary.size,
    outputs: steps,
    schema: sequenceSchema(vocabulary, steps, name),
  });
  return { data, parts, cut };
}

/** Makes the schema of sequences whose every step has the next symbol as its class. */
function sequenceSchema({ symbols }: Vocabulary, steps: number, name: string): Schema {
  return {
    format: "fedlab.schema/1",
    inputs: [{ name, kind: "sequence", shape: [steps], vocabulary: symbols }],
    target: { name: "next", task: "classification", classes: symbols, steps },
  };
}

function byLine(lines: readonly string[], vocabulary: Vocabulary): Uint32Array[] {
  const end = vocabulary.encode("\n");
  return lines.map((line) => startedBy(vocabulary.encode(line), end));
}

/** Puts the start symbol before numbers, and an end behind them. */
function startedBy(numbers: Uint32Array, end: Uint32Array = new Uint32Array()): Uint32Array {
  const all = new Uint32Array(1 + numbers.length + end.length);
  all[0] = START;
  all.set(numbers, 1);
  all.set(end, 1 + numbers.length);
  return all;
}

function byWindow(lines: readonly string[], vocabulary: Vocabulary, steps: number): Uint32Array[] {
  const text = vocabulary.encode(lines.map((line) => `${line}\n`).join(""));
  const all = startedBy(text);
  const windows: Uint32Array[] = [];
  // Neighbours share a symbol: the last class of one is the first feature of the next.
  for (let from = 0; from + 1 < all.length; from += steps) {
    windows.push(all.subarray(from, from + steps + 1));
  }
  return windows;
}
