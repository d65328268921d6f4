import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { joinTables } from "../../../src/data/formats/join_tables.ts";
import { nameConflict } from "../../../src/data/schema/name_conflict.ts";
import type { SchemaOptions } from "../../../src/data/schema/options.ts";
import { schemaOf } from "../../../src/data/schema/schema_of.ts";
import { selectRows, tableOf } from "../../../src/data/schema/table_of.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Sites a, b, … of given names. */
function conflict(...sites: string[][]): string | undefined {
  return nameConflict(sites.map((names, i) => ({ site: "abcd"[i] ?? "", names })));
}

Deno.test("nameConflict() names two spellings of one name, in one site or in two", () => {
  assertEquals(
    conflict(["no", "yes"], ["no", "Yes"]),
    '"yes" at a and "Yes" at b, which differ in case alone',
  );
  assertEquals(
    conflict(["high risk", "highrisk"]),
    '"high risk" and "highrisk" at a, which differ in blanks alone',
  );
  const [composed, decomposed] = ["\u00f6", "o\u0308"];
  assertEquals(
    conflict([composed], [decomposed]),
    `"${composed}" at a and "${decomposed}" at b, which differ in Unicode form (NFC) alone`,
  );
  assertEquals(
    conflict([`A ${composed}`], [`a${decomposed}`])?.split("which ")[1],
    "differ in case, blanks or Unicode form alone",
  );
  assertEquals(conflict(["stra\u00dfe"], ["STRASSE"])?.includes("in case"), true);
  assertEquals(conflict(["1", "11"], ["1", "007"]), undefined);
});

Deno.test("nameConflict() names sites of several names each that have none in common", () => {
  assertEquals(
    conflict(["no", "yes"], ["ill", "well"]),
    "no, yes at a and ill, well at b, which have none in common",
  );
  assertEquals(conflict(["no"], ["yes"]), undefined);
  assertEquals(conflict(["no", "yes"], ["maybe"]), undefined);
  // The third site tells that all are different.
  assertEquals(conflict(["1", "2"], ["3", "4"], ["2", "3"]), undefined);
  assertEquals(
    conflict(["1", "2"], ["2", "3"], ["x", "y"]),
    "1, 2 at a and x, y at c, which have none in common",
  );
});

Deno.test("nameConflict() counts names of too few rows, where the other site has none of them", () => {
  const of = (ofA: number, ofB: number) =>
    nameConflict([
      { site: "a", names: ["0", "1"], unnamed: ofA },
      { site: "b", names: ["M"], unnamed: ofB },
    ]);
  assertEquals(
    of(0, 1),
    "0, 1 at a and M (and 1 of too few rows to be named) at b, which have none in common",
  );
  assertEquals([of(0, 0), of(1, 1)], [undefined, undefined]);
  const rare = (site: string, name: string) => ({ site, names: [name], unnamed: 1 });
  assertEquals(nameConflict([rare("a", "no"), rare("b", "yes")]), undefined);
});

const A = tableOf("a.csv", { sex: ["m", "f"], age: [1, 2], ill: ["yes", "no"] });

/** Asserts that no schema is made of tables, nor of their rows in one table. */
function refused(columns: Parameters<typeof tableOf>[1], options: SchemaOptions, text: string) {
  const b = tableOf("b.csv", columns);
  const joined = joinTables([A, b]);
  const reversed = selectRows(joined, Uint32Array.from([3, 2, 1, 0]));
  for (const tables of [[A, b], [joined], [reversed]]) {
    assertThrows(() => schemaOf(tables, options), RangeError, text);
  }
}

Deno.test("schemaOf() refuses classes and categories that tables spell differently", () => {
  refused(
    { sex: ["m", "f"], age: [1, 2], ill: ["sick", "well"] },
    {},
    "Cannot use a.csv: expected one spelling of the classes of ill, got no, yes at a.csv and sick, well at b.csv, which have none in common",
  );
  refused(
    { sex: ["w", "x"], age: [1, 2], ill: ["yes", "no"] },
    {},
    "of the categories of sex, got f, m at a.csv and w, x at b.csv, which have none in common: spell them alike, or say that they are different (--disjoint-categories sex)",
  );
  refused(
    { sex: ["M", "f"], age: [1, 2], ill: ["yes", "no"] },
    { target: 'sex == "m"' },
    'of the categories of sex, got "m" at a.csv and "M" at b.csv, which differ in case alone',
  );
  const one = tableOf("one", { x: [1, 2, 3], ill: ["Yes", "no", "yes"] });
  assertThrows(
    () => schemaOf([one]),
    RangeError,
    'classes of ill, got "Yes" and "yes" at one, which differ in case alone: spell them alike, or name all classes (--classes)',
  );
});

Deno.test("schemaOf() takes classes of one site each, and those that are said to be different", () => {
  const classes = (...tables: (readonly string[])[]) =>
    tables.map((ill, i) => tableOf(`${i}`, { age: ill.map(() => 1), ill }));
  const of = (tables: Parameters<typeof schemaOf>[0], options: SchemaOptions = {}) => {
    const { inputs, target } = schemaOf(tables, options);
    return [inputs, target].flat().flatMap((one) =>
      "classes" in one ? one.classes : "categories" in one ? one.categories : []
    );
  };
  assertEquals(of(classes(["no", "no"], ["yes", "yes"])), ["no", "yes"]);
  assertEquals(of(classes(["a", "A", "b"]), { classes: ["a", "A", "b"] }), ["a", "A", "b"]);
  const wards = ["ABA", "XYX"].map((text, i) =>
    tableOf(`${i}`, { ward: [...text], age: [1, 2, 3], ill: [0, 1, 1] })
  );
  assertThrows(() => of(wards), RangeError, "categories of ward");
  assertEquals(of(wards, { disjointCategories: ["ward"] }), ["A", "B", "X", "Y", "0", "1"]);
  assertThrows(() => of(wards, { disjointCategories: ["room"] }), RangeError, '"room"');
  // Words for true and false are one value in any spelling.
  const smokes = [["yes", "NO"], ["True", "false"]].map((smokes, i) =>
    tableOf(`${i}`, { smokes, ill: [0, 1] })
  );
  assertEquals(schemaOf(smokes).inputs, [{ name: "smokes", kind: "boolean" }]);
});
