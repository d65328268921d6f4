import type { Random } from "../../mod.ts";
import { CsvReader } from "../../src/data/formats/csv/csv.ts";
import type { RawTable } from "../../src/data/formats/raw_table.ts";

/** Value of a cell, `null` for a missing one. */
export type Value = number | string | boolean | null;

/** Column of a table with its meaning. */
export interface MeantColumn {
  name: string;
  unit?: string;
  kind: "number" | "category" | "boolean";
  values: Value[];
}

/** Table by its meaning: the target is the last column. */
export interface MeantTable {
  readonly columns: readonly MeantColumn[];
  readonly target: MeantColumn;
}

const NAMES = ["age", "chol", "größe", "blood group", "sex", "a,b", "x;y", 'the "q"', "smoker"];
const UNITS = [undefined, "years", "mmHg", "mg/dl"];
const WORDS = ["m", "f", "AB", "0 neg", "ü,ß", "a;b", "2", "-1", "1.5", "two  blanks", 'say "no"'];
const CLASSES = [["no", "yes"], ["-1", "0", "1"], ["false", "true"], ["a, b", "ü; c", "d"]];
const GAPS = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?", "-", " NA "];

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.below(items.length)] as T;
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return Array.from(random.permutation(items.length), (i) => items[i] as T);
}

/** Draws a table whose columns have all their categories, and gaps. */
export function drawTable(random: Random, rows: number): MeantTable {
  const names = shuffled(random, NAMES).slice(0, 2 + random.below(3));
  const gapped = (value: Value, row: number) => row > 4 && random.below(6) === 0 ? null : value;
  const columns = names.map((name): MeantColumn => {
    const kind = pick(random, ["number", "number", "category", "boolean"] as const);
    const words = shuffled(random, WORDS).slice(0, 2 + random.below(3));
    const unit = kind === "number" ? pick(random, UNITS) : undefined;
    const draw = (row: number): Value =>
      kind === "number"
        ? pick(random, [random.below(100), -random.below(9), random.below(1000) / 8])
        : kind === "boolean"
        ? row < 2 ? row === 0 : random.below(2) === 0
        : words[row % words.length] ?? "";
    const values = Array.from({ length: rows }, (_, row) => gapped(draw(row), row));
    return { name, kind, values, ...(unit !== undefined && { unit }) };
  });
  const classes = pick(random, CLASSES);
  const values = Array.from({ length: rows }, (_, row) => classes[row % classes.length] ?? "");
  return { columns, target: { name: "ill", kind: "category", values } };
}

/** Returns some rows of a table. */
export function rowsOf({ columns, target }: MeantTable, rows: readonly number[]): MeantTable {
  const of = (column: MeantColumn): MeantColumn => ({
    ...column,
    values: rows.map((row) => column.values[row] ?? null),
  });
  return { columns: columns.map(of), target: of(target) };
}

/** Form of a text table. */
interface Form {
  readonly delimiter: string;
  readonly decimal: "." | ",";
  readonly lineEnd: string;
  readonly blanks: boolean;
}

const PLAIN: Form = { delimiter: ",", decimal: ".", lineEnd: "\n", blanks: false };

function drawForm(random: Random): Form {
  const delimiter = pick(random, [",", ";", "\t", "|"]);
  return {
    delimiter,
    decimal: delimiter === ";" && random.below(2) === 0 ? "," : ".",
    lineEnd: pick(random, ["\n", "\r\n"]),
    blanks: random.below(3) === 0,
  };
}

function spellNumber(random: Random, value: number): string {
  const plain = String(value);
  const whole = Number.isInteger(value);
  return pick(random, [
    plain,
    ...(whole ? [`${plain}.0`, `${plain}.`] : [`${plain}0`]),
    ...(value >= 0 ? [`+${plain}`] : []),
    value.toExponential(),
  ]);
}

function spell(random: Random, value: Value, { kind }: MeantColumn): string {
  if (value === null) return pick(random, GAPS);
  if (typeof value === "number") return spellNumber(random, value);
  if (typeof value === "boolean") {
    return value
      ? pick(random, ["true", "True", "TRUE", "yes", "Y", "1", "t"])
      : pick(random, ["false", "False", "NO", "n", "0", "F"]);
  }
  if (kind !== "category") return value;
  if (/^-?\d+(?:\.\d+)?$/.test(value)) return spellNumber(random, Number(value));
  if (value === "true" || value === "false") {
    return pick(random, [value, value.toUpperCase(), value.replace(/^./, (c) => c.toUpperCase())]);
  }
  return value;
}

function plainSpelling(value: Value): string {
  return value === null ? "" : String(value);
}

/** Writes a table as text: in one plain spelling or, by the random numbers, in any. */
export function writeTable({ columns, target }: MeantTable, random?: Random): {
  readonly text: string;
  readonly form: Form;
} {
  const form = random ? drawForm(random) : PLAIN;
  const extra: MeantColumn = {
    name: "remark",
    kind: "category",
    values: target.values.map((_, row) => `r${row}`),
  };
  const all = random
    ? shuffled(random, [...columns, target, ...(random.below(2) === 0 ? [extra] : [])])
    : [...columns, target];
  const field = (text: string) => {
    const needed = /["\r\n,;|\t]/.test(text) || text.includes(form.delimiter);
    if (needed || random?.below(8) === 0) return `"${text.replaceAll('"', '""')}"`;
    return form.blanks && form.delimiter !== "\t" ? ` ${text} ` : text;
  };
  const number = (text: string, { kind }: MeantColumn) =>
    kind === "number" ? text.replace(".", form.decimal) : text;
  const header = all.map(({ name, unit }) =>
    field(unit !== undefined && random?.below(2) === 0 ? `${name} [${unit}]` : name)
  );
  const rows = target.values.map((_, row) =>
    all.map((column) => {
      const value = column.values[row] ?? null;
      const text = random ? spell(random, value, column) : plainSpelling(value);
      return field(number(text, column));
    })
  );
  const lines = [header, ...rows].map((cells) => cells.join(form.delimiter));
  return { text: lines.join(form.lineEnd) + form.lineEnd, form };
}

/** Reads a table from text, as it is read from a file. */
export function readText(
  name: string,
  { text, form: { delimiter, decimal } }: ReturnType<typeof writeTable>,
): RawTable {
  const bytes = new TextEncoder().encode(text);
  const reader = new CsvReader({ name, size: bytes.length, delimiter, decimal, header: true });
  for (;;) {
    reader.push(bytes);
    const table = reader.end();
    if (table) return table;
  }
}
