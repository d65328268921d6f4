/**
 * Data to predict for, arranged in pieces.
 *
 * @module
 */

import { Dataset } from "../data/dataset.ts";
import type { RawTable } from "../data/formats/raw_table.ts";
import { arrangeInputs } from "../data/schema/arrange.ts";
import { arrayInputIn } from "../data/schema/arrange_places.ts";
import { nameReader } from "../data/schema/cell_reader.ts";
import { ColumnIndex } from "../data/schema/columns.ts";
import { compareSchemas } from "../data/schema/compare.ts";
import { inputShape } from "../data/schema/features.ts";
import type { Schema } from "../data/schema/schema.ts";
import { selectRows } from "../data/schema/table_of.ts";
import { arraySource } from "../data/sources/array_source.ts";
import { type Row, tableOfRows } from "./rows.ts";
import { areTexts, textPiece, type TextReader } from "./texts.ts";

/** Data to predict for: a table as it is read from a file, rows, or a data set. */
export type PredictInput = RawTable | Dataset | readonly Row[];

/** Options of a prediction. */
export interface PredictOptions {
  /**
   * Column of ids, which the predictions carry: its name, or its index from 0.
   *
   * @default None.
   */
  readonly idColumn?: string | number;
  /**
   * Units of the columns by name, which must be those of the schema. A unit may also stand in the
   * header of a table or the key of a row, as in `age [years]`.
   *
   * @default None.
   */
  readonly units?: Readonly<Record<string, string>>;
  /**
   * Number of rows that are arranged and computed at once; memory grows with it.
   *
   * @default {8192}, with a prediction at each step fewer by the number of steps.
   */
  readonly pieceRows?: number;
  /** Ends the prediction; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

const DEFAULT_PIECE_ROWS = 8192;

/** Rows in a row, arranged for a model. */
export interface Piece {
  /** Number of rows. */
  readonly length: number;
  /** Features of the rows that are kept. */
  readonly features: Float32Array;
  /** Indices of the rows that are kept. */
  readonly rows: Uint32Array;
  /** Id of each row. */
  readonly ids?: readonly string[];
  /** Names of columns that the schema does not use. */
  readonly ignored: readonly string[];
  /** Number of values that were filled in. */
  readonly filled: number;
  /** Further remarks. */
  readonly notes?: readonly string[];
}

/** Schema of a model, as far as it has one. */
export interface KnownSchema {
  /** Schema, or one by place for a model that has none. */
  readonly schema: Schema;
  /** False for a model that has no schema. */
  readonly isOwn: boolean;
  /** Reader of the model's texts, if it takes any. */
  readonly texts?: TextReader | undefined;
}

/**
 * Arranges data by a schema, piece by piece.
 *
 * @throws {RangeError | SyntaxError | TypeError} If the data do not fit the schema. The message is
 * one line that names the first difference.
 */
export async function* piecesOf(
  input: PredictInput,
  known: KnownSchema,
  { idColumn, units = {}, ...options }: PredictOptions = {},
): AsyncGenerator<Piece> {
  const { target } = known.schema;
  const steps = target.task === "classification" ? target.steps ?? 1 : 1;
  const { pieceRows = Math.ceil(DEFAULT_PIECE_ROWS / steps) } = options;
  if (!(Number.isSafeInteger(pieceRows) && pieceRows >= 1)) {
    throw new RangeError(`Cannot predict: expected pieceRows from 1, got ${pieceRows}`);
  }
  const { schema } = known;
  if (input instanceof Dataset) {
    const { features, rowLength, length } = await arrangedDataset(input, known);
    for (const [from, to] of ranges(length, pieceRows)) {
      yield {
        length: to - from,
        features: features.subarray(from * rowLength, to * rowLength),
        rows: Uint32Array.from({ length: to - from }, (_, i) => i),
        ignored: [],
        filled: 0,
      };
    }
    return;
  }
  if (isRows(input)) {
    const { texts } = known;
    if (texts && areTexts(input, texts)) {
      for (const [start, to] of ranges(input.length, pieceRows)) {
        yield textPiece(input.slice(start, to), texts, { start, idColumn });
      }
      return;
    }
    checkTokens(input, known);
    for (const [from, to] of ranges(input.length, pieceRows)) {
      // All rows have the columns that any has.
      yield arrangePiece(tableOfRows(input.slice(from, to), schema), schema, idColumn, units);
    }
    return;
  }
  for (const [from, to] of ranges(input.length, pieceRows)) {
    const isWhole = to - from === input.length;
    const rows = Uint32Array.from({ length: to - from }, (_, i) => from + i);
    yield arrangePiece(isWhole ? input : selectRows(input, rows), schema, idColumn, units);
  }
}

/** Throws a `TypeError` for texts of a model whose tokenizer is not there. */
function checkTokens(input: readonly Row[], { schema, texts }: KnownSchema): void {
  const [first] = input, name = arrayInputIn(schema)?.name;
  const isText = typeof first === "object" && !("length" in first) && name !== undefined &&
    name in first;
  if (texts || !isText || arrayInputIn(schema)?.tokenizer === undefined) return;
  throw new TypeError(
    "Cannot use the rows: expected the tokenizer of the model's texts (option tokenizer, --tokenizer)",
  );
}

function isRows(input: RawTable | readonly Row[]): input is readonly Row[] {
  return Array.isArray(input);
}

function arrangePiece(
  table: RawTable,
  schema: Schema,
  idColumn: string | number | undefined,
  units: Readonly<Record<string, string>>,
): Piece {
  const { length } = table;
  const index = new ColumnIndex(table);
  const id = idColumn === undefined ? undefined : index.get(idColumn, "an id column");
  const ofIds = id === undefined ? undefined : table.columns[id];
  const readId = ofIds && nameReader(ofIds);
  const ids = readId && Array.from({ length }, (_, row) => readId(row) ?? "");
  // Ids are read here, since rows that are left out have them too.
  const isArray = arrayInputIn(schema) !== undefined;
  const own = id !== undefined && isArray ? { idColumn: id } : {};
  const { features, rows, ignored, counts } = arrangeInputs(table, schema, { ...own, units });
  return {
    length,
    features,
    rows,
    ...(ids && { ids }),
    ignored: ignored.filter((name) => id === undefined || name !== index.headers[id]?.name),
    filled: counts.values().reduce((sum, { filled }) => sum + filled, 0),
  };
}

/** Gives a data set that is arranged by the schema: itself, or with standardized features. */
async function arrangedDataset(data: Dataset, { schema, isOwn }: KnownSchema): Promise<Dataset> {
  const name = "the data set", where = `Cannot use ${name}`;
  const width = inputShape(schema).reduce((product, size) => product * size, 1);
  if (data.rowLength !== width) {
    throw new RangeError(`${where}: expected ${width} features, got ${data.rowLength}`);
  }
  if (!isOwn) return data;
  const isOfArrays = arrayInputIn(schema) !== undefined;
  if (isOfArrays && schema.target.task === "classification" && data.task === "classification") {
    return (await arraySource({ name, train: data }).arrange(schema)).train;
  }
  if (data.schema === undefined) {
    if (isOfArrays && isPlain(schema)) return data;
    throw new RangeError(
      `${where}: expected one that is arranged by the model's schema, got one without a schema`,
    );
  }
  const difference = compareSchemas(schema, data.schema);
  if (difference !== undefined) throw new RangeError(`${where}: ${difference}`);
  return data;
}

/** Returns true if the values of an array go into the model as they are. */
function isPlain({ inputs: [input] }: Schema): boolean {
  return input !== undefined && "shape" in input && (input.scale ?? 1) === 1 && !input.standardize;
}

function* ranges(length: number, size: number): Generator<[from: number, to: number]> {
  for (let from = 0; from < length; from += size) yield [from, Math.min(from + size, length)];
}
