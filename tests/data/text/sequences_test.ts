import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { readAuthoredLines, splitLines } from "../../../src/data/text/roles.ts";
import { textSequences } from "../../../src/data/text/sequences.ts";
import { Vocabulary } from "../../../src/data/text/vocabulary.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROLES = `${Deno.env.get("FEDLAB_DATA") ?? "../shared/data"}/shakespeare/roles.jsonl.gz`;
const hasRoles = await Deno.stat(ROLES).then(() => true, () => false);
if (!hasRoles) console.warn(`skipped: no plays in ${ROLES}`);

Deno.test("Vocabulary has the bytes of texts, and refuses characters that it lacks", () => {
  const bytes = Vocabulary.bytes();
  assertEquals([bytes.size, bytes.symbols[2 + 65]], [258, "0x41"]);
  assertEquals(bytes.decode(bytes.encode("é\n")), "é\n");
  assertThrows(() => Vocabulary.ofCharacters("ab").encode("abc"), RangeError, 'got "c"');
});

Deno.test("textSequences() cuts windows that share a symbol, and lines that are too long", () => {
  const vocabulary = Vocabulary.ofCharacters("abcd\n");
  const windows = textSequences([["abc", "d"], ["a"]], { vocabulary, steps: 4, mode: "windows" });
  assertEquals([...windows.data.features], [1, 3, 4, 5, 2, 6, 0, 0, 1, 3, 0, 0]);
  assertEquals([...windows.data.targets], [3, 4, 5, 2, 6, 2, -1, -1, 3, 2, -1, -1]);
  assertEquals(windows.parts, [Uint32Array.of(0, 1), Uint32Array.of(2)]);
  const lines = textSequences([["abcd", ""]], { vocabulary, steps: 2 });
  assertEquals([...lines.data.targets], [3, 4, 2, -1]);
  assertEquals(lines.cut, 3);
  assertThrows(() => textSequences([], { vocabulary, steps: 1 }), RangeError, "got 1");
});

Deno.test("readAuthoredLines() names a line that is malformed", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (
      const [text, message] of [
        ['{"lines":["a"],"role":"A"}\nnonsense', "line 2: expected JSON"],
        ['{"role":"A"}', "line 1: expected an object whose lines"],
        ["\n", "it has no texts"],
        ['{"role":{},"lines":["a"]}', 'line 1: expected "role" to be a text or a number'],
        ['{"lines":["a\\nb"]}', "line 1: expected lines without line feeds"],
      ] as const
    ) {
      await Deno.writeTextFile(path, text);
      await assertRejects(() => readAuthoredLines(path), SyntaxError, message);
    }
    await Deno.writeTextFile(
      path,
      '{"play":"p","role":"A","lines":["a","b","c","d"]}\n{"lines":["x"]}',
    );
    const split = splitLines(await readAuthoredLines(path));
    assertEquals(split, { names: ["p/A"], train: [["a", "b", "c"]], test: [["d"]] });
    // Objects of one name are one author, and authors without a name stay apart.
    await Deno.writeTextFile(
      path,
      ['"role":1,"lines":["a"]', '"lines":["x"]', '"lines":["y"]', '"role":1,"lines":["b"]']
        .map((fields) => `{${fields}}\n`).join(""),
    );
    assertEquals(await readAuthoredLines(path), [
      { name: "1", lines: ["a", "b"] },
      { name: "line 2", lines: ["x"] },
      { name: "line 3", lines: ["y"] },
    ]);
    await Deno.writeFile(path, Uint8Array.from('{"lines":["é"]}', (one) => one.charCodeAt(0)));
    await assertRejects(() => readAuthoredLines(path), SyntaxError, "line 1: expected UTF-8");
    const [latin] = await readAuthoredLines(path, { encoding: "windows-1252" });
    assertEquals(latin?.lines, ["é"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test({
  name: "splitLines() divides Shakespeare's roles as the FedAvg paper does",
  ignore: !hasRoles,
  fn: dividesRoles,
});

async function dividesRoles(): Promise<void> {
  const authors = await readAuthoredLines(ROLES);
  const { names, train, test } = splitLines(authors);
  const count = (parts: readonly (readonly string[])[]) =>
    parts.flat().reduce((sum, line) => sum + line.length + 1, 0);
  assertEquals([authors.length, names.length], [1363, 1243]);
  assertEquals([train.flat().length, count(train), count(test)], [85_567, 3_435_879, 870_474]);
  const vocabulary = Vocabulary.ofTexts(["\n", ...train.flat(), ...test.flat()]);
  assertEquals(vocabulary.size, 74);
  const windows = textSequences(train, { vocabulary, steps: 80, mode: "windows" });
  const tested = textSequences(test, { vocabulary, steps: 80, mode: "windows" }).data;
  assertEquals([windows.data.length, tested.length], [43_581, 11_501]);
  assertEquals(tested.targets.filter((label) => label >= 0).length, 870_474);
  const lines = textSequences(train, { vocabulary, steps: 65 });
  assertEquals([lines.data.length, lines.cut], [85_567, 0]);
  assert(lines.parts.length === 1243);
}

Deno.test("Vocabulary names control characters, and is made of its names again", () => {
  const own = Vocabulary.ofCharacters("b\n\ta\u0085");
  assertEquals(own.symbols, ["<pad>", "<start>", "U+0009", "U+000A", "a", "b", "U+0085"]);
  for (const one of [own, Vocabulary.bytes()]) {
    const again = Vocabulary.ofSymbols(one.symbols);
    assertEquals([again.kind, again.symbols], [one.kind, one.symbols]);
    assertEquals(again.decode(again.encode("b\n\ta")), "b\n\ta");
  }
  assertEquals([own.has("\n"), own.has("U+000A"), own.has("c")], [true, false, false]);
  for (const wrong of [["a", "b"], ["<pad>", "<start>", "b", "a"], ["<pad>", "<start>", "aa"]]) {
    assertThrows(() => Vocabulary.ofSymbols(wrong), RangeError, "Cannot read the vocabulary");
  }
});
