import { countNonFinite } from "../../src/params/operations.ts";
import { assertEquals } from "@std/assert";

Deno.test("countNonFinite() counts NaN and infinities of either sign", () => {
  assertEquals(countNonFinite(new Float32Array(0)), 0);
  assertEquals(countNonFinite(Float32Array.of(3.4e38, -0, 1e-45)), 0);
  for (const value of [NaN, Infinity, -Infinity]) {
    assertEquals(countNonFinite(Float32Array.of(1, value, 2)), 1);
  }
  assertEquals(countNonFinite(Float32Array.of(NaN, 1, Infinity, -Infinity)), 3);
});
