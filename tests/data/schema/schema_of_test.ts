import {
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import {
  arrangeTable,
  type CellValue,
  featureNames,
  inputShape,
  makeSchema,
  numOutputs,
  schemaOf,
  schemaWidth,
  tableOf,
} from "../../../src/data/mod.ts";
import { Random } from "../../../src/base/random.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("schemaOf() infers kinds from the values", () => {
  const kinds = (values: readonly CellValue[]) =>
    schemaOf([tableOf("t", { a: values, y: values.map(() => 0) })]).inputs[0]?.kind;
  const cases: [CellValue[], string][] = [
    [[1, 2.5, null], "number"],
    [["1", "-2e3", ".5"], "number"],
    [[0, 1, 1], "number"],
    [["True", "FALSE", null], "boolean"],
    [[true, false], "boolean"],
    [["yes", "no"], "boolean"],
    [["t", "f"], "boolean"],
    [["no"], "boolean"],
    [["f"], "category"],
    [["f", "m"], "category"],
    [["a", "b", null], "category"],
  ];
  for (const [values, kind] of cases) assertEquals(kinds(values), kind, values.join());
});

Deno.test("schemaOf() fills in and standardizes by the figures of the values that are there", () => {
  const random = new Random(7, "split");
  const values = Array.from({ length: 1001 }, () => {
    const x = random.uniform();
    return x < 0.2 ? null : Math.round(x * 100) / 10;
  });
  const present = values.filter((x) => x !== null).toSorted((a, b) => a - b);
  const mean = present.reduce((sum, x) => sum + x, 0) / present.length;
  const deviation = Math.sqrt(
    present.reduce((sum, x) => sum + x * x, 0) / present.length - mean * mean,
  );
  const half = present.length / 2;
  const median = Number.isInteger(half)
    ? ((present[half - 1] ?? 0) + (present[half] ?? 0)) / 2
    : present[Math.floor(half)] ?? 0;
  const counts = Map.groupBy(present, (x) => x);
  const most = Math.max(...counts.values().map(({ length }) => length));
  const frequent = Math.min(
    ...counts.entries().filter(([, { length }]) => length === most).map(([x]) => x),
  );
  const table = tableOf("t", { a: values, y: values.map(() => 0) });
  const expected = { mean, median, "most-frequent": frequent };
  for (const policy of ["mean", "median", "most-frequent"] as const) {
    const schema = schemaOf([table], { missing: { a: { policy } }, standardize: true });
    const [input] = schema.inputs;
    if (input?.kind !== "number") throw new Error("expected a number");
    assertAlmostEquals(Number(input.missing?.fill), expected[policy], 1e-9, policy);
    assertAlmostEquals(input.standardize?.mean ?? 0, mean, 1e-9);
    assertAlmostEquals(input.standardize?.deviation ?? 0, deviation, 1e-9);
    const { dataset } = arrangeTable(table, schema);
    values.forEach((x, row) => {
      const feature = ((x ?? expected[policy]) - mean) / deviation;
      assertAlmostEquals(dataset.features[row] ?? NaN, feature, 1e-5);
    });
  }
});

Deno.test("one schema describes features, shape and outputs of a table of all kinds", () => {
  const table = tableOf("t", {
    age: [40, null],
    sex: ["m", "f"],
    smokes: ["no", null],
    stage: [0, 3],
  });
  const schema = schemaOf([table], {
    target: "stage > 0",
    missing: { "": { policy: "constant", fill: 9, indicator: true }, smokes: { policy: "drop" } },
    unknownCategory: "other",
  });
  assertEquals(featureNames(schema), [
    ...["age", "age is missing", "sex=9", "sex=f", "sex=m", "sex is other", "sex is missing"],
    "smokes",
  ]);
  assertEquals([schemaWidth(schema), [...inputShape(schema)], numOutputs(schema)], [8, [8], 2]);
  const { dataset, rows } = arrangeTable(table, schema);
  assertEquals([...rows], [0]);
  assertEquals([...dataset.features], [40, 0, 0, 0, 1, 0, 0, 0]);
  const other = arrangeTable(
    tableOf("u", {
      stage: ["2", "0"],
      smokes: [1, 0],
      age: ["", 3].map((x) => x || null),
      sex: ["x", null],
    }),
    schema,
  );
  assertEquals([...other.dataset.features], [9, 1, 0, 0, 0, 1, 0, 1, 3, 0, 1, 0, 0, 0, 1, 0]);
  assertEquals([...other.dataset.labels], [1, 0]);
});

