import { assertAlmostEquals, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { holdOut } from "../../../src/data/split.ts";
import { selectRows, tableOf } from "../../../src/data/schema/table_of.ts";
import { shareOf } from "../../../src/data/sources/share.ts";
import { tableSource } from "../../../src/data/sources/table_source.ts";
import { fitSchema, surveyForSchema } from "../../../src/data/statistics/fit_schema.ts";
import { surveyTables } from "../../../src/data/statistics/local_survey.ts";
import type { Moments } from "../../../src/data/schema/column_values.ts";
import type { Schema } from "../../../src/data/schema/schema.ts";
import type { SchemaOptions } from "../../../src/data/schema/options.ts";

/** Rows in no order: sorting a column would mix them. */
const ROWS = {
  age: [70, 30, 60, 40, 50, 20],
  dose: [1, null, 3, 0.5, 2, 9],
  kind: ["b", "a", "c", "a", "b", "a"],
  ill: [1, 0, 1, 0, 1, 0],
};
const OPTIONS: SchemaOptions = {
  target: "ill",
  missing: { "": { policy: "median" } },
  standardize: true,
};

Deno.test("answers about a table leave its values where they are", () => {
  const table = tableOf("ward", ROWS);
  const survey = { ...surveyForSchema(OPTIONS), bins: 4, distribution: () => true };
  surveyTables([{ table }], 1, survey);
  fitSchema(surveyTables([{ table }], 1, surveyForSchema(OPTIONS)), OPTIONS);
  assertEquals(table.columns, tableOf("ward", ROWS).columns);
});

Deno.test("figures of a source that holds rows out are those of its other rows alone", async () => {
  const share = { holdOut: 1 / 3, seed: 4 };
  const source = await shareOf(tableSource({ train: tableOf("ward", ROWS) }, OPTIONS), share);
  const tables = await source.tables?.();
  const table = tables?.train ?? tableOf("none", {});
  const { rows, columns: [age] } = surveyTables([{ table }], 1, surveyForSchema(OPTIONS));

  const places = Uint32Array.from({ length: 6 }, (_, row) => row);
  const kept = holdOut(places, { share: share.holdOut, seed: share.seed, index: 0 }).train;
  const ages = [...kept].map((row) => ROWS.age[row] ?? NaN);
  assertEquals(rows, 4);
  assertEquals(age?.mean, ages.reduce((sum, x) => sum + x, 0) / 4);
  // Those that are trained on, in their order.
  assertEquals(table.columns, selectRows(tableOf("ward", ROWS), kept).columns);
  const { train } = await source.arrange(undefined);
  assertEquals([...train.labels], [...kept].map((row) => ROWS.ill[row]));
});

Deno.test("a part of a table has the figures of its own rows", async () => {
  const whole = tableSource({ train: tableOf("ward", ROWS) }, OPTIONS);
  const schema = (await whole.arrange(undefined)).train.schema;
  const ages: number[] = [];
  for (const index of [1, 2]) {
    const part = await shareOf(whole, { part: { index, parts: 2 }, seed: 4 });
    const table = (await part.tables?.())?.train;
    const own = [...table?.columns[0]?.numbers ?? []];
    const { train } = await part.arrange(schema);
    const { mean = NaN, deviation = NaN } = schemaMoments(schema);
    // By a schema of its own too, which is that of both parts, the same rows are trained on.
    const alone = await part.arrange(undefined);
    assertEquals(own.length, 3);
    own.forEach((value, row) => {
      for (const data of [train, alone.train]) {
        const age = data.features[row * data.rowLength] ?? NaN;
        assertAlmostEquals(age, (value - mean) / deviation, 1e-6);
      }
    });
    ages.push(...own);
  }
  assertEquals(ages.toSorted(), ROWS.age.toSorted());
});

Deno.test("fitSchema() refuses missing values that no policy is for, before any site uses it", () => {
  const table = tableOf("ward", ROWS);
  const options = { target: "ill" };
  const summary = surveyTables([{ table }], 1, surveyForSchema(options));
  assertThrows(
    () => fitSchema(summary, options),
    RangeError,
    "expected a policy for missing values (--missing), got 1 of them in column dose",
  );
  const { inputs } =
    fitSchema(summary, { ...options, missing: { dose: { policy: "drop" } } }).schema;
  assertEquals(inputs.map(({ name }) => name), ["age", "dose", "kind"]);
});

/** Moments by which the first input is standardized. */
function schemaMoments(schema: Schema | undefined): Partial<Moments> {
  const [input] = schema?.inputs ?? [];
  return input?.kind === "number" ? input.standardize ?? {} : {};
}
