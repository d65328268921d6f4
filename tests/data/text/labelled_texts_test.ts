import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { parseLabelledTexts } from "../../../src/data/text/labelled_texts.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("parseLabelledTexts() reads tables and JSON lines, and names what is wrong", () => {
  const parse = (text: string, name: string, options = {}) =>
    parseLabelledTexts(new TextEncoder().encode(text), { name, ...options });
  const two = { texts: ['a\n"b"', "007"], labels: ["x", "1.0"] };
  assertEquals(parse('\ufefftext,id,label\r\n"a\n""b""",1,x\r\n007,2,1.0', "t.csv"), two);
  assertEquals(
    parse('{"text":"a\\n\\"b\\"","label":"x"}\n\n{"label":"1.0","text":"007"}', "t.jsonl"),
    two,
  );
  const columns = { textColumn: "say", labelColumn: "k" };
  assertEquals(parse("k\tsay\n1\thi, you\n", "t.tsv", columns).texts, ["hi, you"]);
  for (
    const [text, name, message] of [
      ["a,b\n1,2\n", "t.csv", 'line 2: expected "text" beside a, b'],
      ["text,k,k\nhi,1,2\n", "t.csv", 'line 1: expected each column once, got "k" twice'],
      ["text,id,k\nhi,1,2\n", "t.csv", "got id, k, say which has the labels"],
      ["text;label\nhi;1\n", "t.csv", 'has 1 of the character ";"'],
      ['{"text":"\\ud800","label":"x"}', "t.jsonl", "expected texts of whole characters"],
      ["text\nhi\n", "t.csv", "line 2: expected labels beside text"],
      ["text,label\nhi\n", "t.csv", "line 2: expected 2 fields, got 1"],
      ["text,label\nhi,\n", "t.csv", "line 2: expected a label, got none"],
      ["text,label\n", "t.csv", "it has no texts"],
      ['text,label\n"hi,x', "t.csv", "is not closed"],
      ["{}\nx", "t.jsonl", 'line 1: expected "text"'],
      ["x", "t.jsonl", "line 1: expected JSON"],
      ["[1]", "t.jsonl", "line 1: expected an object"],
    ] as const
  ) assertThrows(() => parse(text, name), SyntaxError, message);
});

Deno.test("parseLabelledTexts() reads files as options and first lines say", () => {
  const two = { texts: ["é", "b"], labels: ["1", "2"] };
  const latin = Uint8Array.from("text;label\né;1\nb;2\n", (character) => character.charCodeAt(0));
  const options = { delimiter: ";", encoding: "windows-1252" };
  assertEquals(parseLabelledTexts(latin, { name: "t.csv", ...options }), two);
  const encoded = new TextEncoder();
  for (const text of ["sep=;\ntext;label\né;1\nb;2\n", "# by hand\ntext,label\né,1\nb,2\n"]) {
    const form = text.startsWith("#") ? { comment: "#" } : {};
    assertEquals(parseLabelledTexts(encoded.encode(text), { name: "t.csv", ...form }), two);
  }
  const lines = encoded.encode('{"text":"é","label":true,"who":7}\n');
  assertEquals(parseLabelledTexts(lines, { name: "t.jsonl", idColumn: "who" }), {
    texts: ["é"],
    labels: ["true"],
    ids: ["7"],
  });
  for (
    const [name, options, message] of [
      ["t.parquet", {}, "expected texts in a .csv, .tsv, .txt or .jsonl file, got .parquet"],
      ["t.jsonl", { delimiter: ";" }, "expected no delimiter with JSON lines"],
      ["t.csv", { delimiter: "" }, "expected a delimiter without quotes"],
      ["t.csv", { encoding: "none" }, "expected an encoding such as utf-8"],
    ] as const
  ) {
    assertThrows(() => parseLabelledTexts(lines, { name, ...options }), TypeError, message);
  }
});
