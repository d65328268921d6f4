import { assert, assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import {
  AsyncParameterServerHandler,
  CheckpointStore,
  FedAsync,
  FedAvg,
  FedAvgM,
  FedBuff,
  FedDyn,
  FedYogi,
  Scaffold,
  type Strategy,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { runAsync } from "../helpers/async_run.ts";
import { inFolder } from "../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const LENGTH = 3;
const HUGE = 3e38;
const MANIFEST = vectorManifest(LENGTH);
const GLOBAL = new Float32Array([1, 2, 3]);

const filled = (value: number) => new Float32Array(LENGTH).fill(value);

for (
  const [result, got] of [[new Float32Array(4), 4], [filled(1).subarray(1), 2], [
    undefined,
    "none",
  ]] as const
) {
  Deno.test(`a round whose strategy gives ${got} of 3 values is an error, and the model is the one before`, () => {
    const strategy: Strategy = {
      name: "own",
      workingVectors: 0,
      begin: () => ({ accept() {}, finish: () => result as Float32Array<ArrayBuffer> }),
    };
    const options = { manifest: MANIFEST, parameters: GLOBAL, strategy };
    const handler = new SyncParameterServerHandler(options);
    handler.beginRound(7, 1);
    const message = `Cannot end round 7: expected 3 values of own, got ${got}`;
    assertThrows(() => handler.updateModel(), RangeError, message);
    assertEquals(handler.parameters, GLOBAL);
  });
}

for (
  const [strategy, sent, part] of [
    [new FedAvg(), [HUGE, -HUGE], "parameters of fedavg"],
    [new FedAvgM(), [HUGE, -HUGE], "momentum of fedavgm"],
    // The step is 1 / Infinity, which is finite, and stays so.
    [new FedYogi(), [1e25], "v of fedyogi"],
    [new FedDyn(), [HUGE, -HUGE], "h of feddyn"],
    [new Scaffold(), [HUGE, -HUGE], "control of scaffold"],
    [new Scaffold(), [HUGE, HUGE], "control of scaffold"],
  ] as const
) {
  Deno.test(`a round of ${strategy.name} that comes to no finite ${part} is an error, and the model is the one before`, () => {
    const handler = new SyncParameterServerHandler({
      manifest: MANIFEST,
      parameters: GLOBAL,
      strategy,
    });
    handler.beginRound(7, sent.length);
    for (const [i, value] of sent.entries()) {
      handler.onReceive(i + 1, { round: 7, numSamples: 1, steps: 1, parameters: filled(value) });
    }
    assertThrows(
      () => handler.updateModel(),
      Error,
      `Cannot end round 7: expected finite ${part}, got 3 of 3 values that are not`,
    );
    assertEquals(handler.parameters, GLOBAL);
  });
}

/**
 * Runs a server that keeps each round in a folder, with two clients. On demand, they send huge
 * values of both signs in round 3.
 */
async function run(
  folder: string,
  { strategy, spoils }: { strategy: Strategy; spoils: boolean },
): Promise<SyncParameterServerHandler> {
  const store = new CheckpointStore(folder);
  const resume = await store.latest();
  const handler = new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: GLOBAL,
    strategy,
  });
  await runSync(handler, {
    clients: [1, -1].map((sign) =>
      new FakeHandler(MANIFEST, {
        step: (vector, { round }) =>
          vector.forEach((x, i) => vector[i] = spoils && round === 3 ? sign * HUGE : x + 1),
      })
    ),
    rounds: 4,
    distBackend: "tcp",
    server: { checkpoints: store, timeouts: { joinSeconds: 5 }, ...(resume && { resume }) },
  });
  return handler;
}

for (const make of [() => new FedAvg(), () => new FedAvgM({ momentum: 0.5 })]) {
  Deno.test(`a run of ${make().name} over TCP ends when all updates of a round are refused, its checkpoint is whole, and it goes on from there`, () =>
    inFolder(async (folder) => {
      await assertRejects(
        () => run(folder, { strategy: make(), spoils: true }),
        Error,
        "Round 3 has no clients left",
      );
      const checkpoint = await new CheckpointStore(folder).latest();
      assertEquals(checkpoint?.round, 2);
      assert(checkpoint?.parameters.every(Number.isFinite));
      const resumed = await run(folder, { strategy: make(), spoils: false });
      const undisturbed = await run(`${folder}/other`, { strategy: make(), spoils: false });
      assertEquals(resumed.parameters, undisturbed.parameters);
    }));
}

Deno.test("a version that is not finite is an error, and the model is the one before", () => {
  for (const [strategy, more] of [[new FedAsync(), 0], [new FedBuff({ size: 2 }), 1]] as const) {
    const parameters = filled(HUGE);
    const handler = new AsyncParameterServerHandler({ manifest: MANIFEST, parameters, strategy });
    const send = (round: number) =>
      handler.onReceive(1, { round, numSamples: 1, parameters: filled(-HUGE) }, {
        base: parameters,
        staleness: 0,
      });
    for (let i = 0; i < more; i++) assertEquals(send(i + 1), false);
    assertThrows(
      () => send(9),
      Error,
      `Cannot make a version of update 9: expected finite parameters of ${strategy.name}, got 3`,
    );
    assertEquals(handler.parameters, parameters);
  }
});

Deno.test("an asynchronous run ends when all updates are refused for too long", async () => {
  let tasks = 0;
  const spoiler = new FakeHandler(MANIFEST, {
    step: (vector) => void vector.fill(++tasks % 2 ? HUGE : -HUGE),
  });
  await assertRejects(
    () => runAsync({ manifest: MANIFEST, clients: [spoiler], versions: 9 }),
    Error,
    "Cannot make version 1: 4 updates in a row were refused",
  );
});
