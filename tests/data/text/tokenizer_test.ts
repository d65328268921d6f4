import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { createHash } from "node:crypto";
import { loadDataset, openData } from "../../../src/data/catalog/load.ts";
import { partitionDirichlet } from "../../../src/data/partition/dirichlet.ts";
import { arraySource } from "../../../src/data/sources/array_source.ts";
import { tokenDataset } from "../../../src/data/text/token_dataset.ts";
import { TextTokenizer } from "../../../src/data/text/tokenizer.ts";
import { smallTokenizer } from "../../helpers/encoder/small_tokenizer.ts";
import { hasMinilm, MINILM, MINILM_SHA256 } from "../../helpers/minilm.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const DATA = Deno.env.get("FEDLAB_DATA") ?? "../shared/data";
const BANKING = `${DATA}/banking77`;
const hasTexts = await Deno.stat(BANKING).then(() => true, () => false);
if (!hasTexts) console.warn(`skipped: no texts in ${BANKING}`);
const isThere = await hasMinilm("tokens of BANKING77") && hasTexts;

/** Number of tokens of each text and of all, by Python's `tokenizers`, as a digest of each set. */
const SETS = {
  train: "a20e26921c91538491a50438c757417579b001ae57abe9dae8fecc854932eaad",
  test: "e023a29c10d89b5744ae3905f2025cf81317098e3c272d27ead100f1c9421c68",
};

Deno.test("TextTokenizer neither pads nor cuts as its file says, and counts what it cuts", async () => {
  const tokenizer = await TextTokenizer.open(smallTokenizer(), { maxTokens: 5 });
  assertEquals(tokenizer.size, 8);
  assertEquals([...tokenizer.encode("My cards").ids], [2, 4, 5, 6, 3]);
  assertEquals(tokenizer.encode(""), { ids: Uint32Array.of(2, 3), cut: 0, unknown: 0 });
  // The end of the text is marked all the same.
  assertEquals(tokenizer.encode("my cards lost my card"), {
    ids: Uint32Array.of(2, 4, 5, 6, 3),
    cut: 3,
    unknown: 0,
  });
});

Deno.test("TextTokenizer makes a token of padding that a text spells out an unknown one", async () => {
  const tokenizer = await TextTokenizer.open(smallTokenizer());
  assertEquals(tokenizer.encode("my [PAD] 🦕 card"), {
    ids: Uint32Array.of(2, 4, 1, 1, 5, 3),
    cut: 0,
    unknown: 2,
  });
});

Deno.test("TextTokenizer.open() refuses other files, and padding that is not token 0", async () => {
  const open = (bytes: Uint8Array<ArrayBuffer>, options = {}) => TextTokenizer.open(bytes, options);
  await assertRejects(
    () => open(smallTokenizer(), { sha256: "0".repeat(64) }),
    RangeError,
    `expected the SHA-256 ${"0".repeat(64)}, got `,
  );
  await assertRejects(() => open(smallTokenizer(), { maxTokens: 2 }), RangeError, "from 3, got 2");
  const text = (words: string) => new TextEncoder().encode(words);
  await assertRejects(() => open(text("no JSON")), SyntaxError, "Cannot use the tokenizer: ");
  await assertRejects(() => open(text('{"model":1}')), SyntaxError, "expected a tokenizer.json");
  await assertRejects(
    () => open(smallTokenizer({ padding: { pad_id: 1 } })),
    SyntaxError,
    "expected the padding to be token 0, got 1",
  );
  await assertRejects(() => TextTokenizer.open("none.json"), Deno.errors.NotFound, "none.json");
});

Deno.test("tokenDataset() has the tokenizer in its schema, and counts texts that lose", async () => {
  const tokenizer = await TextTokenizer.open(smallTokenizer(), { maxTokens: 4 });
  const texts = { texts: ["my card lost", "", "Ärger"], labels: ["b", "a", "b"] };
  const { data, ...counts } = tokenDataset(texts, { tokenizer });
  assertEquals([...data.features], [2, 4, 5, 3, 2, 3, 0, 0, 2, 1, 3, 0]);
  assertEquals([[...data.labels], data.shape, data.numClasses], [[1, 0, 1], [4], 2]);
  assertEquals(counts, { cutTexts: 1, emptyTexts: 1, unknownTokens: 1 });
  assertThrows(
    () => tokenDataset(texts, { tokenizer, classes: ["b"] }),
    RangeError,
    'expected one of 1 labels for text 2, got "a"',
  );
  const other = await TextTokenizer.open(smallTokenizer({ version: "1.1" }), { maxTokens: 4 });
  const { schema } = tokenDataset(texts, { tokenizer: other }).data;
  await assertRejects(
    () => arraySource({ name: "texts", train: data }).arrange(schema),
    RangeError,
    "expected the tokenizer",
  );
});

