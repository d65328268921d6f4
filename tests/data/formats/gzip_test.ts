import { constants, gzipSync } from "node:zlib";
import { Random } from "../../../src/base/random.ts";
import { gunzip } from "../../../src/data/formats/gzip.ts";
import { gunzipAtOnce } from "../../../src/data/formats/gzip_at_once.ts";
import { assertEquals, assertRejects } from "@std/assert";

/** Bytes that hardly compress: their gzip is long enough to be decompressed in one step. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const random = new Random(5, "test");
  return new Uint8Array(Uint32Array.from({ length: length / 4 }, () => random.uint32()).buffer);
}

const RAW = noise(3_000_000);
const room = (length: number) => new Uint8Array(length);

function packed(raw: Uint8Array = RAW): Uint8Array<ArrayBuffer> {
  return new Uint8Array(gzipSync(raw, { level: constants.Z_BEST_SPEED }));
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test("gunzip() decompresses long data in one step, into the caller's memory", async () => {
  const rooms: number[] = [];
  const shared = (length: number) => {
    rooms.push(length);
    return new Uint8Array(new SharedArrayBuffer(length)) as unknown as Uint8Array<ArrayBuffer>;
  };
  assertEquals(await gunzip(packed(), "noise", () => RAW.length, shared), RAW);
  assertEquals(rooms, [RAW.length + 1]);
});

Deno.test("gunzipAtOnce() takes data of the expected size alone, of any number of members", async () => {
  const members = joined(packed(RAW.subarray(0, 1_000_000)), packed(RAW.subarray(1_000_000)));
  assertEquals(await gunzipAtOnce(packed(), () => RAW.length, room), RAW);
  assertEquals(await gunzipAtOnce(members, () => RAW.length, room), RAW);
  for (const limit of [RAW.length - 1, RAW.length + 1, undefined, 2 ** 40]) {
    assertEquals(await gunzipAtOnce(packed(), () => limit, room), undefined);
  }
});

Deno.test("gunzip() refuses long data that are damaged or cut off", async () => {
  const good = packed();
  const flipped = (at: number) => good.with(at, (good.at(at) ?? 0) ^ 0x55);
  const faulty = {
    checksum: flipped(good.length - 6),
    length: flipped(good.length - 2),
    content: flipped(good.length >> 1),
    header: flipped(0),
    "cut in the length": good.slice(0, -3),
    "cut in the content": good.slice(0, -100_000),
    "followed by others": joined(good, Uint8Array.of(1, 2, 3)),
  };
  for (const [what, bytes] of Object.entries(faulty)) {
    assertEquals(await gunzipAtOnce(bytes, () => RAW.length, room), undefined, what);
    if (what === "followed by others") continue;
    await assertRejects(
      () => gunzip(bytes, "noise", () => RAW.length),
      SyntaxError,
      "Cannot read noise: its gzip data are damaged or incomplete",
      what,
    );
  }
});

Deno.test("gunzip() gives one byte more than expected of longer data", async () => {
  const { length } = await gunzip(packed(), "noise", () => 1_000_000);
  assertEquals(length, 1_000_001);
});
