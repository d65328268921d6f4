import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { parse } from "npm:csv-parse@7.0.3/sync";
import { CsvReader } from "../../../src/data/formats/csv/csv.ts";
import type { RawTable, ReadTableOptions } from "../../../src/data/formats/raw_table.ts";
import { valuesOf } from "../../helpers/read_table.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ENCODER = new TextEncoder();

/** Seeded random numbers: a function that gives a whole number from 0 below `limit`. */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor(limit * (state / 2 ** 32));
  };
}

/** Reads a text in pieces of some bytes. */
function inPieces(text: string, length: number, options: ReadTableOptions = {}): RawTable {
  const bytes = ENCODER.encode(text);
  const reader = new CsvReader({ ...options, name: "x", usualDelimiter: "," });
  for (;;) {
    for (let at = 0; at < bytes.length; at += length) reader.push(bytes.subarray(at, at + length));
    const table = reader.end();
    if (table) return table;
  }
}

Deno.test("CsvReader reads what csv-parse reads, in pieces of any length", () => {
  const random = seeded(7);
  const pick = <T>(values: readonly T[]): T => values[random(values.length)] as T;
  for (let round = 0; round < 200; round++) {
    const width = 1 + random(4);
    const delimiter = pick([",", ";", "\t", "||"]);
    const field = () => {
      const plain = pick([
        "1",
        "-2.5",
        "1e3",
        "x",
        "two words",
        "é",
        "",
        "007",
        "0.1234567890123456789",
      ]);
      if (random(3) > 0) return plain;
      const inside = plain + pick(["", '"', delimiter, "\n", "\r\n", " ", "'"]);
      return `${pick(["", " "])}"${inside.replaceAll('"', '""')}"${pick(["", " "])}`;
    };
    const rows = Array.from(
      { length: 1 + random(6) },
      () => Array.from({ length: width }, field).join(delimiter),
    );
    // A first field in quotes keeps csv-parse and this reader from skipping an empty row.
    const text = rows.map((row) => `"k"${delimiter}${row}${pick(["\n", "\r\n", "\r"])}`).join(
      pick(["", "\n"]),
    );
    const expected = parse(text, {
      delimiter,
      trim: true,
      skip_empty_lines: true,
      record_delimiter: ["\r\n", "\n", "\r"],
    });
    const textColumns = Array.from({ length: width + 1 }, (_, i) => i);
    const options = { header: false, delimiter, textColumns, missingValues: ["\0"] };
    for (const length of [1, 2, 3, 7, 1 << 20]) {
      const { columns } = inPieces(text, length, options);
      const read = columns.map(({ codes = [], texts = [] }) =>
        Array.from(codes, (code) => texts[code])
      );
      const spelled = expected.map((row) => row.map(spell));
      assertEquals(spelled[0]?.map((_, i) => spelled.map((row) => row[i])), read, text);
    }
  }
});

/** Spells a field as categories are spelled. */
function spell(field: string): string {
  const trimmed = field.trim();
  return ["1e3", "-2.5", "1"].includes(trimmed) ? `${Number(trimmed)}` : trimmed;
}

Deno.test("CsvReader reads each number as JavaScript does, to the last bit", () => {
  const random = seeded(3);
  const digits = (count: number) => Array.from({ length: count }, () => random(10)).join("");
  const numbers = Array.from({ length: 5000 }, () => {
    const sign = ["", "-", "+"][random(3)];
    const fraction = random(3) > 0 ? `.${digits(random(20))}` : "";
    const exponent = random(4) === 0 ? `e${random(640) - 330}` : "";
    return `${sign}${digits(1 + random(20))}${fraction}${exponent}`;
  });
  numbers.push("0.1", ".5", "5.", "1e22", "1e23", "-0", "9007199254740993", "1e-22", "2.5E+3");
  const { columns } = inPieces(numbers.join("\n"), 1 << 16, { header: false });
  const read = columns[0]?.numbers ?? [];
  assertEquals(read.length, numbers.length);
  numbers.forEach((text, i) => assertEquals(read[i], Number(text), text));
});

Deno.test("CsvReader names the line of what it cannot read", () => {
  const faults = [
    ['a,b\n1,"x\n\n', "a quoted field that begins after line 1 is not closed"],
    ['a,b\n\n1,"x"y\n', "line 3: a closing quote is followed by more than a delimiter"],
    ['a,b\n1,x"y"\n', "line 2: a quote stands inside a field that does not begin with one"],
    ['a,b\n1,"x\ny"\n1\n', "line 4: expected 2 fields, got 1"],
    ["a,b\n1,\0\n", "line 2: expected text, got a NUL byte, check the file and its encoding"],
    ["a,b\n1,2\n3,\uD800\n".slice(0, 8) + "4,5,6\n", "line 3: expected 2 fields, got 3"],
    ["", "it is empty"],
    ["\n \n", "it is empty"],
    ["a,b\n", "it has a header and no rows"],
  ] as const;
  for (const [text, says] of faults) {
    for (const length of [1, 1 << 20]) {
      assertThrows(() => inPieces(text, length), SyntaxError, `Cannot read x: ${says}`);
    }
  }
});

Deno.test("CsvReader reads tables of 10,000 columns, and of one row", () => {
  const columns = Array.from({ length: 10_000 }, (_, i) => `c${i}`);
  const row = columns.map((_, i) => i).join();
  const table = inPieces(`${columns.join()}\n${row}\n${row}\n`, 1 << 16);
  assertEquals([table.length, table.columns.length], [2, 10_000]);
  assertEquals([...table.columns[9_999]?.numbers ?? []], [9_999, 9_999]);
  assertEquals(valuesOf(inPieces("1.5,x", 2)), { 0: [1.5], 1: ["x"] });
});

Deno.test("CsvReader keeps a million texts of a column, and refuses bytes that are not UTF-8", () => {
  const text = Array.from({ length: 1_000_000 }, (_, i) => `${i % 7},id-${i}\n`).join("");
  const { columns } = inPieces(text, 1 << 20);
  assertEquals(columns[1]?.texts?.length, 1_000_000);
  const { codes = [], texts = [] } = columns[1] ?? {};
  assertEquals([0, 999_999].map((row) => texts[codes[row] ?? -1]), ["id-0", "id-999999"]);
  const reader = new CsvReader({ name: "x", usualDelimiter: "," });
  reader.push(ENCODER.encode("a,b\n1,2\n"));
  assertThrows(
    () => {
      reader.push(Uint8Array.of(0x31, 0x2C, 0xE9, 0x0A));
      reader.end();
    },
    SyntaxError,
    "near line 3: expected UTF-8, got other bytes, say the encoding",
  );
});
