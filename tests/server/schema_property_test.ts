import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import {
  type ClientBackendHandler,
  type Dataset,
  initialParameters,
  logisticRegression,
  type ModelDescription,
  NativeSGDHandler,
  Random,
  type SyncParameterServerHandlerOptions,
} from "../../mod.ts";
import type { RawTable } from "../../src/data/formats/raw_table.ts";
import { inputShape, numOutputs } from "../../src/data/schema/features.ts";
import { schemaDigest } from "../../src/data/schema/digest.ts";
import type { Schema } from "../../src/data/schema/schema.ts";
import { schemaOf } from "../../src/data/schema/schema_of.ts";
import { tableSource } from "../../src/data/sources/table_source.ts";
import { federate } from "../helpers/schemas.ts";
import {
  drawTable,
  type MeantColumn,
  type MeantTable,
  pick,
  readText,
  rowsOf,
  writeTable,
} from "../helpers/spelled_tables.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CASES = 200;
const ROWS = 18;
const SITES = 2;

/** Case of a federation: the table that all sites have together, and the server's part. */
interface Case {
  readonly random: Random;
  readonly whole: MeantTable;
  readonly sites: readonly MeantTable[];
  readonly schema: Schema;
  readonly server: SyncParameterServerHandlerOptions;
}

const models = new Map<string, ModelDescription>();

async function drawCase(seed: number): Promise<Case> {
  const random = new Random(seed, "test");
  const whole = drawTable(random, ROWS);
  const units = Object.fromEntries(
    whole.columns.flatMap(({ name, unit }) => unit === undefined ? [] : [[name, unit]]),
  );
  const schema = schemaOf([readText("whole.csv", writeTable(whole))], {
    units,
    target: "ill",
    categories: whole.columns.filter(({ kind }) => kind === "category").map(({ name }) => name),
    missing: {
      "": { policy: pick(random, ["most-frequent", "drop"]) },
      ...Object.fromEntries(
        whole.columns.filter(({ kind }) => kind === "number").map(({ name }) =>
          [name, {
            policy: pick(random, ["mean", "median"]),
            indicator: random.below(2) === 0,
          }] as const
        ),
      ),
    },
    standardize: random.below(2) === 0,
  });
  const shape = inputShape(schema), numClasses = numOutputs(schema);
  const key = `${shape} ${numClasses}`;
  const model = models.get(key) ?? logisticRegression({ inputShape: shape, numClasses });
  models.set(key, model);
  const order = Array.from(random.permutation(ROWS));
  const sites = Array.from(
    { length: SITES },
    (_, site) => rowsOf(whole, order.filter((_, i) => i % SITES === site)),
  );
  const server = {
    ...await initialParameters(model, 1),
    ...{ model, schema, plan: { batchSize: 0, learningRate: 0.01 } },
  };
  return { random, whole, sites, schema, server };
}

function clientOf(table: RawTable): ClientBackendHandler {
  return new NativeSGDHandler({ data: tableSource({ train: table }) });
}

Deno.test(`${CASES} tables that mean the same give one digest, however each site spells and orders them`, async () => {
  for (let seed = 1; seed <= CASES; seed++) {
    const { random, sites, schema, server } = await drawCase(seed);
    const plain = await federate(
      server,
      sites.map((site, i) => clientOf(readText(`site${i}.csv`, writeTable(site)))),
    );
    const texts = sites.map((site) => writeTable(site, random));
    const spelled = await federate(
      server,
      texts.map((text, i) => clientOf(readText(`site${i}.csv`, text))),
    );
    const told = `seed ${seed}: ${spelled.fates.concat(plain.fates)}\n${
      texts.map(({ text }) => text).join("\n")
    }`;
    assertEquals([...plain.fates, ...spelled.fates], Array(2 * SITES).fill(undefined), told);
    assertEquals(spelled.report?.modelDigest, plain.report?.modelDigest, told);
    assertEquals(spelled.report?.schemaDigest, await schemaDigest(schema));
    assert(spelled.report?.rounds[0]?.received === SITES, told);
  }
});

/** Change of one site's meaning; `undefined` where the table gives no occasion. */
type Change = (random: Random, site: MeantTable) => MeantTable | undefined;

function changed(
  site: MeantTable,
  column: MeantColumn | undefined,
  fields: Partial<MeantColumn>,
): MeantTable | undefined {
  if (column === undefined) return undefined;
  const of = (one: MeantColumn) => one === column ? { ...one, ...fields } : one;
  return { columns: site.columns.map(of), target: of(site.target) };
}

function ofKind({ columns }: MeantTable, kind: MeantColumn["kind"]): MeantColumn | undefined {
  return columns.find((column) => column.kind === kind);
}

/** Replaces a value in a row without gaps, which no policy leaves out. */
function withValue(
  site: MeantTable,
  column: MeantColumn | undefined,
  value: string | null,
): MeantTable | undefined {
  const place = site.target.values.findIndex((_, row) =>
    site.columns.every(({ values }) => values[row] !== null)
  );
  if (place < 0 || column === undefined) return undefined;
  return changed(site, column, { values: column.values.with(place, value) });
}

