import { assertEquals, assertRejects } from "@std/assert";
import { CheckpointStore, Manifest } from "../../../mod.ts";
import { replaceTextFile } from "../../../src/base/files/whole_file.ts";
import { DiskMachine } from "./on_disk.ts";

const MANIFEST = Manifest.of([{ name: "w", shape: [2] }]);

function save(round: number): Promise<string> {
  const parameters = new Float32Array(2).fill(round);
  return new CheckpointStore("run").save({ manifest: MANIFEST, parameters, round, state: {} });
}

Deno.test("CheckpointStore does not pass over a checkpoint that cannot be read for now", async () => {
  const machine = new DiskMachine();
  await machine.get(() => save(1));
  await machine.get(() => save(2));
  {
    using _ = machine.disk.impose({ unreadable: ["/run/round-000002.safetensors"] });
    await assertRejects(
      () => machine.get(() => new CheckpointStore("run").latest()),
      Error,
      "move round-000002.safetensors away to go on from an earlier one",
    );
  }
  assertEquals((await machine.get(() => new CheckpointStore("run").latest()))?.round, 2);
});

Deno.test("a file is not called written when its folder cannot be synced", async () => {
  const machine = new DiskMachine();
  await machine.get(() => replaceTextFile("/a.txt", "old"));
  using _ = machine.disk.impose({ syncErrors: 1 });
  await assertRejects(
    () => machine.get(() => replaceTextFile("/a.txt", "new")),
    Error,
    "os error 5",
  );
});

Deno.test("a checkpoint that is saved after a failed sync is kept", async () => {
  const machine = new DiskMachine();
  const history: { round: number }[] = [];
  const saved = machine.get(async () => {
    const store = new CheckpointStore("run");
    const save = (round: number) => {
      history.push({ round });
      const parameters = new Float32Array(2).fill(round);
      return store.save({
        manifest: MANIFEST,
        parameters,
        round,
        state: {},
        history: [...history],
      });
    };
    await save(1);
    {
      using _ = machine.disk.impose({ syncErrors: 1 });
      await assertRejects(() => save(2), Error, "os error 5");
    }
    await save(3);
  });
  await saved;
  machine.disk.crash();
  const found = await machine.get(() => new CheckpointStore("run").latest());
  assertEquals([found?.round, found?.history], [3, history]);
});
