/** What each worker of main.ts runs: it makes its own data and its own model. */
import { defineClient, loadDataset, partitionIid } from "@fedlab/core";
import { ClientSGDHandler } from "@fedlab/core/tfjs";

defineClient(async ({ rank = 1 }) => {
  const { train } = await loadDataset("digits");
  const rows = partitionIid(train, 4, { seed: 1 })[rank - 1] ?? [];
  return new ClientSGDHandler({ data: train.select(rows) });
});
