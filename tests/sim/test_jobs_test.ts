import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { testJobs } from "../../src/sim/test_jobs.ts";

for (const values of [10, 2 ** 15, 2 ** 15 + 1, 10 ** 6]) {
  for (const rows of [1, 297, 1024, 1025, 10_000, 16_385, 1_000_003]) {
    Deno.test(`testJobs() of ${rows} rows and ${values} values have each row once, none of them empty`, () => {
      let next = 0;
      for (const { kind, from, to } of testJobs(rows, values)) {
        assertEquals([kind, from], ["test", next]);
        assert(to > from && to - from <= (values > 2 ** 15 ? 1024 : 4096));
        next = to;
      }
      assertEquals(next, rows);
    });
  }
}

Deno.test("testJobs() of a small model on the test rows of MNIST are four of equal size", () => {
  assertEquals(testJobs(10_000, 7850).map(({ from, to }) => to - from), [2500, 2500, 2500, 2500]);
});
