import { assertEquals, assertNotEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { canonicalBytes } from "../../src/secure/canonical.ts";
import { readBody } from "../../src/wire/body_reader.ts";
import { encodeItem, loadEncoder } from "../../src/wire/cbor.ts";

Deno.test("canonicalBytes() gives a value the same bytes before a message and after it", async () => {
  await loadEncoder();
  const numbers = [0, -0, 1, -1, 0.1, -0.1, 5e-324, 1e300, 2 ** 24 + 1, 2 ** 53, -(2 ** 40)];
  const texts = ["", "é", "😀", "x".repeat(5000)];
  const value = { numbers, texts, others: [null, true, false, [], {}], more: { b: 1, a: [{}] } };
  const read = readBody(encodeItem(value).slice());
  assertEquals(canonicalBytes(read), canonicalBytes(value));
});

Deno.test("canonicalBytes() does not depend on the order of fields, and tells other values apart", () => {
  assertEquals(canonicalBytes({ a: 1, b: 2, c: undefined }), canonicalBytes({ b: 2, a: 1 }));
  const values = [[], {}, "", null, 0, false, true, [0], ["0"], [[]], { a: 1 }, { a: [1] }, [
    "a",
    1,
  ]];
  const texts = values.map((value) => canonicalBytes(value).toHex());
  assertEquals(new Set(texts).size, values.length);
  assertNotEquals(canonicalBytes({ a: { b: 1 } }), canonicalBytes({ a: {}, b: 1 }));
});

Deno.test("canonicalBytes() refuses what is not of JSON's types", () => {
  for (const value of [1n, undefined, () => {}, [undefined]]) {
    assertThrows(() => canonicalBytes(value), TypeError, "expected JSON");
  }
});