Deno.test({
  name: "loadDataset() gives the token numbers of Python for all texts of BANKING77",
  ignore: !isThere,
  async fn() {
    const { train, test, classes } = await loadDataset("banking77", {
      dataDir: DATA,
      texts: {
        tokenizer: `${MINILM}/tokenizer.json`,
        tokenizerSha256: MINILM_SHA256.tokenizer,
      },
    });
    assert(test);
    assertEquals([train.length, test.length, classes?.length], [10_003, 3_080, 77]);
    assertEquals(train.schema, test.schema);
    for (const [name, data] of Object.entries({ train, test })) {
      const hash = createHash("sha256");
      const [steps = 0] = data.shape;
      for (let row = 0; row < data.length; row++) {
        const ids = data.features.subarray(row * steps, (row + 1) * steps);
        const length = ids.findLastIndex((id) => id !== 0) + 1;
        hash.update(new Uint8Array(Int32Array.of(length, ...ids.subarray(0, length)).buffer));
      }
      assertEquals(hash.digest("hex"), SETS[name as keyof typeof SETS], name);
    }
    const parts = partitionDirichlet(train, 20, { alpha: 0.5, seed: 1 });
    assertEquals(parts.reduce((sum, { length }) => sum + length, 0), 10_003);
  },
});

Deno.test("openData() of texts notes what they lose, and refuses other data", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const tokenizer = `${folder}/tokenizer.json`;
    await Deno.writeFile(tokenizer, smallTokenizer());
    await Deno.writeTextFile(`${folder}/train.csv`, "say,intent\nmy card lost,b\n,a\n");
    await Deno.writeTextFile(`${folder}/test.csv`, "say,intent\n🦕,a\n");
    const texts = { tokenizer, maxTokens: 4, textColumn: "say" };
    const { train, test, notes } = await (await openData(folder, { texts })).arrange(undefined);
    assertEquals([train.length, test?.length, train.numClasses], [2, 1, 2]);
    assertEquals(notes, [
      "1 of 2 texts to train on were cut to 4 tokens",
      "1 of 2 texts to train on are empty",
      "1 tokens of 1 texts to test on are unknown to the tokenizer",
    ]);
    const { train: alone } = await loadDataset(`${folder}/train.csv`, { texts });
    assertEquals(alone.features, train.features);
    await assertRejects(() => openData("digits", { texts }), RangeError, "Cannot use digits");
    for (
      const [options, message] of [
        [{ standardize: true }, "without the option standardize (--standardize)"],
        [{ table: { excludeColumns: ["x"] } }, "(--exclude-columns)"],
        [
          { table: { classes: ["b"] } },
          'to train on: expected one of 1 labels for text 2, got "a"',
        ],
      ] as const
    ) await assertRejects(() => openData(folder, { texts, ...options }), RangeError, message);
    const empty = "say,intent\n,a\n,b\n";
    await Deno.writeTextFile(`${folder}/test.csv`, empty);
    await assertRejects(() => openData(folder, { texts }), RangeError, "got 2 empty texts");
    const measures = Array.from({ length: 30 }, (_, i) => `card,${i * 1.37}`);
    const measured = `${folder}/m.csv`;
    await Deno.writeTextFile(measured, `say,y\n${measures.join("\n")}\n`);
    await assertRejects(
      async () => await (await openData(measured, { texts })).arrange(undefined),
      RangeError,
      "expected classes as labels, got 30 numbers for 30 texts",
    );
    await assertRejects(
      () => openData("banking77", { dataDir: folder }),
      Deno.errors.NotFound,
      "name the model's tokenizer.json (option tokenizer, --tokenizer)",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openData() of texts takes sites, several files and ids, which follow a split", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const tokenizer = `${folder}/tokenizer.json`;
    await Deno.writeFile(tokenizer, smallTokenizer());
    await Deno.mkdir(`${folder}/banks`);
    const rows = (label: string) => Array(4).fill(`my card,${label},x`).join("\n");
    await Deno.writeTextFile(`${folder}/banks/b1.csv`, `text,label,who\n${rows("a")}\n`);
    await Deno.writeTextFile(`${folder}/banks/b2.csv`, `label,text,who\nb,lost,y\nb,lost,x\n`);
    const texts = { tokenizer, maxTokens: 4 };
    const idsOf = async (path: string, options: object) => {
      const source = await openData(path, { texts, ...options });
      const { train, test, ids } = await source.arrange(undefined);
      assertEquals(source.hasIds, ids && true);
      return { ids, labels: [...train.labels], tested: test?.length };
    };
    const banks = [...Array(4).fill("b1"), "b2", "b2"], labels = [0, 0, 0, 0, 1, 1];
    assertEquals(await idsOf(`${folder}/banks`, { sites: true }), {
      ids: banks,
      labels,
      tested: undefined,
    });
    const split = await idsOf(`${folder}/banks`, { sites: true, testShare: 1 / 3 });
    assertEquals([split.tested, split.labels.length], [2, 4]);
    assertEquals(split.ids, split.labels.map((label) => label === 0 ? "b1" : "b2"));
    assertEquals(await idsOf(`${folder}/banks/b*.csv`, {}), {
      ids: undefined,
      labels,
      tested: undefined,
    });
    const { ids } = await idsOf(`${folder}/banks/b2.csv`, { table: { idColumn: "who" } });
    assertEquals(ids, ["y", "x"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