Deno.test("classes are numbered from 0 to the largest, sorted by size or by text, or as they are given", () => {
  const classes = (labels: CellValue[], given?: string[]) => {
    const options = given ? { classes: given } : {};
    const { target } = schemaOf([tableOf("t", { a: labels.map(() => 1), y: labels })], options);
    return target.task === "classification" ? target.classes : target.task;
  };
  assertEquals(classes([2, 0]), ["0", "1", "2"]);
  assertEquals(classes(["10", "-1.0", "2"]), ["-1", "2", "10"]);
  assertEquals(classes(["yes", " no", "no"]), ["no", "yes"]);
  assertEquals(classes(["TRUE", "False"]), ["false", "true"]);
  assertEquals(classes(["yes"], ["no", "yes"]), ["no", "yes"]);
  assertEquals(classes([0.5, 2]), "regression");
});

Deno.test("conditions derive two classes from numbers and from texts", () => {
  const labels = (values: CellValue[], target: string) => {
    const table = tableOf("t", { a: values.map(() => 1), "the target": values });
    return [...arrangeTable(table, schemaOf([table], { target })).dataset.labels];
  };
  assertEquals(labels([0, 1, 2], "the target > 0"), [0, 1, 1]);
  assertEquals(labels([0, 1, 2], "the target>=1"), [0, 1, 1]);
  assertEquals(labels([0, 1, 2], "'the target' < 1.5"), [1, 1, 0]);
  assertEquals(labels([0, 1, 2], "the target <= -1"), [0, 0, 0]);
  assertEquals(labels([0, 1, 2], "the target == 2"), [0, 0, 1]);
  assertEquals(labels([0, 1, 2], "the target != 2"), [1, 1, 0]);
  assertEquals(labels(["a b", "c", "c"], 'the target == "a b"'), [1, 0, 0]);
  assertEquals(labels(["a", "c", "c"], "the target != 'c'"), [1, 0, 0]);
  assertEquals(labels(["1.0", "x"], "the target == 1"), [1, 0]);
});

Deno.test("several targets are measures, or labels if all are true or false", () => {
  const table = tableOf("t", { a: [1, 2], b: [10, 30], c: ["yes", "no"], d: ["no", "no"] });
  const measures = schemaOf([table], { target: ["a", "b"], standardize: true });
  const { dataset } = arrangeTable(table, measures);
  assertEquals([dataset.task, dataset.outputs, [...dataset.targets]], [
    "regression",
    2,
    [-1, -1, 1, 1],
  ]);
  const labels = arrangeTable(table, schemaOf([table], { target: ["c", "d"] })).dataset;
  assertEquals([labels.task, labels.outputs, [...labels.targets]], ["multi-label", 2, [
    1,
    0,
    0,
    0,
  ]]);
});

