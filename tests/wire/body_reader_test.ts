import { assertEquals, assertStrictEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { ProtocolError } from "../../src/base/errors.ts";
import { Random } from "../../src/base/random.ts";
import { readBody } from "../../src/wire/body_reader.ts";
import { encodeItem } from "../../src/wire/cbor.ts";
import { loadEncoder } from "../../src/wire/cbor.ts";
import { CborWriter, MAP } from "../../src/wire/cbor_writer.ts";

await loadEncoder();

const SCALARS: readonly unknown[] = [
  ...[0, -0, 1, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 53 - 1],
  ...[-1, -24, -25, -256, -257, -65_537, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 32), -(2 ** 32) - 1],
  ...[0.5, -1e-300, NaN, Infinity, -Infinity, true, false, null],
  ...["", "a", "größe", "\uFEFFmark", "\u{1F600}", "__proto", "é".repeat(40)],
  ...[23, 24, 31, 32, 33, 64, 65, 255, 256, 70_000].map((length) => "x".repeat(length)),
];

function randomValue(random: Random, depth: number): unknown {
  const kind = random.below(depth > 3 ? 8 : 10);
  if (kind < 8) return SCALARS[random.below(SCALARS.length)];
  const values = Array.from({ length: random.below(4) }, () => randomValue(random, depth + 1));
  if (kind === 8) return values;
  return Object.fromEntries(values.map((value, i) => [`key ${random.below(500)} ${i}`, value]));
}

/** Returns the bytes in memory of their own, as a body has them. */
function bodyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

Deno.test("readBody() reads what cbor-x writes", () => {
  const random = new Random(1, "test");
  for (let i = 0; i < 2000; i++) {
    const map = { value: randomValue(random, 0), [`${random.below(1000)}`]: i };
    assertEquals(readBody(bodyOf(encodeItem(map))), map);
  }
});

Deno.test("CborWriter writes scalars and lists as cbor-x does", () => {
  const writer = new CborWriter();
  const lists = [[], ["eden", "int8:64"], SCALARS, [[1, "a"], [[]], { a: [1] }]];
  for (const value of [...SCALARS, ...lists]) {
    writer.begin(0);
    writer.item(value);
    assertEquals(writer.take(), bodyOf(encodeItem(value)), String(value).slice(0, 20));
  }
});

Deno.test("CborWriter keeps what was written when its buffer grows", () => {
  const writer = new CborWriter();
  writer.begin(0);
  writer.head(MAP, 300);
  const map: Record<string, unknown> = {};
  for (let i = 0; i < 300; i++) {
    const key = `key ${i}`;
    const value = map[key] = SCALARS[i % 40];
    writer.item(key);
    writer.item(value);
  }
  assertEquals(readBody(writer.take()), map);
});

Deno.test("readBody() reads numbers of every length", () => {
  const bytes = Uint8Array.of(
    ...[0xA6, 0x61, 0x61, 0xF9, 0x3E, 0x00],
    ...[0x61, 0x62, 0xF9, 0x00, 0x01],
    ...[0x61, 0x63, 0xF9, 0xFC, 0x00],
    ...[0x61, 0x64, 0xFA, 0x3F, 0xC0, 0x00, 0x00],
    ...[0x61, 0x65, 0x1B, 0x00, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    ...[0x61, 0x66, 0x3B, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00],
  );
  assertEquals(readBody(bytes), {
    ...{ a: 1.5, b: 2 ** -24, c: -Infinity, d: 1.5 },
    ...{ e: Number.MAX_SAFE_INTEGER, f: -(2 ** 32) - 1 },
  });
});

Deno.test("readBody() gives the key __proto__ no effect", () => {
  const key = [0x69, ...new TextEncoder().encode("__proto__")];
  const map = readBody(Uint8Array.of(0xA1, ...key, 0xA1, 0x61, 0x61, 0x01)) as object;
  assertStrictEquals(Object.getPrototypeOf(map), Object.prototype);
  assertEquals(Object.keys(map), ["__proto__"]);
  assertThrows(
    () => readBody(Uint8Array.of(0xA2, ...key, 0x01, ...key, 0x02)),
    ProtocolError,
    'key "__proto__" stands twice',
  );
});

Deno.test("readBody() tells texts apart that share a place in the table", () => {
  const texts = Array.from({ length: 5000 }, (_, i) => `text ${i}`);
  for (let repetition = 0; repetition < 2; repetition++) {
    for (let at = 0; at < texts.length; at += 20) {
      const map = Object.fromEntries(texts.slice(at, at + 20).map((text) => [text, text]));
      assertEquals(readBody(bodyOf(encodeItem(map))), map);
    }
  }
});
