import { assert, assertEquals } from "@std/assert";
import { main } from "@fedlab/core/cli";

Deno.test("the clients' model reads most images", async () => {
  await Deno.mkdir("runs", { recursive: true });
  const report = await Deno.makeTempFile({ dir: "runs", suffix: ".json" });
  try {
    assertEquals(await main(["simulate", "--config", "simulate.yaml", "--json", report]), 0);
    const { final } = JSON.parse(await Deno.readTextFile(report));
    assert(final.accuracy > 0.85, `${final.accuracy}`);
  } finally {
    await Deno.remove(report);
  }
});
