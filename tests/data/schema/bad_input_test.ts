import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  arrangeTable,
  type CellValue,
  parseSchema,
  type Schema,
  schemaOf,
  tableOf,
} from "../../../src/data/mod.ts";
import type { ArrangeOptions, SchemaOptions } from "../../../src/data/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

type Columns = Readonly<Record<string, readonly CellValue[]>>;

const SCHEMA: Schema = {
  format: "fedlab.schema/1",
  inputs: [
    { name: "age", kind: "number", unit: "years" },
    { name: "sex", kind: "category", categories: ["f", "m"] },
    { name: "smokes", kind: "boolean" },
  ],
  target: { name: "ill", task: "classification", classes: ["no", "yes"] },
};
const GOOD = { age: [63, 41], sex: ["m", "f"], smokes: ["yes", "no"], ill: ["yes", "no"] };

/** The message with which a table is refused, on one line. */
function refusal(run: () => unknown): string {
  const error = assertThrows(run, Error);
  assert(!error.message.includes("\n"), error.message);
  return error.message;
}

const arranged = (columns: Columns, options?: ArrangeOptions, schema = SCHEMA) =>
  arrangeTable(tableOf("ward.csv", columns), schema, options);

Deno.test("arrangeTable() refuses a table that does not fit in one line that names the place", () => {
  const { sex: _, ...withoutSex } = GOOD;
  const cases: [name: string, columns: Columns, message: string, options?: ArrangeOptions][] = [
    ["missing column", withoutSex, "expected the column sex, got none of this name"],
    [
      "column of another name",
      { ...withoutSex, gender: ["m", "f"] },
      "expected the column sex, got gender",
    ],
    [
      "other unit declared",
      GOOD,
      "expected the column age in years, got months",
      { units: { age: "months" } },
    ],
    [
      "weights that are an input",
      GOOD,
      "expected one use of the column age, got several",
      { weightColumn: "age" },
    ],
    [
      "unit of a column that has none",
      GOOD,
      "expected the column sex without a unit, got kg",
      { units: { sex: "kg" } },
    ],
    [
      "unknown classes",
      { ...GOOD, ill: ["maybe", "never"] },
      "expected the classes no, yes; got maybe, never (row 1)",
    ],
    [
      "text in a number column",
      { ...GOOD, age: [63, "old"] },
      'row 2, column age: expected a number, got "old", correct it or take it for missing (--missing-values)',
    ],
    [
      "infinite value",
      { ...GOOD, age: [63, -Infinity] },
      "row 2, column age: expected a finite number, got -Infinity",
    ],
    [
      "number beyond 32 bits",
      { ...GOOD, age: [63, 1e39] },
      "row 2, column age: expected a number that a 32-bit float holds, got 1e+39",
    ],
    [
      "missing number",
      { ...GOOD, age: [63, null] },
      "row 2, column age: expected a number, got a missing value, give a policy for missing values (--missing)",
    ],
    [
      "whole column missing",
      { ...GOOD, age: [null, null] },
      "row 1, column age: expected a number, got a missing value, give a policy for missing values (--missing)",
    ],
    [
      "missing category",
      { ...GOOD, sex: [null, "m"] },
      "row 1, column sex: expected a category, got a missing value, give a policy for missing values (--missing)",
    ],
    [
      "unknown category",
      { ...GOOD, sex: ["m", "x"] },
      'row 2, column sex: expected a category of f, m, got "x", which a schema made with --unknown-category other counts as other',
    ],
    [
      "no boolean",
      { ...GOOD, smokes: ["yes", "sometimes"] },
      'row 2, column smokes: expected true or false, got "sometimes"',
    ],
    [
      "number that is no boolean",
      { ...GOOD, smokes: [1, 2] },
      "row 2, column smokes: expected true or false, got 2",
    ],
    [
      "missing target",
      { ...GOOD, ill: ["yes", null] },
      "row 2, column ill: expected a class, got a missing value, rows without a target may be left out (--missing-target drop)",
    ],
    ["no rows", { age: [], sex: [], smokes: [], ill: [] }, "expected rows, got none"],
    [
      "no rows after dropping",
      { ...GOOD, ill: [null, null] },
      "expected rows without missing values, got none of 2",
      { missingTarget: "drop" },
    ],
    [
      "negative weight",
      { ...GOOD, w: [1, -1] },
      "row 2, column w: expected a weight from 0, got -1",
      { weightColumn: "w" },
    ],
    [
      "no column of ids",
      GOOD,
      'expected an id column named "ward", got age, sex, smokes, ill',
      { idColumn: "ward" },
    ],
  ];
  for (const [name, columns, message, options] of cases) {
    const got = refusal(() => arranged(columns, options));
    assertEquals(got, `Cannot use ward.csv: ${message}`, name);
  }
  const { age: __, ...withoutAge } = GOOD;
  assertEquals(
    refusal(() => arranged({ ...withoutAge, "age [months]": [700, 500] })),
    "Cannot use ward.csv: expected the column age in years, got months",
  );
  assertEquals(
    [...arranged({ ...withoutAge, "age [years]": [7, 5] }).dataset.features].slice(0, 1),
    [
      7,
    ],
  );
});

