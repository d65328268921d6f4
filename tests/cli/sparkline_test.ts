import { assertEquals } from "jsr:@std/assert@1.0.19";
import { sparkline } from "../../src/cli/output/sparkline.ts";

Deno.test("sparkline() draws the least value lowest, the greatest highest, and means of many", () => {
  assertEquals(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8), "▁▂▃▄▅▆▇█");
  assertEquals(sparkline([5, 5, 5], 8), "▁▁▁");
  assertEquals(sparkline([0, 0, 1, 1], 2), "▁█");
  assertEquals(sparkline(Array.from({ length: 1000 }, (_, i) => i), 4), "▁▃▆█");
});
