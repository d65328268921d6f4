import { assertEquals } from "@std/assert";
import { Manifest } from "../../src/params/manifest.ts";
import { SyncParameterServerHandler } from "../../src/round/handler/sync_handler.ts";
import { RunRecord } from "../../src/round/record/run_record.ts";

class UnaskedHandler extends SyncParameterServerHandler {
  override saveState(): never {
    throw new Error("The state was gathered for nothing");
  }
}

Deno.test("A run without checkpoints gathers no state to save", async () => {
  const manifest = Manifest.of([{ name: "w", shape: [3] }]);
  const handler = new UnaskedHandler({ manifest, parameters: new Float32Array(3) });
  const record = new RunRecord(handler, { transport: "memory", worldSize: 2, rounds: 1 });
  const path = await record.save(() => {
    throw new Error("The ranks were gathered for nothing");
  });
  assertEquals(path, undefined);
});
