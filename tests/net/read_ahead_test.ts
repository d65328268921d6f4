import { assertEquals } from "@std/assert";
import { ReadAheadSize } from "../../src/net/read_ahead.ts";

Deno.test("A connection reads ahead as much as its small frames have", () => {
  const size = new ReadAheadSize();
  assertEquals(size.bytes, 1024);
  size.note(900);
  assertEquals(size.bytes, 1024);
  size.note(8100);
  assertEquals(size.bytes, 9 * 1024);
  size.note(20);
  assertEquals(size.bytes, 9 * 1024);
  size.note(1_000_000);
  assertEquals(size.bytes, 9 * 1024);
  size.close();
});

Deno.test("Connections read ahead the least together when there are many", () => {
  const size = new ReadAheadSize();
  size.note(8100);
  const others = Array.from({ length: 4000 }, () => new ReadAheadSize());
  assertEquals(size.bytes, 1024);
  for (const other of others) {
    other.close();
    other.close();
  }
  assertEquals(size.bytes, 9 * 1024);
  size.close();
});