Deno.test("makeSchema() warns of measures that are taken for classes, and of constant columns", () => {
  const ages = Array.from({ length: 300 }, (_, i) => i % 150);
  const { warnings } = makeSchema([tableOf("t", { a: ages.map(() => 4), age: ages })]);
  assertMatch(
    warnings[0] ?? "",
    /target age has 150 different whole numbers in 300 rows: .*--task/,
  );
  assertMatch(warnings[1] ?? "", /one value alone: a$/);
  const many = Array.from({ length: 3000 }, (_, i) => i % 150);
  const shares = many.map((age) => age / 150);
  assertEquals(makeSchema([tableOf("t", { a: shares, y: many })]).warnings, []);
  const gap = makeSchema([tableOf("t", { a: [1, 2], y: [0, 2] })]);
  assertMatch(gap.warnings[0] ?? "", /^No row has the class 1 of the target y, .*--classes/);
  const named = makeSchema([tableOf("t", { a: [1, 2], y: [0, 2] })], { classes: ["0", "2"] });
  assertEquals(named.warnings, []);
  const { schema } = makeSchema([tableOf("t", { a: [1, 2], y: [1, 2] })]);
  assertEquals(schema.target, { name: "y", task: "classification", classes: ["1", "2"] });
});

Deno.test("makeSchema() refuses numbers with a decimal comma as categories and as classes", () => {
  for (const numbers of [["1,5", "22,75", "3"], ["1.234,5", "-0,5", "NA."], ["+1,0", "x", "2"]]) {
    assertThrows(
      () => makeSchema([tableOf("t", { a: numbers, y: [0, 1, 1] })]),
      RangeError,
      "Cannot use t: expected numbers with a point in column a, got",
    );
    assertThrows(
      () => makeSchema([tableOf("t", { a: [1, 2, 3], y: numbers })]),
      RangeError,
      "(--decimal ,) or name the classes",
    );
  }
  const pairs = tableOf("t", { a: ["1,2", "2,3", "1,2"], b: ["1,2,3", "a,5", "4,"], y: [0, 1, 1] });
  const { schema } = makeSchema([pairs], { categories: ["a"] });
  assertEquals(schema.inputs.map(({ kind }) => kind), ["category", "category"]);
});

Deno.test("ids, weights and columns that are left out are no inputs", () => {
  const table = tableOf("t", { w: [2, 0.5], id: [7, "b"], note: ["x", "y"], a: [1, 2], y: [0, 1] });
  const options = { idColumn: "id", weightColumn: "w", exclude: ["note"] };
  const schema = schemaOf([table], options);
  assertEquals(schema.inputs.map(({ name }) => name), ["a"]);
  const { dataset, ids, ignored } = arrangeTable(table, schema, options);
  assertEquals([[...dataset.weights ?? []], ids, ignored], [[2, 0.5], ["7", "b"], ["note"]]);
});

Deno.test("makeSchema() names numbers that training needs standardized, unless they are", () => {
  const table = tableOf("ward.csv", {
    age: [63, 41],
    dose: [0.5, 9.5],
    chol: [-233, -204],
    pulse: [150, 60],
    swing: [-30, 30],
    price: [1000, 2000],
  });
  const says =
    "Numbers with means or deviations above 10, on which training may diverge (--standardize): age, chol, pulse and 2 more";
  const options = { task: "regression", target: "price" } as const;
  assertEquals(makeSchema([table], options).warnings, [says]);
  assertEquals(makeSchema([table], { ...options, standardize: true }).warnings, []);
  const small = tableOf("ward.csv", { dose: [0.5, 9.5], ill: ["no", "yes"] });
  assertEquals(makeSchema([small]).warnings, []);
});

Deno.test("makeSchema() names inputs that seem to be ids", () => {
  const rows = Array.from({ length: 25 }, (_, i) => (i * 7) % 25);
  const table = tableOf("ward.csv", {
    case: rows.map((i) => `n${i}`),
    number: rows.map((i) => 100 + i),
    ward: rows.map((i) => `w${i % 24}`),
    size: rows.map((i) => i / 4),
    age: rows.map((i) => i % 24),
    ill: rows.map((i) => i % 2 === 0 ? "no" : "yes"),
  });
  const says =
    "Inputs that seem to be ids, from which nothing is learnt (--exclude-columns): case, number";
  assertEquals(makeSchema([table], { standardize: true }).warnings, [says]);
  const options = { standardize: true, exclude: ["case", "number"] };
  assertEquals(makeSchema([table], options).warnings, []);
});
