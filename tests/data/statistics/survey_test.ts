import { assert, assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { Random } from "../../../src/base/random.ts";
import { readTable } from "../../../src/data/formats/read_table.ts";
import type { RawTable } from "../../../src/data/formats/raw_table.ts";
import { type CellValue, tableOf } from "../../../src/data/schema/table_of.ts";
import { arrangeTable } from "../../../src/data/schema/arrange.ts";
import { schemaOf } from "../../../src/data/schema/schema_of.ts";
import { compareSchemas } from "../../../src/data/schema/compare.ts";
import type { SchemaOptions } from "../../../src/data/schema/options.ts";
import { fitSchema, surveyForSchema } from "../../../src/data/statistics/fit_schema.ts";
import { surveyTables } from "../../../src/data/statistics/local_survey.ts";
import type { SurveyOptions } from "../../../src/data/statistics/survey_options.ts";

const FOLDER = Deno.env.get("FEDLAB_DATA") ?? "../shared/data";
const HOSPITALS = ["cleveland", "hungarian", "switzerland", "va"].map((name) =>
  `${FOLDER}/heart/${name}.csv`
);
const hasHospitals = await Deno.stat(HOSPITALS[0] ?? "").then(() => true, () => false);
if (!hasHospitals) console.warn(`skipped: no hospitals in ${FOLDER}/heart`);

function survey(tables: readonly RawTable[], minCount = 1, options: SurveyOptions = {}) {
  return surveyTables(tables.map((table) => ({ table })), minCount, options);
}

/** All values of a column over tables, of those that are not missing. */
function pooled(tables: readonly RawTable[], name: string): number[] {
  return tables.flatMap(({ columns }) =>
    [...columns.find((column) => column.name === name)?.numbers ?? []].filter((x) => !isNaN(x))
  );
}

/** Quantile as numpy defines it, by sorting. */
function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1), low = Math.floor(place);
  const [a = NaN, b = a] = [sorted[low], sorted[low + 1]];
  return a + (b - a) * (place - low);
}

/** Table of random columns: near one another, far apart, skewed, with gaps. */
function randomTable(name: string, rows: number, seed: number): RawTable {
  const random = new Random(seed, "split");
  const list = (make: () => CellValue) => Array.from({ length: rows }, make);
  const uniform = () => random.uniform();
  return tableOf(name, {
    far: list(() => 1e9 + 2 * uniform() - 1),
    wide: list(() => (uniform() - 0.5) * 10 ** (6 * uniform())),
    few: list(() => Math.floor(4 * uniform())),
    gaps: list(() => uniform() < 0.3 ? null : 3 * uniform() - seed),
    text: list(() => ["a", "b", "c"][Math.floor(3 * uniform())]),
    ill: list(() => uniform() < 0.4 ? "yes" : "no"),
  });
}

Deno.test("surveyTables() gives the means, deviations and bounds of the pooled tables", () => {
  const tables = [40, 300, 7, 120].map((rows, i) => randomTable(`site ${i}`, rows, i + 1));
  const { rows, columns } = survey(tables);
  assertEquals(rows, 467);
  for (const name of ["far", "wide", "few", "gaps"]) {
    const numbers = pooled(tables, name);
    // Exact to the last bits: from the first number on.
    const [first = 0] = numbers;
    const mean = first + numbers.reduce((sum, x) => sum + (x - first), 0) / numbers.length;
    const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length;
    const column = columns.find((one) => one.name === name);
    assertAlmostEquals(column?.mean ?? NaN, mean, 1e-6 * Math.abs(mean), name);
    assertAlmostEquals((column?.mean ?? NaN) - mean, 0, 1e-6, name);
    const deviation = Math.sqrt(variance);
    assertAlmostEquals(column?.deviation ?? NaN, deviation, 1e-6 * deviation, name);
    assertEquals(column?.low, Math.min(...numbers), name);
    assertEquals(column?.high, Math.max(...numbers), name);
    assertEquals(column?.missing, rows - numbers.length, name);
  }
});

