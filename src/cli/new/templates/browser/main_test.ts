import { assert, assertEquals } from "@std/assert";
import { partOf } from "./data.ts";

Deno.test("the parts of the pages are all digits but those to test on", async () => {
  const whole = await partOf(1, 1);
  const parts = [await partOf(1, 2), await partOf(2, 2)];
  const rows = parts.reduce((sum, { train }) => sum + train.length, 0);
  assertEquals(rows, whole.train.length);
  assert(whole.test.length > 0);
});
