import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { loadDataset } from "../../../mod.ts";
import { openData } from "../../../src/data/catalog/load.ts";
import { parseTextForm, type TextForm } from "../../../src/data/text/form.ts";
import { textSource } from "../../../src/data/text/text_source.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const AUTHORS = [
  { name: "p/ANN", lines: ["ab", "b", "", "a", "abc"] },
  { name: "p/BOB", lines: ["only"] },
  { name: "p/CY", lines: ["ca", "b"] },
];

const sourceOf = (form: TextForm = {}, authors = AUTHORS) =>
  textSource({ name: "notes", authors, form });

Deno.test("parseTextForm() reads a mode and options, and names what is wrong", () => {
  assertEquals(parseTextForm("windows"), { mode: "windows" });
  assertEquals(parseTextForm("lines,steps=9,symbols=bytes,least=5"), {
    ...{ mode: "lines", steps: 9, symbols: "bytes", least: 5 },
  });
  assertEquals(parseTextForm("steps=9"), { steps: 9 });
  for (
    const [text, message] of [
      ["", 'form of texts "": expected lines or windows'],
      ["words", "expected lines or windows"],
      ["lines,steps", "got steps in it"],
      ["lines,steps=many", "expected steps to be a number, got many"],
      ["lines,steps=1", "a whole number of steps from 2 to 65536, got 1"],
      ["lines,least=-1", "a whole number of characters from 0, got -1"],
      ["lines,symbols=words", "expected symbols=characters or symbols=bytes, got words"],
      ["lines,size=2", "one of the options steps, least, symbols, got size"],
    ] as const
  ) {
    assertThrows(() => parseTextForm(text), Error, message);
  }
});

Deno.test("textSource() splits the lines of authors, whose names are the ids of rows", async () => {
  const { train, test, ids, notes } = await sourceOf().arrange(undefined);
  assertEquals(ids, ["p/ANN", "p/ANN", "p/ANN", "p/ANN", "p/CY"]);
  // Symbols: padding, start, line feed, a, b, c. The longest line takes four steps.
  assertEquals([train.numClasses, train.outputs, test?.length], [6, 4, 2]);
  assertEquals([...train.features.subarray(0, 8)], [1, 3, 4, 0, 1, 4, 0, 0]);
  assertEquals([...train.targets.subarray(0, 8)], [3, 4, 2, -1, 4, 2, -1, -1]);
  assertEquals(notes, ["Left out 1 authors with less than two lines"]);
  const cut = await sourceOf({ steps: 2 }).arrange(undefined);
  assertEquals(cut.notes[1], "Cut off 4 characters of lines longer than 2 steps");
  const bytes = await sourceOf({ symbols: "bytes", mode: "windows" }).arrange(undefined);
  assertEquals([bytes.train.numClasses, bytes.train.outputs], [258, 80]);
  assertThrows(() => sourceOf({ least: 99 }), RangeError, "two lines and 99 characters or more");
  assertThrows(
    () => sourceOf({}, []),
    RangeError,
    "expected an author of two lines or more, got 0",
  );
});

Deno.test("textSource() takes symbols, steps and mode of a schema, and refuses another form", async () => {
  const wanted = (await sourceOf({ steps: 7 }).arrange(undefined)).train.schema;
  const own = [{ name: "DI", lines: ["cab", "c"] }];
  const { train, ids } = await sourceOf({}, own).arrange(wanted);
  assertEquals([train.schema, ids, train.outputs], [wanted, ["DI"], 7]);
  assertEquals([...train.features], [1, 5, 3, 4, 0, 0, 0]);
  for (
    const [form, message] of [
      [{ mode: "windows" }, "expected texts as lines, got windows"],
      [{ steps: 8 }, "expected sequences of 7 steps, got 8"],
      [{ symbols: "bytes" }, "expected the symbols characters, got bytes"],
    ] as const
  ) {
    await assertRejects(() => sourceOf(form, own).arrange(wanted), RangeError, message);
  }
  const other = [{ name: "ED", lines: ["ab", "aé"] }];
  await assertRejects(
    () => sourceOf({}, other).arrange(wanted),
    RangeError,
    'Cannot use notes: expected characters of the schema, got "é" in a line of ED',
  );
  const { train: digits } = await loadDataset("digits");
  await assertRejects(
    () => sourceOf().arrange(digits.schema),
    RangeError,
    "expected data with the input image, got texts",
  );
  const images = await openData("digits");
  await assertRejects(() => images.arrange(wanted), RangeError, "Cannot use digits: expected the ");
});

Deno.test("openData() reads texts of a file, and refuses options that they lack", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    const path = `${dataDir}/notes.jsonl`;
    const rows = AUTHORS.map(({ name, lines }) => JSON.stringify({ name, lines }));
    await Deno.writeTextFile(path, rows.join("\n"));
    const { train } = await loadDataset(path, { sequences: { mode: "windows", steps: 5 } });
    assertEquals([train.length, train.outputs], [3, 5]);
    for (
      const [options, message] of [
        [{ standardize: true }, "no --standardize with texts"],
        [{ testShare: 0.5 }, "no --test-share with texts"],
        [{ sites: true }, "no --sites with texts"],
      ] as const
    ) {
      await assertRejects(() => openData(path, { ...options, sequences: {} }), RangeError, message);
    }
    await assertRejects(
      () => openData("shakespeare:windows", { dataDir }),
      Deno.errors.NotFound,
      `expected the file ${dataDir}/shakespeare/roles.jsonl.gz with a JSON object`,
    );
    await assertRejects(
      () => openData("shakespeare", { dataDir, sequences: {} }),
      RangeError,
      "expected the form of its texts behind the name, such as shakespeare:windows",
    );
    for (const [name, texts] of [["digits"], [path, { tokenizer: "t.json" }]] as const) {
      await assertRejects(
        () => openData(name, { sequences: {}, ...texts && { texts } }),
        RangeError,
        `Cannot use ${name}: expected a file of texts by author with a form of sequences`,
      );
    }
    await assertRejects(() => openData("shakespeare:verse"), SyntaxError, "expected lines or");
    await Deno.writeTextFile(path, String.raw`{"name":"x","lines":["\ud800","b"]}`);
    await assertRejects(
      () => openData(path, { sequences: {} }),
      SyntaxError,
      "line 1: expected texts of whole characters",
    );
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
