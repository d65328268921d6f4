import { assert, assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { BufferPool } from "../../src/params/mod.ts";

Deno.test("BufferPool makes no more buffers than its size, and makes the next borrower wait", async () => {
  let made = 0;
  const pool = new BufferPool(2, () => {
    made++;
    return new Uint8Array(8);
  });
  const first = await pool.lend(), second = await pool.lend();
  assert(first !== second);
  let got: Uint8Array | undefined;
  const third = pool.lend().then((buffer) => got = buffer);
  await Promise.resolve();
  assertEquals(got, undefined);
  pool.giveBack(first);
  assert(await third === first);
  assertEquals(made, 2);
});

Deno.test("BufferPool leaves a buffer alone that is not lent", async () => {
  const pool = new BufferPool(1, () => new Uint8Array(8));
  const buffer = await pool.lend();
  pool.giveBack(new Uint8Array(8));
  pool.giveBack(buffer);
  pool.giveBack(buffer);
  assert(await pool.lend() === buffer);
});

Deno.test("BufferPool refuses a size below 1", () => {
  assertThrows(
    () => new BufferPool(0, () => new Uint8Array(1)),
    RangeError,
    "at least 1 buffer, got 0",
  );
});

Deno.test("BufferPool leaves its last buffer to requests that are not patient", async () => {
  const pool = new BufferPool(2, () => new Uint8Array(8));
  const patient = pool.request(true), second = pool.request(true), third = pool.request(true);
  const first = await patient.buffer;
  const urgent = pool.request();
  const last = await urgent.buffer;
  assert(first !== undefined && last !== undefined && first !== last);
  third.cancel();
  assertEquals(await third.buffer, undefined);
  urgent.cancel();
  second.urge();
  assert(await second.buffer === last);
  patient.cancel();
  second.cancel();
  assertEquals(new Set([await pool.lend(), await pool.lend()]), new Set([first, last]));
});

Deno.test("BufferPool of one buffer lends it to a patient request too", async () => {
  const pool = new BufferPool(1, () => new Uint8Array(8));
  assert(await pool.request(true).buffer !== undefined);
});