const CHANGES: Readonly<Record<string, Change>> = {
  "another name": (random, site) =>
    changed(site, pick(random, site.columns), { name: pick(random, ["height", "AGE", "größe2"]) }),
  "no such column": (random, site) => {
    const without = pick(random, site.columns);
    return { ...site, columns: site.columns.filter((one) => one !== without) };
  },
  "one name twice": (random, site) => {
    const twice = pick(random, site.columns);
    return { ...site, columns: [...site.columns, { ...twice, values: twice.values.toReversed() }] };
  },
  "another target": (_, site) => changed(site, site.target, { name: "outcome" }),
  "an unknown class": (random, site) =>
    withValue(site, site.target, pick(random, ["maybe", "2", "Yes", "NO"])),
  "no target": (_, site) => withValue(site, site.target, null),
  "a text in a number column": (_, site) => withValue(site, ofKind(site, "number"), "old"),
  "a number that is not finite": (_, site) => withValue(site, ofKind(site, "number"), "Infinity"),
  "an unknown category": (_, site) => withValue(site, ofKind(site, "category"), "somewhere else"),
  "neither true nor false": (random, site) =>
    withValue(site, ofKind(site, "boolean"), pick(random, ["2", "perhaps"])),
};

/** Returns a table whose header states a unit for its first number column. */
function withUnit(site: MeantTable, schema: Schema): string | undefined {
  const column = ofKind(site, "number");
  if (column === undefined) return undefined;
  const input = schema.inputs.find(({ name }) => name === column.name);
  const unit = input?.kind === "number" && input.unit === "years" ? "months" : "years";
  const { text } = writeTable(changed(site, column, { name: `${column.name} [${unit}]` }) ?? site);
  return text;
}

/** Returns the schema with another preprocessing. */
function preprocessed(schema: Schema): Schema {
  const [first, ...others] = schema.inputs;
  assert(first && !("shape" in first));
  const fill = first.kind === "category" ? first.categories[0] ?? "" : true;
  const missing = first.missing?.policy === "drop"
    ? { policy: "constant", fill } as const
    : { policy: "drop" } as const;
  const other = first.kind === "number"
    ? { ...first, standardize: { mean: 0.5, deviation: 2 } }
    : { ...first, missing };
  return { ...schema, inputs: [other, ...others] };
}

/** Makes the client of a site that means something else. */
async function strayClient(
  kind: string,
  { random, schema }: Case,
  site: MeantTable,
): Promise<ClientBackendHandler | Error | undefined> {
  if (kind === "another unit") {
    const text = withUnit(site, schema);
    const form = { delimiter: ",", decimal: ".", lineEnd: "\n", blanks: false } as const;
    return text === undefined ? undefined : clientOf(readText("stray.csv", { text, form }));
  }
  if (kind === "another preprocessing" || kind === "another order") {
    const other = kind === "another order"
      ? { ...schema, inputs: schema.inputs.toReversed() }
      : preprocessed(schema);
    const table = readText("stray.csv", writeTable(site, random));
    const data: Dataset = (await tableSource({ train: table }).arrange(other)).train;
    return new NativeSGDHandler({ data });
  }
  const meant = CHANGES[kind]?.(random, site);
  if (meant === undefined) return undefined;
  const text = writeTable(meant, random);
  try {
    return clientOf(readText("stray.csv", text));
  } catch (error) {
    // The client has ended before it could join.
    assert(error instanceof Error);
    return error;
  }
}

Deno.test(`${CASES} tables that differ in names, kinds, classes, preprocessing or units end no run well`, async () => {
  const kinds = [
    ...Object.keys(CHANGES),
    ...["another unit", "another preprocessing", "another order"],
  ];
  const seen = new Map<string, number>();
  for (let seed = 1001, done = 0; done < CASES; seed++) {
    const kind = kinds[seed % kinds.length] ?? "";
    const drawn = await drawCase(seed);
    const [site, other] = drawn.sites;
    assert(site && other);
    const stray = await strayClient(kind, drawn, site);
    if (stray === undefined) continue;
    const fine = clientOf(readText("fine.csv", writeTable(other)));
    const { fates: [fate, fateOfOther], report } = stray instanceof Error
      ? { fates: [stray, undefined], report: undefined }
      : await federate(drawn.server, [stray, fine]);
    const told = `seed ${seed}, ${kind}: ${fate}`;
    assert(fate instanceof Error, told);
    assertMatch(fate.message, /^Cannot (?:use|train|read|join)[^\n]*: [^\n]+$/, told);
    assertEquals(report, undefined, told);
    // The other one learns from the server that there was no run.
    assert(fateOfOther !== fate, told);
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    done++;
  }
  assertEquals([...seen.keys()].sort(), [...kinds].sort());
});
