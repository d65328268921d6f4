/** Client with bundled data and the native engine, whose start is measured. */
import { ClientSyncTop, loadDataset, NativeSGDHandler } from "../../mod.ts";

if (import.meta.main) {
  const [serverAddr = ""] = Deno.args;
  const { train } = await loadDataset("digits");
  await using handler = new NativeSGDHandler({ data: train });
  await new ClientSyncTop(handler, { serverAddr, loggerFile: "" }).run();
}
