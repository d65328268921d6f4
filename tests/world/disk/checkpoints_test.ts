import { assert, assertEquals } from "@std/assert";
import { type Checkpoint, CheckpointStore, Manifest } from "../../../mod.ts";
import { Random } from "../../../src/base/random.ts";
import { DiskMachine } from "./on_disk.ts";

const FOLDER = "runs/1/checkpoints";
const VALUES = 700;
const MANIFEST = Manifest.of([{ name: "w", shape: [VALUES] }]);

/** Checkpoint of a round, in which everything tells the number of its save. */
function checkpointOf(save: number, round: number, before: readonly unknown[]): Checkpoint {
  return {
    manifest: MANIFEST,
    parameters: new Float32Array(VALUES).fill(save),
    vectors: { more: new Float32Array(100).fill(-save) },
    round,
    state: { save },
    history: [...before.slice(0, round - 1), { round, save }],
    score: -round,
    account: { save },
  };
}

Deno.test("CheckpointStore finds the newest durable checkpoint after each of 200 crashes", async () => {
  const random = new Random(7, "test"), machine = new DiskMachine(7);
  const saves: Checkpoint[] = [];
  let acknowledged = -1, account = -1, losses = 0;

  /** Goes on from the checkpoint that is found, after a check that none is lost. */
  const main = async () => {
    const store = new CheckpointStore(FOLDER);
    const found = await store.latest();
    let round = 0, history: readonly unknown[] = [];
    if (found === undefined) {
      assertEquals(acknowledged, -1, "no checkpoint is there");
    } else {
      const { account: last, ...checkpoint } = found, save = Number(checkpoint.state["save"]);
      assert(save >= acknowledged, `save ${save} is there, ${acknowledged} was acknowledged`);
      if (save < saves.length - 1) losses++;
      const { account: _, score: __, ...saved } = saves[save] as Checkpoint;
      const { score: ___, ...read } = checkpoint;
      assertEquals(read, saved);
      // Written after its checkpoint, whose state has it too where that matters.
      assert(Number(Object(last).save) >= account, "an account is lost");
      acknowledged = save;
      round = found.round;
      history = found.history ?? [];
    }
    for (;;) {
      const save = saves.length, checkpoint = checkpointOf(save, ++round, history);
      saves.push(checkpoint);
      await store.save(checkpoint);
      acknowledged = account = save;
      history = checkpoint.history ?? [];
    }
  };
  for (let crash = 0; crash < 200; crash++) {
    assertEquals(await machine.killAfter(main, 1 + random.below(400)), undefined);
    // Now and then the machine stays on, as when a process alone is killed.
    if (random.below(4) > 0) machine.disk.crash();
  }
  // Otherwise the crashes have tested nothing.
  assert(losses > 20 && saves.length > 200, `${losses} of ${saves.length} saves were lost`);
});
