import { assertEquals } from "jsr:@std/assert@1.0.19";
import { clearModel, runSecure } from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ALL = [1, 2, 3, 4, 5];

for (const distBackend of ["memory", "tcp", "websocket"] as const) {
  Deno.test(`a run with secure aggregation has the model of its sums in the clear, over ${distBackend}`, async () => {
    const { model, report, errors } = await runSecure({ distBackend });
    assertEquals([...errors], []);
    assertEquals(report.rounds.map(({ received, tries }) => [received, tries]), [[5, 1], [5, 1]]);
    assertEquals(model, clearModel([ALL, ALL]));
  });
}
