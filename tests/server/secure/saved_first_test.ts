import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { CheckpointStore, type ServerEvent } from "../../../mod.ts";
import { clearModel, runSecure, serverOf } from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ALL = [1, 2, 3, 4, 5];

/** Handler whose evaluation fails in a round, as if the server were killed there. */
function failingIn(round: number) {
  let evaluations = 0;
  return serverOf({
    evaluator: () => {
      if (++evaluations === round) throw new Error("killed");
      return Promise.resolve({ numSamples: 1, loss: 1, accuracy: 0 });
    },
  });
}

Deno.test("the model of a round that clients have revealed is saved before it is evaluated", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const checkpoints = new CheckpointStore(folder);
    await assertRejects(
      () => runSecure({ rounds: 3, handler: failingIn(2), server: { checkpoints } }),
      Error,
      "killed",
    );
    const resume = await checkpoints.latest();
    assertEquals(resume?.round, 2);
    assert(resume !== undefined);
    const events: ServerEvent[] = [];
    const { model, report, errors } = await runSecure({
      rounds: 3,
      server: { checkpoints, resume },
      onEvent: (event) => events.push(event),
    });
    assertEquals([...errors], []);
    const started = events.flatMap((event) => event.type === "round-started" ? [event.round] : []);
    assertEquals(started, [3], "the second round is not made again");
    assertEquals(report.rounds.map(({ round, loss }) => [round, loss]), [[1, 1], [2, 1], [3, 1]]);
    assertEquals(model, clearModel([ALL, ALL, ALL]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Store whose first save fails. */
class FullDisk extends CheckpointStore {
  #saves = 0;

  override save(...args: Parameters<CheckpointStore["save"]>): Promise<string> {
    if (++this.#saves === 1) return Promise.reject(new Error("no space"));
    return super.save(...args);
  }
}

Deno.test("a checkpoint that cannot be saved before the evaluation is saved after it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const checkpoints = new FullDisk(folder);
    const failed: string[] = [];
    const { model } = await runSecure({
      rounds: 1,
      server: { checkpoints },
      onEvent: (event) => event.type === "checkpoint-failed" && failed.push(event.reason),
    });
    assertEquals(failed, ["no space"]);
    const saved = await checkpoints.latest();
    assertEquals(saved?.round, 1);
    assertEquals(saved?.parameters, model);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
