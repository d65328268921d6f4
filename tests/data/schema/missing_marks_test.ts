import { assert, assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  arrangeTable,
  compareSchemas,
  fitSchema,
  parseSchema,
  type Schema,
  schemaDigest,
  schemaOf,
  surveyForSchema,
  surveyTables,
  tableOf,
} from "../../../src/data/mod.ts";
import type { SchemaOptions } from "../../../src/data/schema/options.ts";
import { canonicalMarks, withMarksMissing } from "../../../src/data/schema/missing_marks.ts";
import { Random } from "../../../src/base/random.ts";
import { pick } from "../../helpers/spelled_tables.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CASES = 200;
const POLICIES = ["mean", "median", "most-frequent", "drop", "constant"] as const;

type Cell = string | number | null;
type Columns = Readonly<Record<string, readonly Cell[]>>;

/** Draws a table in which cells are marked, and the same with these missing. */
function drawPair(random: Random, marks: Readonly<Record<string, readonly Cell[]>>) {
  const draw = (name: string, values: readonly Cell[]) =>
    Array.from({ length: 12 }, (_, i) => {
      // Each value occurs, so that both tables have the same categories.
      if (i < values.length) return { cell: values[i] ?? null, isMarked: false };
      const isMarked = marks[name] !== undefined && random.uniform() < 0.3;
      return { cell: pick(random, isMarked ? marks[name] ?? [] : values), isMarked };
    });
  const cells = {
    chol: draw("chol", [180, 212.5, 240, 300]),
    sex: draw("sex", ["f", "m"]),
    smokes: draw("smokes", ["yes", "no"]),
    ill: draw("", ["no", "yes"]).map(({ cell }) => ({ cell: cell ?? "no", isMarked: false })),
  };
  const columns = (toCell: (one: { cell: Cell; isMarked: boolean }) => Cell): Columns =>
    Object.fromEntries(Object.entries(cells).map(([name, list]) => [name, list.map(toCell)]));
  return [
    columns(({ cell }) => cell),
    columns(({ cell, isMarked }) => isMarked ? null : cell),
  ] as const;
}

Deno.test("marks of missing values make the schema and the features of empty fields", async () => {
  for (let seed = 1; seed <= CASES; seed++) {
    const random = new Random(seed, "test");
    // In other spellings, and with a text among the numbers in some cases.
    const spelled = {
      chol: pick(random, [["0", 0], ["-9.0", "0.0"], ["unknown", 0]]),
      sex: ["u", " x "],
      smokes: ["maybe"],
    };
    const [marked, empty] = drawPair(random, spelled);
    const policy = pick(random, POLICIES);
    const options: SchemaOptions = {
      target: "ill",
      standardize: true,
      missing: policy === "constant"
        ? {
          chol: { policy, fill: 200, indicator: true },
          sex: { policy, fill: "m" },
          smokes: { policy, fill: true },
        }
        : { "": { policy } },
      missingValuesOf: { chol: ["0", "-9", "unknown"], sex: ["u", "x"], smokes: ["maybe"] },
    };
    const [own, other] = [tableOf("marked", marked), tableOf("empty", empty)];
    const schema = schemaOf([empty].map((columns) => tableOf("empty", columns)), options);
    const digest = await schemaDigest(schema);
    assertEquals(await schemaDigest(schemaOf([own], options)), digest, `seed ${seed}`);
    const survey = surveyForSchema(options);
    const fitted = [own, other].map((table) =>
      fitSchema(surveyTables([{ table }], 1, survey), options).schema
    );
    assertEquals(fitted[0], fitted[1], `seed ${seed}`);
    const [a, b] = [own, other].map((table) => arrangeTable(table, schema));
    if (a === undefined || b === undefined) throw new Error("expected two");
    assertEquals(a.dataset.features, b.dataset.features, `seed ${seed}`);
    assertEquals(a.dataset.labels, b.dataset.labels);
    assertEquals([a.counts, a.rows], [b.counts, b.rows]);
  }
});

const withMarks = (values?: readonly string[]): Schema => ({
  format: "fedlab.schema/1",
  inputs: [{
    name: "chol",
    kind: "number",
    ...(values && { missing: { policy: "error", values } }),
  }],
  target: { name: "ill", task: "classification", classes: ["no", "yes"] },
});

Deno.test("marks are compared in one spelling and order, and without them nothing changes", async () => {
  const digest = await schemaDigest(withMarks(["-9", "0"]));
  assertEquals(await schemaDigest(withMarks(["0.0", "-0", " -9. "])), digest);
  assertEquals(compareSchemas(withMarks(["0.0"]), withMarks(["0"])), undefined);
  assertNotEquals(await schemaDigest(withMarks()), digest);
  // The digest of the version before: SHA-256 of the canonical JSON.
  const plain =
    '{"format":"fedlab.schema/1","inputs":[{"kind":"number","name":"chol"}],"target":{"classes":["no","yes"],"name":"ill","task":"classification"}}';
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(plain));
  const known = Array.from(new Uint8Array(bytes), (x) => x.toString(16).padStart(2, "0")).join("");
  assertEquals(await schemaDigest(withMarks()), known);
  // Texts that all readers know are no marks.
  assertEquals(await schemaDigest(withMarks(["NA", " "])), known);
  assertEquals(
    compareSchemas(withMarks(["0"]), withMarks()),
    'expected the values that are missing ones ["0"] of chol, got []',
  );
  const read = parseSchema(JSON.parse(JSON.stringify(withMarks(["0.0"]))));
  assertEquals(read, withMarks(["0"]));
  const refused: [unknown, string][] = [
    [[], "field inputs.0.missing.values: expected >=1"],
    [[0], "field inputs.0.missing.values.0: expected string"],
    [["a\nb"], "expected a name without control characters"],
    [["x".repeat(1025)], "field inputs.0.missing.values.0: expected <=1024"],
    [
      Array.from({ length: 101 }, (_, i) => `${i}`),
      "field inputs.0.missing.values: expected <=100",
    ],
  ];
  for (const [values, message] of refused) {
    const error = assertThrows(
      () => parseSchema(withMarks(values as string[])),
      TypeError,
      message,
    );
    assert(!error.message.includes("\n"));
  }
});

