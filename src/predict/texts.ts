/**
 * Texts to predict for, as the features of a model.
 *
 * @module
 */

import { arrayInputIn } from "../data/schema/arrange_places.ts";
import type { Schema } from "../data/schema/schema.ts";
import { textMeaning } from "../data/text/meaning.ts";
import { TextTokenizer } from "../data/text/tokenizer.ts";
import { START } from "../data/text/vocabulary.ts";
import type { Piece } from "./pieces.ts";
import type { Row } from "./rows.ts";

/** Numbers of the symbols of a text, and what it has lost. */
interface ReadText {
  readonly ids: ArrayLike<number>;
  readonly cut: number;
  readonly unknown: number;
}

/** Reader of the texts that a model takes. */
export interface TextReader {
  /** Name of the field of a row that has its text. */
  readonly name: string;
  /** Number of symbols of a row. */
  readonly steps: number;
  /** Word for the symbols. */
  readonly symbols: "tokens" | "symbols";
  /** Gives the symbols of a text; `undefined` for one without a symbol of its own. */
  encode(text: string): ReadText | undefined;
}

/** File of a tokenizer: its path, its bytes, or the tokenizer that was opened from it. */
export type TokenizerSource = string | Uint8Array<ArrayBuffer> | TextTokenizer;

/**
 * Makes the reader of the texts that a schema describes; `undefined` if it has none, or those of a
 * tokenizer that is not given.
 *
 * @throws {RangeError} If the tokenizer is another one than the schema's, or there is none to use.
 * @throws {Error} As `TextTokenizer.open()` rejects.
 */
export async function textReader(
  schema: Schema,
  source: TokenizerSource | undefined,
): Promise<TextReader | undefined> {
  const input = arrayInputIn(schema), sha256 = input?.tokenizer, steps = input?.shape[0] ?? 0;
  if (input === undefined || sha256 === undefined) {
    if (source !== undefined) {
      throw new RangeError(
        "Cannot use the tokenizer: expected a model whose inputs are tokens, got other inputs (option tokenizer, --tokenizer)",
      );
    }
    return symbolReader(schema);
  }
  if (source === undefined) return undefined;
  const tokenizer = source instanceof TextTokenizer
    ? source
    : await TextTokenizer.open(source, { sha256, maxTokens: steps });
  if (tokenizer.sha256 !== sha256 || tokenizer.maxTokens !== steps) {
    throw new RangeError(
      `Cannot use the tokenizer: expected ${sha256} with ${steps} tokens at most, got ${tokenizer.sha256} with ${tokenizer.maxTokens}`,
    );
  }
  const marks = tokenizer.encode("").ids.length;
  return {
    ...{ name: input.name, steps, symbols: "tokens" },
    encode(text) {
      const read = tokenizer.encode(text);
      return read.ids.length > marks ? read : undefined;
    },
  };
}

/** Makes the reader of the symbols of a vocabulary, which begin with the start. */
function symbolReader(schema: Schema): TextReader | undefined {
  const meaning = textMeaning(schema);
  if (meaning === undefined) return undefined;
  const { vocabulary, steps, mode } = meaning;
  return {
    ...{ name: schema.inputs[0]?.name ?? "", steps, symbols: "symbols" },
    encode(text) {
      if (mode === "lines" && text.includes("\n")) {
        throw new RangeError("expected one line, got a line feed");
      }
      const own = vocabulary.encode(text).subarray(0, steps - 1);
      const cut = vocabulary.encode(text).length - own.length;
      return { ids: [START, ...own], cut, unknown: 0 };
    },
  };
}

/** Returns true if rows are objects with a text in a field. */
export function areTexts(rows: readonly Row[], { name }: TextReader): boolean {
  const [first] = rows;
  return typeof first === "object" && !Array.isArray(first) && !(first instanceof Float32Array) &&
    name in first;
}

/**
 * Arranges rows with texts.
 *
 * @param start Number of rows before these.
 * @param idColumn Field of the ids. Default: none.
 * @throws {RangeError} If a row has no text, or one with a symbol that the model lacks; the message
 * names it.
 */
export function textPiece(
  rows: readonly Row[],
  { name, steps, symbols: word, encode }: TextReader,
  { start, idColumn }: { start: number; idColumn: string | number | undefined },
): Piece {
  const refuse = (row: number, reason: string): never => {
    throw new RangeError(`Cannot use the rows: row ${start + row + 1}: ${reason}`);
  };
  const field = (row: number, column: string): unknown =>
    (rows[row] as Readonly<Record<string, unknown>>)[column];
  const kept: number[] = [], read: ReadText[] = [];
  let cut = 0, unknown = 0;
  for (const row of rows.keys()) {
    const text = field(row, name) ?? "";
    if (typeof text !== "string") {
      refuse(row, `expected a text as ${JSON.stringify(name)}, got ${typeof text}`);
    }
    let symbols: ReadText | undefined;
    try {
      symbols = encode(`${text}`);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      refuse(row, error.message.replace(/^Cannot encode the text: /, ""));
    }
    if (symbols === undefined) continue;
    kept.push(row);
    read.push(symbols);
    if (symbols.cut > 0) cut++;
    unknown += symbols.unknown;
  }
  const features = new Float32Array(kept.length * steps);
  read.forEach(({ ids }, i) => features.set(ids, i * steps));
  const of = `of ${rows.length} texts from row ${start + 1} on`;
  return {
    length: rows.length,
    features,
    rows: Uint32Array.from(kept),
    ...(idColumn !== undefined && {
      ids: rows.map((_, row) => `${field(row, `${idColumn}`) ?? ""}`),
    }),
    ignored: [],
    filled: 0,
    notes: [
      ...(cut > 0 ? [`${cut} ${of} were cut to ${steps} ${word}`] : []),
      ...(unknown > 0 ? [`${unknown} tokens ${of} are unknown to the tokenizer`] : []),
    ],
  };
}
