import { assert, assertEquals } from "@std/assert";
import { main } from "@fedlab/core/cli";

Deno.test("the sites' model is better than always the same answer", async () => {
  const report = await Deno.makeTempFile({ dir: await runs(), suffix: ".json" });
  try {
    assertEquals(await main(["simulate", "--config", "simulate.yaml", "--json", report]), 0);
    const { final } = JSON.parse(await Deno.readTextFile(report));
    assert(final.metrics.balancedAccuracy > 0.6, JSON.stringify(final.metrics));
  } finally {
    await Deno.remove(report);
  }
});

/** Makes the folder of runs. */
async function runs(): Promise<string> {
  await Deno.mkdir("runs", { recursive: true });
  return "runs";
}
