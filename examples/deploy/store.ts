/// <reference lib="deno.unstable" />
import { type Checkpoints, CheckpointStore, KvCheckpointStore } from "@fedlab/core";

/** Opens the storage of the run: Deno KV if available, otherwise a folder. */
export async function openCheckpoints(warn: (message: string) => void): Promise<Checkpoints> {
  const name = Deno.env.get("FEDLAB_RUN") ?? "digits";
  const path = Deno.env.get("FEDLAB_STORE");
  const options = { onWarning: warn };
  if ("openKv" in Deno) return new KvCheckpointStore(await Deno.openKv(path), name, options);
  return new CheckpointStore(`${path ?? "checkpoints"}/${name}`, options);
}
