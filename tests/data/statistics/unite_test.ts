import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import type { RawTable } from "../../../src/data/formats/raw_table.ts";
import type { SchemaOptions } from "../../../src/data/schema/options.ts";
import { tableOf } from "../../../src/data/schema/table_of.ts";
import { answerQuestion } from "../../../src/data/statistics/answer.ts";
import { fitSchema, surveyForSchema } from "../../../src/data/statistics/fit_schema.ts";
import { surveyTables } from "../../../src/data/statistics/local_survey.ts";
import type { SurveyOptions } from "../../../src/data/statistics/survey_options.ts";

Deno.test.sanitizer({ ops: true, resources: true });

function survey(tables: readonly RawTable[], minCount = 1, options: SurveyOptions = {}) {
  return surveyTables(tables.map((table) => ({ table })), minCount, options);
}

function fit(tables: readonly RawTable[], options: SchemaOptions = {}, minCount = 1) {
  return fitSchema(survey(tables, minCount, surveyForSchema(options)), options).schema;
}

/** Makes a column of texts of given numbers of rows. */
function rows(counts: Record<string, number>): string[] {
  return Object.entries(counts).flatMap(([text, n]) => new Array<string>(n).fill(text));
}

Deno.test("fitSchema() refuses classes and categories that sites spell differently", () => {
  const site = (name: string, sex: string[], ill: string[]) =>
    tableOf(name, { age: sex.map((_, i) => i), sex, ill });
  const refused = (b: RawTable, options: SchemaOptions, text: string) => {
    const a = site("a", rows({ f: 10, m: 10 }), rows({ no: 10, yes: 10 }));
    assertThrows(() => fit([a, b], options, 5), RangeError, text);
  };
  const [sex, ill] = [rows({ f: 10, m: 10 }), rows({ no: 10, yes: 10 })];
  refused(
    site("b", sex, rows({ ill: 10, well: 10 })),
    {},
    "Cannot make a schema of the federation: expected one spelling of the classes of ill, got no, yes at a and ill, well at b, which have none in common: spell them alike, or name all classes (--classes)",
  );
  refused(
    site("b", sex, rows({ NO: 10, yes: 10 })),
    {},
    'got "no" at a and "NO" at b, which differ in case alone',
  );
  refused(
    site("b", rows({ M: 17, F: 3 }), ill),
    {},
    'the categories of sex, got "m" at a and "M" at b',
  );
  refused(
    site("b", rows({ w: 17, x: 3 }), ill),
    {},
    "got f, m at a and w (and 1 of too few rows to be named) at b, which have none in common",
  );
  refused(
    site("b", sex, rows({ true: 10, false: 10 })),
    { target: 'ill == "yes"' },
    "categories of ill",
  );
  const numbers = tableOf("b", { age: ill.map(() => 1), sex: ill.map((_, i) => i % 2), ill });
  refused(numbers, { categories: ["sex"] }, "got f, m at a and 0, 1 at b");
});

Deno.test("fitSchema() takes classes of one site each, and those that are said to be different", () => {
  const site = (name: string, ward: string[], ill: string[]) =>
    tableOf(name, { age: ward.map((_, i) => i), ward, ill });
  const tables = [
    site("a", ["A", "B"], ["no", "no"]),
    site("b", ["X", "Y"], ["yes", "yes"]),
  ];
  assertThrows(() => fit(tables), RangeError, "--disjoint-categories ward");
  const { inputs: [, ward], target } = fit(tables, { disjointCategories: ["ward"] });
  assertEquals(ward, { name: "ward", kind: "category", categories: ["A", "B", "X", "Y"] });
  assertEquals(target, { name: "ill", task: "classification", classes: ["no", "yes"] });
  const both = [site("a", ["A", "B"], ["no", "yes"]), site("b", ["A", "B"], ["ill", "well"])];
  const classes = ["no", "yes", "ill", "well"];
  assertEquals(fit(both, { classes }).target, { name: "ill", task: "classification", classes });
});

