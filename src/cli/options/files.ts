import type { TableDataOptions } from "../../data/catalog/options.ts";
import { InvalidArgumentError } from "../deps.ts";
import { MISSING_VALUES } from "../../data/formats/raw_table.ts";
import { option } from "./option.ts";
import { column } from "./schema.ts";
import { choice, list, onOff, real, text, type ValueType, whole } from "./values.ts";

/** The commands that read data from which a schema may be made. */
const MAKES = {
  ...{ server: {}, client: {}, simulate: {}, partition: {}, reproduce: {}, schema: {} },
  stats: {},
} as const;

/** The commands that read files. */
const READS = { ...MAKES, predict: {}, evaluate: {} } as const;

/** Sizes such as `28,28,1`. */
const sizes: ValueType<number[]> = {
  parse(text) {
    const parsed = text.split(/[,x]/).map((size) => Number(size.trim()));
    if (parsed.every((size) => Number.isSafeInteger(size) && size > 0)) return parsed;
    throw new InvalidArgumentError("Expected whole numbers from 1, such as 28,28,1.");
  },
  several: "joined",
  json: { type: "integer", minimum: 1 },
};

/** Factor, as a number or a fraction such as `1/255`. */
const factor: ValueType<number> = {
  parse(text) {
    const [, above = "", below = "1"] = /^\s*([^/]+?)(?:\/([^/]+))?\s*$/.exec(text) ?? [];
    const value = Number(above) / Number(below);
    if (Number.isFinite(value) && value !== 0) return value;
    throw new InvalidArgumentError("Expected a number other than 0, such as 0.01 or 1/255.");
  },
};

/** Divides marks of missing values into those of all columns and those of one, `chol=0`. */
function missingValues(texts: readonly string[]): Partial<TableDataOptions> {
  const all: string[] = [];
  const ofColumns: Record<string, string[]> = {};
  for (const text of texts) {
    const at = text.lastIndexOf("=");
    if (at <= 0) all.push(text);
    else (ofColumns[text.slice(0, at).trim()] ??= []).push(text.slice(at + 1));
  }
  return {
    ...(all.length > 0 && { missingValues: [...MISSING_VALUES, ...all] }),
    ...(Object.keys(ofColumns).length > 0 && { missingValuesOf: ofColumns }),
  };
}

/** Options about the form of files. */
export const FILES = {
  skipRows: option(whole(0), {
    value: "<n>",
    help: "lines of a text table to skip at the beginning",
    group: "Data",
    defaultText: "0",
    isRare: true,
    commands: READS,
    library: { table: (skipRows) => ({ skipRows }) },
  }),
  comment: option(text, {
    value: "<text>",
    help: "beginning of the lines of a text table that are comments",
    group: "Data",
    defaultText: "none",
    isRare: true,
    commands: READS,
    library: { table: (comment) => ({ comment }) },
  }),
  decimal: option(choice([".", ","]), {
    value: "<char>",
    help: "decimal separator of a text table",
    group: "Data",
    defaultText: "a point",
    isRare: true,
    commands: READS,
    library: { table: (decimal) => ({ decimal }) },
  }),
  encoding: option(text, {
    value: "<name>",
    help: "encoding of a text table, such as windows-1252 or utf-16le",
    group: "Data",
    defaultText: "UTF-8, or UTF-16 where the file says so",
    isRare: true,
    commands: READS,
    library: { table: (encoding) => ({ encoding }) },
  }),
  missingValues: option(list, {
    value: "<texts>",
    help:
      "further texts that stand for a missing value, separated by commas; for one column as in chol=0; they become part of a schema that is made here",
    group: "Data",
    defaultText: "an empty field, NA, NaN, null, ? and the like",
    commands: READS,
    library: { table: missingValues },
  }),
  excludeColumns: option(list, {
    value: "<names>",
    help: "table columns to leave out, by name or index, separated by commas",
    group: "Data",
    defaultText: "none",
    commands: READS,
    library: { table: (names) => ({ excludeColumns: names.map(column) }) },
  }),
  sparseColumns: option(whole(1), {
    value: "<n>",
    help: "number of feature columns of a libsvm file",
    group: "Data",
    defaultText: "the largest index",
    isRare: true,
    commands: READS,
    library: { table: (sparseColumns) => ({ sparseColumns }) },
  }),
  shape: option(sizes, {
    value: "<sizes>",
    help:
      "shape of a row, such as 28,28,1: table columns are read as one image, and images must have this shape",
    group: "Data",
    defaultText: "one feature for each column",
    isRare: true,
    commands: MAKES,
    library: { table: (shape) => ({ shape }) },
  }),
  scale: option(factor, {
    value: "<factor>",
    help: "factor by which table features are multiplied, such as 1/255",
    group: "Data",
    defaultText: "1",
    isRare: true,
    commands: MAKES,
    library: { table: (scale) => ({ scale }) },
  }),
  testShare: option(real({ above: 0, below: 1 }), {
    value: "<share>",
    help: "share of the rows to test on, if the data have no test rows; always the same rows",
    group: "Data",
    defaultText: "none",
    commands: { server: {}, simulate: {} },
  }),
  sites: option(onOff, {
    help: "make a client of each table in the folder --data, in the order of their names",
    group: "Data",
    commands: { simulate: {} },
  }),
};
