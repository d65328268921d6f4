import { assertEquals } from "jsr:@std/assert@1.0.19";
import { DIGESTS } from "../helpers/pinned_digests.ts";
import { digestOf, PINNED_RUNS } from "../helpers/pinned_runs.ts";

for (const [name, run] of Object.entries(PINNED_RUNS)) {
  Deno.test(`the model of ${name} is that of earlier versions, bit for bit`, async () => {
    assertEquals(await digestOf(run), DIGESTS[name]);
  });
}

Deno.test("every pinned run has a digest", () => {
  assertEquals(Object.keys(DIGESTS), Object.keys(PINNED_RUNS));
});
