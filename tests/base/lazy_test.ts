import { assertEquals, assertStrictEquals } from "jsr:@std/assert@1.0.19";
import { lazy } from "../../src/base/lazy.ts";

Deno.test("lazy() loads when it is first called, and once for all callers", async () => {
  let loads = 0;
  const load = lazy(() => Promise.resolve({ number: ++loads }));
  assertEquals(loads, 0);
  const [first, second] = await Promise.all([load(), load()]);
  assertStrictEquals(first, second);
  assertStrictEquals(await load(), first);
  assertEquals(loads, 1);
});
