/** Module of each worker of main.ts, which creates its own data and model. */
import { defineClient, loadDataset, partitionIid } from "@fedlab/core";
import { ClientSGDHandler } from "@fedlab/core";

defineClient(async ({ rank = 1 }) => {
  const { train } = await loadDataset("digits");
  const rows = partitionIid(train, 4, { seed: 1 })[rank - 1] ?? [];
  return new ClientSGDHandler({ data: train.select(rows) });
});
