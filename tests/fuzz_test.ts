import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { fuzz } from "./fuzz/fuzz.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("a server goes through 300 hostile cases, and its honest clients do not notice", async () => {
  const report = await fuzz({ cases: 300, seed: 20261124, halfOpen: 300 });
  assertEquals(report.violations, []);
  assertEquals(report.cases, 300);
  // The cases came through to where bodies are read and rounds are kept, not only to the door.
  for (const answer of ["malformed-body", "invalid-field", "unexpected-code", "IdAssignment"]) {
    assert((report.answers[answer] ?? 0) > 0, `no ${answer} among the answers`);
  }
});
