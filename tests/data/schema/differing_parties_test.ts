import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "jsr:@std/assert@1.0.19";
import { arraySource } from "../../../src/data/sources/array_source.ts";
import { arraySchema } from "../../../src/data/schema/array_schema.ts";
import { Dataset, loadDataset, type Schema } from "../../../src/data/mod.ts";
import { SchemaAgreement } from "../../../src/server/sessions/schema_agreement.ts";
import { agreedDigest } from "../../../src/train/agreed_schema.ts";
import { checkSchema } from "../../../src/train/arranged_samples.ts";
import { inFolder, startCommand } from "../../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../../helpers/fake_handler.ts";
import { IDX_BYTES, IDX_FLOATS, idxOf } from "../../helpers/idx.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const IMAGES = new URL("../../fixtures/images/", import.meta.url);
const DRAWN = "synthetic:rows=60,features=4,classes=3";

/** Writes a table of 12 rows. */
function table(path: string, header: string, row: (i: number) => string): Promise<void> {
  const rows = Array.from({ length: 12 }, (_, i) => row(i));
  return Deno.writeTextFile(path, [...header ? [header] : [], ...rows, ""].join("\n"));
}

/** Writes a folder with an IDX file of 20 samples and one of their labels. */
async function idxPair(folder: string, code: number, shape: number[], classes: number) {
  await Deno.mkdir(folder);
  const values = 20 * shape.reduce((product, size) => product * size, 1);
  const payload = new Uint8Array(values * (code === IDX_FLOATS ? 4 : 1));
  const samples = `${folder}/x-images-idx${shape.length + 1}-ubyte`;
  await Deno.writeFile(samples, idxOf(code, [20, ...shape], payload));
  const labels = Array.from({ length: 20 }, (_, row) => row % classes);
  await Deno.writeFile(`${folder}/x-labels-idx1-ubyte`, idxOf(IDX_BYTES, [20], labels));
}

/** Writes a folder of images with a folder for each class. */
async function images(folder: string, classes: readonly string[], image = "gray.png") {
  for (const name of classes) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
    await Deno.copyFile(new URL(image, IMAGES), `${folder}/${name}/1.png`);
  }
}

async function writeData(folder: string): Promise<void> {
  const word = (i: number) => i % 2 ? "yes" : "no";
  const at = (name: string) => `${folder}/${name}`;
  await table(at("words.csv"), "a,b,y", (i) => `${i},${i % 3},${word(i)}`);
  await table(at("numbers.csv"), "a,b,y", (i) => `${i},${i % 3},${i % 2}`);
  await table(at("bare.csv"), "", (i) => `${i},${i % 3},${word(i)}`);
  await table(at("wide.csv"), "", (i) => `${i},${i % 3},${i % 4},${word(i)}`);
  await table(at("unit.csv"), "a [cm],b,y", (i) => `${i},${i % 3},${word(i)}`);
  await table(at("letters.csv"), "a,b,y", (i) => `${i},${"uvw"[i % 3]},${word(i)}`);
  await table(at("measures.csv"), "a,b,y", (i) => `${i},${i % 3},${i + 0.5}`);
  await idxPair(at("bytes"), IDX_BYTES, [4, 5], 3);
  await idxPair(at("floats"), IDX_FLOATS, [4, 5], 3);
  await idxPair(at("turned"), IDX_BYTES, [5, 4], 3);
  await idxPair(at("flat"), IDX_BYTES, [20], 3);
  await idxPair(at("colors"), IDX_BYTES, [4, 5, 3], 3);
  await idxPair(at("more"), IDX_BYTES, [4, 5], 5);
  await images(at("pets"), ["cat", "dog"]);
  await images(at("wild"), ["dog", "fox"]);
  await images(at("digits-2"), ["0", "1"]);
  await images(at("color-pets"), ["cat", "dog"], "rgb.png");
}

/** Data and options of a client, and the end of the line that refuses it. */
type Stray = readonly [args: string, line: RegExp];