Deno.test("numbers equal a mark as numbers, and texts in canonical spelling", () => {
  const numbers = tableOf("t", { a: [0, -0, 7, 1e3, 0.5] }).columns[0];
  const texts = tableOf("t", { a: ["007", "7.0", " True", "x", "0x7"] }).columns[0];
  if (!numbers || !texts) throw new Error("expected columns");
  const left = (marks: string[]) => [...withMarksMissing(numbers, marks).numbers ?? []];
  assertEquals(left(["0.0"]), [NaN, NaN, 7, 1e3, 0.5]);
  assertEquals(left(["007", "1e3"]), [0, -0, NaN, NaN, 0.5]);
  assertEquals(left(["", "unknown", "0x7"]), [0, -0, 7, 1e3, 0.5]);
  const codes = (marks: string[], isNumber = false) => [
    ...withMarksMissing(texts, marks, isNumber).codes ?? [],
  ];
  assertEquals(codes(["7", "true"]), [0, -1, -1, 3, 4]);
  assertEquals(codes(["7", "x"], true), [-1, -1, 2, -1, 4]);
  assertEquals(canonicalMarks(["?", "0.0", "0", " u "]), ["0", "u"]);
});

Deno.test("a marked target is missing at all sites", async () => {
  const own = { age: [1, 2, 3], stage: [-9, 0, 2] };
  const options = { target: "stage > 0", missingValuesOf: { stage: ["-9"] } } as const;
  const schema = schemaOf([tableOf("a", own)], options);
  const { target } = schema;
  assert(target.task === "classification");
  assertEquals(target.missingValues, ["-9"]);
  const ward = tableOf("b", { stage: [-9.0, 1], age: [4, 5] });
  assertThrows(
    () => arrangeTable(ward, schema),
    SyntaxError,
    "line 1, column stage: expected a value of the target, got a missing value".slice(8),
  );
  const { dataset } = arrangeTable(ward, schema, { missingTarget: "drop" });
  assertEquals([[...dataset.features], [...dataset.labels]], [[5], [1]]);
  const measured = schemaOf([tableOf("a", own)], {
    ...options,
    target: "stage",
    task: "regression",
  });
  const { target: measures } = measured;
  assert(measures.task === "regression");
  assertEquals(measures.outputs, [{ name: "stage", missingValues: ["-9"] }]);
  // Whole numbers from 0 are classes up to the largest, also where 0 is marked.
  const classes = schemaOf([tableOf("a", { age: [1, 2], stage: [1, 2] })], {
    ...{ target: "stage", missingValuesOf: { stage: ["0"] } },
  });
  const zero = tableOf("b", { age: [4], stage: [0] });
  assertThrows(() => arrangeTable(zero, classes), SyntaxError, "expected a class, got a missing");
  assertEquals(
    compareSchemas(classes, {
      ...classes,
      target: { ...classes.target, missingValues: [] } as never,
    }),
    'expected the values that are missing ones ["0"] of stage, got none',
  );
  assertEquals(await schemaDigest(parseSchema(schema)), await schemaDigest(schema));
  const survey = surveyTables([{ table: tableOf("a", own) }], 1, surveyForSchema(options));
  assertEquals(fitSchema(survey, options).schema, schema);
  const answers = { age: [1, 2], red: ["yes", "no"], round: ["no", "yes"] };
  const labelled = { target: ["red", "round"], missingValues: ["n"] };
  const labels = schemaOf([tableOf("a", answers)], labelled);
  assertThrows(
    () => arrangeTable(tableOf("b", { ...answers, round: ["n", "yes"] }), labels),
    SyntaxError,
    "expected true or false, got a missing value",
  );
  assertThrows(
    () => schemaOf([tableOf("a", answers)], { ...labelled, missingValuesOf: { red: ["x"] } }),
    RangeError,
    "expected the same missing values of all labels (--missing-values), got others of round",
  );
});

Deno.test("marks that would have no effect are refused", () => {
  const table = tableOf("t", { a: [1, 2], b: [3, 4], y: [0, 1] });
  assertThrows(
    () => schemaOf([table], { shape: [2], missingValuesOf: { a: ["0"] } }),
    RangeError,
    "expected no missing values (--missing-values) with a shape or a scale, got some for a",
  );
  const options = { missingValuesOf: { choll: ["0"] } };
  assertThrows(
    () => fitSchema(surveyTables([{ table }], 1, surveyForSchema(options)), options),
    RangeError,
    'expected a column with missing values named "choll", got a, b, y',
  );
  const many = { missingValuesOf: { a: Array.from({ length: 101 }, (_, i) => `${i}`) } };
  assertThrows(() => surveyForSchema(many), RangeError, "at most 100 missing values of a column");
});

Deno.test("fitSchema() refuses marked values without a policy", () => {
  const options = { missingValuesOf: { a: ["0"] } };
  const table = tableOf("t", { a: [0, 2, 3], y: [0, 1, 1] });
  assertThrows(
    () => fitSchema(surveyTables([{ table }], 1, surveyForSchema(options)), options),
    RangeError,
    "expected a policy for missing values (--missing), got 1 of them in column a",
  );
});
