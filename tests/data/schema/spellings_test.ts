import { assert, assertEquals, assertNotEquals } from "jsr:@std/assert@1.0.19";
import { compareSchemas, openData, type Schema, schemaDigest } from "../../../src/data/mod.ts";
import { Random } from "../../../src/base/random.ts";
import { inFolder } from "../../helpers/command.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const TABLES = 200;

/** Meaning of a random table: rows by the name of the column, and the columns in their order. */
interface Meaning {
  readonly names: readonly string[];
  readonly rows: readonly Readonly<Record<string, number | string | boolean | undefined>>[];
  readonly target: string;
}

function pick<T>(random: Random, of: readonly T[]): T {
  return of[random.below(of.length)] as T;
}

function shuffled<T>(random: Random, of: readonly T[]): T[] {
  return Array.from(random.permutation(of.length), (i) => of[i] as T);
}

function randomMeaning(random: Random): Meaning {
  const names = shuffled(random, ["age", "blood group", "pain, chest", "smokes", "größe"]);
  const classes = pick(random, [["-1", "1"], ["false", "true"], ["no", "yes"], ["0", "1", "2"]]);
  const rows = Array.from({ length: 12 + random.below(20) }, (_, i) => {
    const gap = <T>(value: T) => i < 4 || random.uniform() > 0.15 ? value : undefined;
    return {
      "age": gap(random.below(900) / 10),
      "blood group": gap(["A", "B", "AB", "0 neg"][i % 4]),
      "pain, chest": gap(random.below(5) - 2),
      "smokes": gap(i % 2 === 0),
      "größe": gap(150 + random.below(50)),
      "class": classes[i % classes.length],
    };
  });
  return { names, rows, target: "class" };
}

/** Spells a value in one of the ways that mean the same. */
function spell(random: Random, value: number | string | boolean | undefined): string {
  if (value === undefined) return pick(random, ["", "NA", "?", "NaN", "null", "N/A"]);
  if (typeof value === "boolean") {
    return pick(random, value ? ["True", "true", "TRUE"] : ["False", "false", "FALSE"]);
  }
  const text = `${value}`;
  if (text === "true" || text === "false") {
    return pick(random, [text, text.toUpperCase(), `${text[0]?.toUpperCase()}${text.slice(1)}`]);
  }
  if (!Number.isFinite(Number(text))) return pick(random, [text, ` ${text}`, `${text} `]);
  const ways = [text, ` ${text}`, `${Number(text)}`];
  return pick(random, Number.isInteger(Number(text)) ? [...ways, `${text}.0`, `${text}.`] : ways);
}

/** Writes a table in one of its spellings; gives its path and the options to read it. */
async function write(random: Random, path: string, { names, rows, target }: Meaning) {
  const columns = shuffled(random, [...names, target]);
  const delimiter = pick(random, [",", ";", "\t"]);
  const end = pick(random, ["\n", "\r\n"]);
  const quote = (text: string) =>
    text.includes(delimiter) || random.uniform() < 0.1 ? `"${text}"` : text;
  const lines = [
    columns.map(quote),
    ...shuffled(random, rows).map((row) =>
      columns.map((column) => quote(spell(random, row[column])))
    ),
  ].map((fields) => fields.join(delimiter));
  await Deno.writeTextFile(
    path,
    `${random.uniform() < 0.3 ? "\uFEFF" : ""}${lines.join(end)}${end}`,
  );
  return { target, delimiter };
}

const sorted = (dataset: { features: Float32Array; rowLength: number; labels: Int32Array }) =>
  Array.from(
    dataset.labels,
    (label, i) =>
      [label, ...dataset.features.subarray(i * dataset.rowLength, (i + 1) * dataset.rowLength)]
        .join(),
  )
    .sort();

Deno.test(`${TABLES} random tables in different spellings give one schema and the same rows`, () =>
  inFolder(async (folder) => {
    for (let i = 0; i < TABLES; i++) {
      const random = new Random(i, "split");
      const meaning = randomMeaning(random);
      const policy = {
        missing: { "": { policy: pick(random, ["median", "most-frequent", "drop"] as const) } },
        inputs: meaning.names,
        unknownCategory: pick(random, ["error", "other"] as const),
      };
      const arranged = [];
      for (const site of ["a", "b"]) {
        const path = `${folder}/${site}.csv`;
        const table = { ...await write(random, path, meaning), ...policy };
        const source = await openData(path, { table });
        arranged.push({ source, own: await source.arrange(undefined) });
      }
      const [first, second] = arranged;
      assert(first?.own.train.schema && second?.own.train.schema);
      const [a, b] = [first.own.train.schema, second.own.train.schema];
      assertEquals(compareSchemas(a, b), undefined, `table ${i}`);
      assertEquals(await schemaDigest(a), await schemaDigest(b), `table ${i}`);
      const by = await second.source.arrange(a);
      assertEquals(by.train.schema, a);
      assertEquals(sorted(by.train), sorted(first.own.train), `table ${i}`);
    }
  }));

/** Changes a schema in one way that means something else. */
function changed(random: Random, schema: Schema): Schema {
  const copy = structuredClone(schema) as unknown as {
    inputs: {
      name: string;
      kind: string;
      unit?: string;
      categories?: string[];
      missing: unknown;
    }[];
    target: { classes: string[]; name: string };
  };
  const input = pick(random, copy.inputs);
  const number = copy.inputs.find(({ kind }) => kind === "number");
  const ways: (() => void)[] = [
    () => input.name = `${input.name}2`,
    () => copy.inputs.reverse(),
    () => copy.inputs.splice(copy.inputs.indexOf(input), 1),
    () => copy.target.classes.reverse(),
    () => copy.target.classes.push("another"),
    () => copy.target.name = "other",
    () => input.missing = { policy: "drop" },
    () => number && (number.unit = "kg"),
    () => copy.inputs.find(({ categories }) => categories)?.categories?.reverse(),
  ];
  pick(random, ways)();
  return copy as unknown as Schema;
}

Deno.test(`${TABLES} schemas with another name, kind, class, unit or policy are told apart in words`, async () => {
  const inputs = [
    { name: "age", kind: "number", missing: { policy: "mean", fill: 50 } },
    {
      name: "sex",
      kind: "category",
      categories: ["f", "m"],
      missing: { policy: "most-frequent", fill: "f" },
    },
    { name: "smokes", kind: "boolean", missing: { policy: "constant", fill: true } },
  ] as const;
  const schema: Schema = {
    format: "fedlab.schema/1",
    inputs,
    target: { name: "ill", task: "classification", classes: ["no", "yes"] },
  };
  for (let i = 0; i < TABLES; i++) {
    const other = changed(new Random(i, "split"), schema);
    assert(compareSchemas(schema, other)?.startsWith("expected "), `schema ${i}`);
    assertNotEquals(await schemaDigest(schema), await schemaDigest(other), `schema ${i}`);
  }
});