Deno.test("surveyTables() gives quantiles to their stated errors, which are small", () => {
  const tables = [200, 300, 900].map((rows, i) => randomTable(`site ${i}`, rows, 10 + i));
  for (const minCount of [1, 5]) {
    const { columns } = survey(tables, minCount, { quantiles: [0.01, 0.25, 0.5, 0.9] });
    for (const name of ["far", "few", "gaps"]) {
      const numbers = pooled(tables, name);
      const { quantiles = [], low = 0, high = 0 } = columns.find((one) => one.name === name) ?? {};
      assertEquals(quantiles.length, 4);
      for (const { share, value, error } of quantiles) {
        const exact = quantile(numbers, share);
        assert(Math.abs(value - exact) <= error + 1e-6, `${name} ${share}: ${value}, ${exact}`);
        if (share > 0.1) assert(error <= (minCount === 1 ? 0.001001 : 0.08) * (high - low));
      }
    }
  }
});

Deno.test("surveyTables() gives the histogram of the pooled tables", () => {
  const tables = [200, 300].map((rows, i) => randomTable(`site ${i}`, rows, 20 + i));
  const { columns } = survey(tables, 1, { bins: 8 });
  const { histogram } = columns.find(({ name }) => name === "gaps") ?? {};
  const { low = 0, high = 0, counts = [] } = histogram ?? {};
  const numbers = pooled(tables, "gaps");
  const expected = new Array(8).fill(0);
  for (const x of numbers) expected[Math.min(7, Math.floor((x - low) / (high - low) * 8))]++;
  assertEquals(counts, expected);
});

Deno.test("surveyTables() leaves out what fewer than minCount rows of a site have", () => {
  const rare = ["x", "x", "x", "x", "x", "y", "y", "y", "y", "z"];
  const { columns: [first, second, third], sites } = survey([
    tableOf("a", {
      c: rare,
      n: rare.map((_, i) => i * i),
      m: rare.map((_, i) => i < 4 ? i : null),
    }),
    tableOf("b", { c: ["q", "y"], n: [777, 778], m: [1, 2] }),
  ], 5);
  assertEquals(first?.values, [["x", 5]]);
  assertEquals(first?.unnamed, 5);
  // The fifth smallest and largest; the four numbers of `m` and the two rows of b are not told.
  assertEquals([second?.low, second?.high], [16, 25]);
  assertEquals([third?.count, third?.mean], [0, undefined]);
  assertEquals(sites, [{ name: "a" }, { name: "b" }]);
});

Deno.test("surveyTables() shows the figures of a site that allows it", () => {
  const { sites: [a, b] } = surveyTables([
    { table: tableOf("a", { x: [1, 2, 3] }), share: "site" },
    { table: tableOf("b", { x: [7, 8, 9] }) },
    { table: tableOf("c", { x: [70, 80, 90] }), share: "none" },
  ], 1);
  assertEquals(a?.columns?.[0]?.mean, 2);
  assertAlmostEquals(a?.columns?.[0]?.deviation ?? 0, Math.sqrt(2 / 3), 1e-12);
  assertEquals(b, { name: "b" });
});

Deno.test("surveyTables() points out classes that sites may number differently", () => {
  const notes = (...labels: number[][]) =>
    surveyTables(
      labels.map((y, i) => ({ table: tableOf(`${i}`, { a: y.map(() => 1), y }) })),
      1,
      { target: () => "y" },
    ).notes.filter((note) => note.includes("classes"));
  assertEquals(notes([0, 1, 1], [1, 2, 2]), [
    "No client has all of the classes 0, 1, 2: check that all clients give the same number to a class",
  ]);
  assertEquals(notes([0, 1, 2], [1, 2, 2]), []);
  assertEquals(notes([0, 0], [1, 1]), []);
});

Deno.test("marks of missing values that the server names hold in figures, schema and rows", () => {
  const columns = [
    { a: [0, 2, "."], b: ["x", "q", "."], y: [1, -9, 2] },
    { a: [0, 0, 6], b: [".", "z", "x"], y: [0, 2, -9] },
  ];
  const masked = columns.map(({ a, b, y }) => ({
    a: a.map((x) => x === 0 || x === "." ? null : x),
    b: b.map((text) => text === "." ? null : text),
    y: y.map((x) => x === -9 ? null : x),
  }));
  const options: SchemaOptions = {
    ...{ target: "y > 0", missing: { "": { policy: "mean" } }, standardize: true },
    ...{ missingValues: ["."], missingValuesOf: { a: ["0"], y: ["-9"] } },
  };
  const tables = columns.map((one, i) => tableOf(`${i}`, one));
  const { schema } = fitSchema(survey(tables, 1, surveyForSchema(options)), options);
  const expected = masked.map((one, i) => tableOf(`${i}`, one));
  assertEquals(schema, schemaOf(expected, options));
  tables.forEach((table, i) => {
    const rows = (one: RawTable) => arrangeTable(one, schema, { missingTarget: "drop" }).dataset;
    const [got, wanted] = [rows(table), rows(expected[i] ?? table)];
    assertEquals([got.features, got.targets], [wanted.features, wanted.targets]);
  });
});

