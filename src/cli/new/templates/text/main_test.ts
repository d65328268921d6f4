import { assert, assertEquals } from "@std/assert";
import { main } from "@fedlab/core/cli";
import { readLabelledTexts } from "@fedlab/core/data";

const LABELS = ["account", "delivery", "invoice", "refund"];

Deno.test("each site has texts of all labels", async () => {
  for (const site of ["north", "south"]) {
    const { texts, labels } = await readLabelledTexts(`data/${site}.csv`);
    assert(texts.every((text) => text !== ""));
    assertEquals([...new Set(labels)].sort(), LABELS);
  }
});

const hasEncoder = await Deno.stat("encoder/model.safetensors").then(() => true, () => false);
if (!hasEncoder) console.warn("Skipped: no encoder/model.safetensors (README.md)");

Deno.test({
  name: "the sites' model is better than always the same answer",
  ignore: !hasEncoder,
  async fn() {
    const report = await Deno.makeTempFile({ dir: await runs(), suffix: ".json" });
    try {
      assertEquals(await main(["simulate", "--config", "simulate.yaml", "--json", report]), 0);
      const { final } = JSON.parse(await Deno.readTextFile(report));
      assert(final.metrics.balancedAccuracy > 0.6, JSON.stringify(final.metrics));
    } finally {
      await Deno.remove(report);
    }
  },
});

/** Makes the folder of runs. */
async function runs(): Promise<string> {
  await Deno.mkdir("runs", { recursive: true });
  return "runs";
}