Deno.test("arrangeTable() refuses a name that occurs twice, and columns without names", () => {
  const table = tableOf("ward.csv", { ...GOOD });
  const [age] = table.columns;
  assert(age);
  const twice = { ...table, columns: [...table.columns, { ...age, index: 4 }] };
  assertEquals(
    refusal(() => arrangeTable(twice, SCHEMA)),
    'Cannot use ward.csv: expected one column named "age", got columns 1 and 5',
  );
  assertEquals(
    refusal(() => schemaOf([twice])),
    'Cannot use ward.csv: expected one column named "age", got columns 1 and 5',
  );
  assertEquals(
    refusal(() => arrangeTable(tableOf("ward.csv", Object.values(GOOD)), SCHEMA)),
    "Cannot use ward.csv: expected the column age, got columns without names, say that line 1 is a header (--header yes)",
  );
});

Deno.test("a table without header fits a schema of one, if it has as many columns", () => {
  const schema = schemaOf([tableOf("a.csv", [[1, 2], [3, 4], ["no", "yes"]])]);
  assertEquals(schema.inputs.map(({ name }) => name), ["column 1", "column 2"]);
  const { dataset } = arrangeTable(tableOf("b.csv", [[5], [6], ["yes"]]), schema);
  assertEquals([[...dataset.features], [...dataset.labels]], [[5, 6], [1]]);
  for (const columns of [[[5], ["yes"]], [[5], [6], ["yes"], [7]]]) {
    assertEquals(
      refusal(() => arrangeTable(tableOf("b.csv", columns), schema)),
      `Cannot use b.csv: expected 3 columns, got ${columns.length}`,
    );
  }
  assertEquals(
    refusal(() => arrangeTable(tableOf("b.csv", { a: [5], b: [6], y: ["yes"] }), schema)),
    "Cannot use b.csv: expected columns without names, got the column a; give the server a table with a header",
  );
});

Deno.test("schemaOf() refuses tables of which no schema can be made, in one line", () => {
  const cases: [columns: Columns, message: string, options?: SchemaOptions][] = [
    [
      { a: [null, null], y: ["no", "yes"] },
      "expected values in column a, got none, leave it out (--exclude-columns)",
    ],
    [{ a: [1, 2], y: [null, null] }, "expected values in the target column y, got none"],
    [{ a: [], y: [] }, "expected rows, got none"],
    [
      { y: [0, 1] },
      "expected input columns besides the target, got none, check the delimiter (--delimiter)",
    ],
    [
      { a: Array.from({ length: 1001 }, (_, i) => `name ${i}`), y: Array(1001).fill(0) },
      "expected at most 1000 categories in column a, got 1001, leave it out (--exclude-columns) or list it as one of categories (--categories)",
    ],
    [
      { a: [1, 2, 3], y: [0, 1, "many"] },
      'column y: expected a whole number as other labels are, got "many", name the classes (option classes, --classes) if it is right',
    ],
    [
      { a: [1], y: [65_536] },
      "expected labels from 0 to 65535, got 65536; name the classes (option classes, --classes), or choose the task regression (--task regression)",
    ],
    [
      { a: [1], y: ["cat"] },
      'expected numbers in the target column y, got "cat"',
      { task: "regression" },
    ],
    [
      { a: [Infinity], y: [0] },
      "expected finite numbers in column a, got Infinity",
    ],
    [
      { a: ["x"], y: [0] },
      "expected numbers in column a for the policy mean, got a category",
      { missing: { a: { policy: "mean" } } },
    ],
    [
      { a: [1], y: [0] },
      'expected a target column named "z", got a, y',
      { target: "z" },
    ],
    [
      { a: [1], y: [0] },
      'expected an input column with a policy for missing values named "b", got a, y',
      { missing: { b: { policy: "mean" } } },
    ],
    [
      { a: [1], y: [0] },
      "expected an input column with a policy for missing values, got y, which is none (rows without a target: --missing-target)",
      { missing: { y: { policy: "drop" } } },
    ],
    [
      { a: [1], y: [0] },
      "expected an input column with categories, got y, which is none",
      { categories: ["y"] },
    ],
    [
      { a: [1], y: [0] },
      "expected no policies for missing values and no categories with a shape or a scale",
      { missing: { "": { policy: "mean" } }, scale: 2 },
    ],
    [
      { a: [1], y: [0] },
      'expected a column with a unit named "b", got a, y',
      { units: { b: "kg" } },
    ],
    [{ a: [1], y: [0] }, "expected one use of the column y, got several", { inputs: ["y"] }],
    [
      { a: [1], b: [2], y: [0] },
      "expected one target column for the task classification, got 2",
      { target: ["b", "y"], task: "classification" },
    ],
  ];
  for (const [columns, message, options] of cases) {
    const got = refusal(() => schemaOf([tableOf("ward.csv", columns)], options));
    assertEquals(got, `Cannot use ward.csv: ${message}`);
  }
});