Deno.test("surveyTables() names the first conflict of sites", () => {
  const of = (...tables: RawTable[]) => () => survey(tables);
  const site = (name: string, columns: Parameters<typeof tableOf>[1]) => tableOf(name, columns);
  const a = site("a", { age: [1, 2], sex: ["m", "f"] });
  assertThrows(
    of(a, site("b", { age: ["old", "young"], sex: ["m", "f"] })),
    RangeError,
    "Cannot unite the column age: expected one kind and unit, got numbers at a and texts at b",
  );
  assertThrows(
    of(a, site("b", { age: [1] })),
    RangeError,
    "Cannot unite the columns: expected the column sex of a at b too, got none",
  );
  assertThrows(
    of(site("a", { "age [years]": [1, 2] }), site("b", { "age [months]": [3] })),
    RangeError,
    "got the unit years at a and the unit months at b",
  );
  assertThrows(
    of(site("a", { x: [1, 2] }), site("b", { x: [1, Infinity] })),
    RangeError,
    "Cannot use b: expected numbers of at most",
  );
});

Deno.test("surveyTables() unites columns in the order of the first, by name, or those in common", () => {
  const tables = [
    tableOf("a", { z: [1], only: [1], b: ["true"] }),
    tableOf("b", { b: [0], z: [null] }),
  ];
  const names = (options: SurveyOptions) =>
    survey(tables, 1, options).columns.map(({ name }) => name);
  assertEquals(names({ choice: "common" }), ["z", "b"]);
  assertEquals(names({ choice: "common", order: "name" }), ["b", "z"]);
  const { columns: [z, b], notes } = survey(tables, 1, { choice: "common" });
  assertEquals([z?.kind, z?.missing, b?.kind, b?.values], [
    "number",
    1,
    "boolean",
    [["false", 1], ["true", 1]],
  ]);
  assertEquals(notes, ["Leaving out the column only, which is missing at b"]);
});

Deno.test("surveyTables() gives a constant column exactly its value and no deviation", () => {
  for (const x of [0.1, 1e9 + 0.1, -1 / 3]) {
    for (const minCount of [1, 5]) {
      const tables = [7, 11].map((rows, i) => tableOf(`${i}`, { x: new Array(rows).fill(x) }));
      const { columns: [column] } = survey(tables, minCount);
      assertEquals([column?.mean, column?.deviation, column?.low, column?.high], [x, 0, x, x]);
    }
  }
});

/** Makes the schema of the federation of tables, and that of the pooled tables. */
function bothSchemas(tables: readonly RawTable[], options: SchemaOptions, minCount = 1) {
  const summary = survey(tables, minCount, surveyForSchema(options));
  return { federated: fitSchema(summary, options).schema, local: schemaOf(tables, options) };
}

/** Compares numbers to 1e-6 relative to the deviation, everything else exactly. */
function assertSameSchema(a: unknown, b: unknown, tolerance = 1e-6): void {
  const round = (value: unknown) =>
    JSON.parse(
      JSON.stringify(value),
      (_, x) => typeof x === "number" && !Number.isInteger(x) ? Number(x.toPrecision(7)) : x,
    );
  const numbers = (value: unknown): number[] => {
    if (typeof value === "number") return [value];
    return value !== null && typeof value === "object" ? Object.values(value).flatMap(numbers) : [];
  };
  const without = (value: unknown) =>
    JSON.stringify(value, (_, x) => typeof x === "number" ? 0 : x);
  assertEquals(without(round(a)), without(round(b)));
  const others = numbers(b);
  numbers(a).forEach((x, i) => {
    assertAlmostEquals(x, others[i] ?? NaN, tolerance * Math.max(1, Math.abs(x)));
  });
}