/** Data and options of a server, and clients that mean other things. */
const PARTIES: readonly [server: string, strays: readonly Stray[]][] = [
  [`${DRAWN},seed=1`, [
    [DRAWN, /expected the setting seed 1 of the generator gaussian-classes, got 0$/],
    [
      "synthetic:rows=60,features=4,classes=2,seed=1",
      /expected the setting classes 3 of the generator gaussian-classes, got 2$/,
    ],
    [
      "synthetic:rows=60,features=5,classes=3,seed=1",
      /expected the shape \[4\] of features, got \[5\]$/,
    ],
    ["words.csv", /expected data of the generator gaussian-classes, got a table$/],
    ["wide.csv", /expected data of the generator gaussian-classes, got a table$/],
  ]],
  ["words.csv", [
    [`${DRAWN},test=1`, /expected the column a, got data without columns$/],
    ["numbers.csv", /expected the classes no, yes; got 0, 1 \(line 2\)$/],
    ["bare.csv", /expected the column a, got columns without names, say /],
    ["unit.csv", /expected the column a without a unit, got cm$/],
    ["letters.csv", /line 2, column b: expected a number, got "u", correct it or /],
    ["measures.csv", /expected the classes no, yes; got 0.5, .* \(line 2\)$/],
    ["words.csv --target b", /expected the target y, got b$/],
    ["words.csv --target b>1", /expected the target y, got b>1$/],
    ["words.csv --feature-columns a", /expected the input b too, got a \(--feature-columns\)$/],
    ["words.csv --exclude-columns b", /expected the column b, got none of this name$/],
    ["words.csv --classes no,yes,maybe", /expected the classes no, yes; got maybe$/],
    ["words.csv --unit a=cm", /expected the column a without a unit, got cm$/],
    ["words.csv --scale 0.1", /got a shape or a scale \(--shape, --scale\)$/],
    ["words.csv --missing-values a=0", /line 2, column a: expected a number, got a missing /],
    ["words.csv --standardize", /expected --standardize of the server alone: /],
    ["digits", /expected the column a, got data without columns$/],
  ]],
  ["measures.csv --task regression", [
    ["words.csv", /line 2, column y: expected a number, got "no", correct it or /],
    ["numbers.csv --classes 0,1", /expected the task regression, got classes 0, 1 \(--classes\)$/],
  ]],
  ["bare.csv", [
    ["wide.csv", /expected 3 columns, got 4$/],
    ["words.csv", /expected columns without names, got the column a; /],
    ["synthetic:rows=60,features=2,classes=2", /expected the column column 1, got data without /],
  ]],
  ["bytes", [
    ["floats", /expected the scale 0.00392156862745098 of image, got 1$/],
    ["turned", /expected the shape \[4,5,1\] of image, got \[5,4,1\]$/],
    ["flat", /expected the kind image of image, got array$/],
    ["colors", /expected the shape \[4,5,1\] of image, got \[4,5,3\]$/],
    ["more", /expected the classes 0, 1, 2; got 3, 4$/],
    ["pets", /expected the classes 0, 1, 2; got cat, dog$/],
  ]],
  ["flat", [
    [
      "synthetic:rows=60,features=20,classes=3",
      /expected the generator none of features, got gaussian-classes$/,
    ],
  ]],
  ["pets", [
    ["wild", /expected the classes cat, dog; got fox$/],
    ["digits-2", /expected the classes cat, dog; got 0, 1$/],
    ["color-pets", /expected the shape \[4,5,1\] of image, got \[4,5,3\]$/],
    ["bytes", /expected the classes cat, dog; got 2$/],
  ]],
  ["digits", [[
    "synthetic:rows=60,features=64,classes=10",
    /expected the kind image of image, got array$/,
  ]]],
];

for (const [data, strays] of PARTIES) {
  Deno.test(`clients whose numbers mean other things do not train with a server of ${data}`, () =>
    inFolder(async (folder) => {
      await writeData(folder);
      const server = startCommand("server", [
        ...["--listen", "127.0.0.1:0", "--world-size", "3", "--model", "lr", "--rounds", "1"],
        ...["--join-seconds", "600", "--out", "run", "--data", ...data.split(" ")],
      ], folder);
      const [, address = ""] = await server.said(/Listening on tcp (\S+)/);
      const join = (args: string) =>
        startCommand("client", ["--server", address, "--data", ...args.split(" ")], folder).outcome;
      for (const [args, line] of strays) {
        const { code, stderr } = await join(args);
        const errors = stderr.split("\n").filter((one) => one.startsWith("error: "));
        assertEquals([code > 0, errors.length], [true, 1], `${args}: ${stderr}`);
        assertMatch(errors[0] ?? "", line);
      }
      // The server waits on: two clients of its own data train.
      const own = data.split(" ")[0] ?? "";
      const outcomes = await Promise.all([server.outcome, join(own), join(own)]);
      for (const { code, stderr } of outcomes) assertEquals(code, 0, stderr);
    }));
}

Deno.test("numbers that are names of classes are not those of other classes", async () => {
  const rows = (classes?: readonly string[]) =>
    Dataset.of({
      ...{ features: new Float32Array(4), targets: Int32Array.of(0, 1), shape: [2] },
      ...{ task: "classification", numClasses: 2 },
      schema: arraySchema({ shape: [2], numClasses: 2, classes }),
    });
  const { schema } = rows(["coat", "bag"]);
  assert(schema);
  const named = rows(["0", "1"]),
    numbered = rows(),
    message = "expected the classes coat, bag; got";
  const source = (train: Dataset) => arraySource({ name: "mnist", train });
  await assertRejects(() => source(named).arrange(schema), RangeError, `${message} 0, 1`);
  assertThrows(() => checkSchema(named.select([1]), schema), RangeError, `${message} 0, 1`);
  // Numbers of an array without names agree with the order of the classes.
  assertEquals((await source(numbered).arrange(schema)).train.numClasses, 2);
  checkSchema(numbered, schema);
  // The same names are the same classes.
  checkSchema(named, numbered.schema ?? schema);
});

/** Handler of data that are arranged by a schema. */
class DrawnHandler extends FakeHandler {
  readonly #schema: Schema | undefined;

  constructor(schema: Schema | undefined) {
    super(vectorManifest(1));
    this.#schema = schema;
  }

  override get schema(): Schema | undefined {
    return this.#schema;
  }
}

Deno.test("generated data in a program agree on the generator, with a schema or without", async () => {
  const { train: one } = await loadDataset(`${DRAWN},seed=1`);
  const { train: same } = await loadDataset(`${DRAWN.replace("60", "90")},seed=1`);
  const { train: other } = await loadDataset(`${DRAWN},seed=2`);
  const { schema } = one;
  assert(schema);
  const plain = new Dataset(one.features, one.labels, one.shape, one.numClasses);
  checkSchema(same, schema);
  for (
    const [data, line] of [
      [other, "expected the setting seed 1 of the generator gaussian-classes, got 2"],
      [plain, "expected data that state their generator in a schema, got data without one"],
    ] as const
  ) assertThrows(() => checkSchema(data, schema), RangeError, line);

  // A server without a schema compares the digests of its clients.
  const agreement = new SchemaAgreement(undefined);
  for (const { schema } of [one, same]) {
    agreement.check(await agreedDigest(new DrawnHandler(schema), undefined));
  }
  const digest = await agreedDigest(new DrawnHandler(other.schema), undefined);
  assertThrows(() => agreement.check(digest), Error, "of a client before");
});