Deno.test("a unit that a site does not declare is pointed out, with the sites", () => {
  const tables = [
    tableOf("a", { "chol [mmol/l]": [5, 6], age: [1, 2] }),
    tableOf("b", { chol: [200, 210], age: [1, 2] }),
    tableOf("c", { chol: [null, null], age: [1, 2] }),
  ];
  const { notes, columns } = survey(tables);
  assertEquals(columns[0]?.unit, "mmol/l");
  assertEquals(notes, [
    "The column chol is in mmol/l, and b declares no unit: check that it has the same, and declare it (--unit chol=mmol/l)",
  ]);
  assertEquals(survey(tables.slice(1)).notes, []);
});

Deno.test("without a target, the last column is taken where all sites have the same last", () => {
  const a = tableOf("a", { x: [1, 2], ill: [0, 1] });
  const b = tableOf("b", { ill: [1, 0], x: [1, 2] });
  assertEquals(fit([a, a].map((table, i) => ({ ...table, name: `${i}` }))).target.name, "ill");
  assertThrows(
    () => fit([a, b]),
    RangeError,
    "Cannot make a schema of the federation: expected a target (--target) or the same last column at all sites, got ill at a and x at b",
  );
  assertEquals(fit([a, b], { target: "ill" }).target.name, "ill");
  // Columns in the order of their names have another last one.
  const c = tableOf("c", { x: [1, 2], z: [5, 6], ill: [0, 1] });
  const summary = survey([c], 1, { ...surveyForSchema({}), order: "name" });
  assertEquals(fitSchema(summary).schema.target.name, "ill");
});

Deno.test("a conflict of sites names what may be done", () => {
  const a = tableOf("a", { x: [1, 2], y: [0, 1] });
  const refused = (b: RawTable, text: string) =>
    assertThrows(() => survey([a, b]), RangeError, text);
  refused(tableOf("b", { x: ["high", "low"], y: [0, 1] }), "--missing-values");
  refused(tableOf("b", { x: ["high", "low"], y: [0, 1] }), "(--categories)");
  refused(
    tableOf("b", { y: [0, 1] }),
    "(--exclude-columns) or unite those that all have (--columns common)",
  );
});

Deno.test("a site's own log names the text that makes numbers a column of texts", () => {
  const lines: string[] = [];
  const ask = (column: (string | number)[], counted: string[] = []) => {
    const table = tableOf("ward.csv", { chol: column });
    const rules = { minCount: 1, note: (line: string) => void lines.push(line) };
    answerQuestion(table, { kind: "columns", from: 0, counted }, rules);
    return lines.splice(0);
  };
  assertEquals(ask([200, "high", 210]), [
    'ward.csv: row 2, column chol: "high" makes it a column of texts beside 2 numbers, correct it or take it for missing (--missing-values)',
  ]);
  assertEquals(ask([200, "high", 210], ["chol"]), []);
  assertEquals(ask(["low", "high", 210]), []);
});

Deno.test("quantiles of a site and their errors end at its own bounds", () => {
  // Bins over the range of both sites are wide for the first.
  const narrow = tableOf("narrow", { x: Array.from({ length: 40 }, (_, i) => 1 + i / 40) });
  const wide = tableOf("wide", { x: Array.from({ length: 40 }, (_, i) => 100 * i) });
  const sites = [narrow, wide].map((table) => ({ table, share: "site" as const }));
  const { sites: [own] } = surveyTables(sites, 5, { tolerance: 0.05 });
  const { quantiles = [], low = 0, high = 0 } = own?.columns?.[0] ?? {};
  assertEquals(quantiles.length, 3);
  for (const { share, value, error } of quantiles) {
    const exact = 1 + share * 39 / 40;
    assert(value >= low && value <= high, `${value} beyond ${low} and ${high}`);
    assert(error <= high - low && Math.abs(value - exact) <= error + 1e-9, `${value} ±${error}`);
  }
});
