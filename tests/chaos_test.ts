import { assertEquals } from "jsr:@std/assert@1.0.19";
import { chaos, faultsOf } from "./chaos/chaos.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("a federation whose processes are killed and whose connections are troubled ends with the model it would have had", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const outcome = await chaos({ kills: 4, seed: 3, folder, log: () => {} });
    assertEquals(faultsOf(outcome, 4), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