Deno.test("fitSchema() of a federation makes the schema of the pooled tables", () => {
  for (let seed = 0; seed < 10; seed++) {
    const tables = [30, 80, 55].map((rows, i) => randomTable(`site ${i}`, rows, 3 * seed + i + 1));
    const options: SchemaOptions = {
      missing: { "": { policy: "mean", indicator: true }, few: { policy: "most-frequent" } },
      categories: ["few"],
      standardize: true,
    };
    const { federated, local } = bothSchemas(tables, options);
    assertSameSchema(federated, local);
    const asMeasure = bothSchemas(tables, { ...options, target: "far", task: "regression" });
    assertSameSchema(asMeasure.federated, asMeasure.local);
  }
});

Deno.test("fitSchema() gives rare categories a feature for others", () => {
  const tables = [
    tableOf("a", { c: ["x", "x", "y"], ill: ["no", "no", "no"] }),
    tableOf("b", { c: ["x", "x"], ill: ["yes", "yes"] }),
  ];
  const { schema, warnings } = fitSchema(survey(tables, 2, surveyForSchema({})), {});
  assertEquals(schema.inputs, [{
    name: "c",
    kind: "category",
    categories: ["x"],
    unknown: "other",
  }]);
  assertEquals(schema.target, { name: "ill", task: "classification", classes: ["no", "yes"] });
  assert(warnings.some((warning) => warning.includes("counted as other: c")));
});

Deno.test("fitSchema() leaves out columns that are no inputs, which sites need not have", () => {
  const tables = [
    tableOf("a", { id: ["p1", "p2"], x: [1, 2], ill: [0, 1] }),
    tableOf("b", { x: [1, 2], ill: [0, 1], note: ["u", "v"] }),
  ];
  const options: SchemaOptions = { target: "ill", idColumn: "id", exclude: ["note"] };
  const { schema } = fitSchema(survey(tables, 1, surveyForSchema(options)), options);
  assertEquals(schema.inputs, [{ name: "x", kind: "number" }]);
});

Deno.test("fitSchema() refuses in one line what makes no schema", () => {
  const refused = (columns: Parameters<typeof tableOf>[1], options: SchemaOptions, text: string) =>
    assertThrows(
      () => {
        const tables = [tableOf("a", columns), tableOf("b", columns)];
        return fitSchema(survey(tables, 1, surveyForSchema(options)), options);
      },
      RangeError,
      text,
    );
  refused({ x: [null, null], y: [0, 1] }, {}, "expected values in column x, got none");
  refused(
    { x: [1, 2], y: [0, 1] },
    { target: "z" },
    'expected a target column named "z", got x, y',
  );
  refused({ x: [1, 2], y: [0, 1] }, { target: "z > 0" }, 'a target column named "z"');
  refused({ x: [1, 2], y: [0, 1] }, { target: 0 }, "expected a target column by its name");
  refused({ y: [0, 1] }, {}, "expected input columns besides the target");
});

Deno.test({
  name: "fitSchema() of four hospitals makes the schema of the pooled files",
  ignore: !hasHospitals,
  async fn() {
    const tables = await Promise.all(HOSPITALS.map((path) => readTable(path)));
    const options: SchemaOptions = {
      target: "target > 0",
      categories: ["cp", "restecg", "slope", "thal"],
      missing: { "": { policy: "mean" } },
      standardize: true,
    };
    const { federated, local } = bothSchemas(tables, options);
    assertSameSchema(federated, local);
    assertEquals(compareSchemas({ ...federated, inputs: [] }, { ...local, inputs: [] }), undefined);
    const median = { ...options, missing: { "": { policy: "median" } } } as const;
    const fills = bothSchemas(tables, median);
    const fillsOf = (schema: typeof local) =>
      schema.inputs.map((input) => "missing" in input ? Number(input.missing?.fill) : 0);
    const exact = fillsOf(fills.local);
    fillsOf(fills.federated).forEach((fill, i) => {
      // The widest range is that of cholesterol, 603.
      assertAlmostEquals(fill, exact[i] ?? NaN, 0.61);
    });
    const { schema } = fitSchema(
      surveyTables(tables.map((table) => ({ table })), 5, surveyForSchema(options)),
      options,
    );
    assertEquals(schema.inputs.length, 13);
  },
});