Deno.test("what is odd but allowed has a stated meaning", () => {
  // A class that nobody has, one row, a constant column, ten thousand columns.
  const wide = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`c${i}`, [i]]));
  const table = tableOf("ward.csv", { ...wide, y: [2] });
  const schema = schemaOf([table], { standardize: true });
  assertEquals(schema.target, { name: "y", task: "classification", classes: ["0", "1", "2"] });
  const { dataset } = arrangeTable(table, schema);
  assertEquals([dataset.rowLength, dataset.numClasses, dataset.labels[0]], [10_000, 3, 2]);
  assert(dataset.features.every((x) => x === 0));
  // Two hundred thousand categories, of a column that is listed as one of categories.
  const names = Array.from({ length: 200_000 }, (_, i) => `n${i}`);
  const listed = schemaOf([tableOf("ward.csv", { a: names, y: names.map(() => "x") })], {
    categories: ["a"],
  });
  assertEquals(
    refusal(() => arrangeTable(tableOf("ward.csv", { a: names, y: names.map(() => "x") }), listed)),
    "Cannot use ward.csv: expected at most 1073741824 features, got 200000 in each of 200000 rows, split the table or list fewer categories",
  );
  const [input] = listed.inputs;
  assertEquals(input?.kind === "category" && input.categories.length, 200_000);
  // All values of a column are missing at one site alone.
  const sites = [
    tableOf("a.csv", { a: [null, null], y: ["no", "yes"] }),
    tableOf("b.csv", { a: [3, 5], y: ["no", "yes"] }),
  ];
  const filled = schemaOf(sites, { missing: { "": { policy: "mean", indicator: true } } });
  const first = arrangeTable(sites[0] as never, filled);
  assertEquals([...first.dataset.features], [4, 1, 4, 1]);
  assertEquals([...first.counts], [["a", { filled: 2, others: 0 }]]);
});

Deno.test("a column whose categories are all unknown is refused, unless it has one alone", () => {
  const schema = parseSchema({
    format: "fedlab.schema/1",
    inputs: [{ name: "sex", kind: "category", categories: ["f", "m"], unknown: "other" }],
    target: { name: "ill", task: "classification", classes: ["no", "yes"] },
  });
  const of = (...sex: string[]) =>
    arrangeTable(
      tableOf("ward.csv", { sex, ill: sex.map((_, i) => i % 2 ? "yes" : "no") }),
      schema,
    );
  assertThrows(
    () => of("female", "male", "female"),
    RangeError,
    "Cannot use ward.csv: column sex: expected some of the categories f, m, got female, male alone",
  );
  assertEquals([...of("x", "x").dataset.features], [0, 0, 1, 0, 0, 1]);
  assertEquals([...of("x", "f").dataset.features], [0, 0, 1, 1, 0, 0]);
});

Deno.test("a column of numbers has decimal numbers alone", () => {
  const schema = parseSchema({
    format: "fedlab.schema/1",
    inputs: [{ name: "a", kind: "number" }],
    target: { name: "y", task: "classification", classes: ["no", "yes"] },
  });
  for (const text of ["0x10", "0b1", "1_000", "1,5", "Infinity"]) {
    const table = tableOf("t.csv", { a: [text, "x"], y: ["no", "yes"] });
    assertThrows(
      () => arrangeTable(table, schema),
      SyntaxError,
      `row 1, column a: expected a number, got "${text}"`,
    );
  }
});

Deno.test("arrangeTable() takes decomposed umlauts for the same name", () => {
  const schema = schemaOf([tableOf("a", { "Gr\u00f6\u00dfe": [1, 2], y: ["n", "j"] })]);
  const decomposed = tableOf("b", { "Gro\u0308\u00dfe": [3], y: ["j"] });
  assertEquals([...arrangeTable(decomposed, schema).dataset.features], [3]);
  const own = schemaOf([decomposed]);
  assertEquals(own.inputs[0]?.name, "Gr\u00f6\u00dfe");
});
