import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertRejects,
} from "jsr:@std/assert@1.0.19";
import {
  CheckpointStore,
  FedAdam,
  FedAvg,
  FedAvgM,
  Krum,
  type ParameterVector,
  type Strategy,
  type StrategyRound,
  SyncParameterServerHandler,
} from "../../mod.ts";
import type { StrategyState } from "../../src/strategy/mod.ts";
import { inFolder } from "../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { bitsOf } from "../../src/testing/strategy/updates.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Adds the number of its round to the mean: a strategy that has to know how far it is. */
class Counting implements Strategy {
  readonly name = "counting";
  readonly workingVectors = 1;
  #mean = new FedAvg();
  #rounds = 0;

  begin(global: ParameterVector): StrategyRound {
    const round = this.#mean.begin(global);
    return {
      accept: (update) => round.accept(update),
      finish: () => {
        this.#rounds++;
        return round.finish().map((value) => value + 100 * this.#rounds);
      },
    };
  }

  save(): StrategyState {
    return { json: this.#rounds };
  }

  restore({ json }: StrategyState): void {
    this.#rounds = Number(json);
  }
}

/**
 * Runs a server that goes on where the folder's newest checkpoint stands, with one client, and
 * gives the parameters.
 */
async function run(
  folder: string,
  { strategy, rounds }: { strategy: Strategy; rounds: number },
): Promise<ParameterVector> {
  const manifest = vectorManifest(3);
  const store = new CheckpointStore(folder);
  const resume = await store.latest();
  const parameters = new Float32Array([0, 0.1, -0.7]);
  const handler = new SyncParameterServerHandler({ manifest, parameters, strategy });
  await runSync(handler, {
    clients: [
      new FakeHandler(manifest, {
        step: (vector, { round }) => vector.forEach((x, i) => vector[i] = x + (i + 1) / round),
      }),
    ],
    rounds,
    server: { checkpoints: store, timeouts: { joinSeconds: 5 }, ...(resume && { resume }) },
  });
  return handler.parameters;
}

Deno.test("a resumed run goes on with what its strategy kept", () =>
  inFolder(async (folder) => {
    // Each round adds 1 / round by its client and 100 times its number by the strategy.
    const first = await run(folder, { strategy: new Counting(), rounds: 2 });
    assertEquals(first[0], 1 + 1 / 2 + 100 * (1 + 2));
    const second = await run(folder, { strategy: new Counting(), rounds: 4 });
    assertAlmostEquals(second[0] ?? NaN, 1 + 1 / 2 + 1 / 3 + 1 / 4 + 100 * (1 + 2 + 3 + 4), 1e-3);
  }));

for (const make of [() => new FedAdam(), () => new FedAvgM()]) {
  Deno.test(`a resumed run with ${make().name} is the same bit for bit as one that was not interrupted`, () =>
    inFolder(async (folder) => {
      const whole = await run(`${folder}/whole`, { strategy: make(), rounds: 5 });
      await run(`${folder}/parts`, { strategy: make(), rounds: 2 });
      const resumed = await run(`${folder}/parts`, { strategy: make(), rounds: 5 });
      assertEquals(bitsOf(resumed), bitsOf(whole));
      // What was kept counts: a strategy that knows nothing goes elsewhere.
      const store = new CheckpointStore(`${folder}/forgetful`);
      await run(store.folder, { strategy: make(), rounds: 2 });
      const checkpoint = await store.latest();
      assert(checkpoint?.vectors !== undefined);
      const { vectors: _, ...without } = checkpoint;
      await store.save(without);
      const forgetful = await run(store.folder, { strategy: make(), rounds: 5 });
      assertNotEquals(bitsOf(forgetful), bitsOf(whole));
    }));
}

Deno.test("a run whose round is too small for its strategy ends with an error that names the counts", () =>
  inFolder(async (folder) => {
    await assertRejects(
      () => run(folder, { strategy: new Krum(), rounds: 2 }),
      RangeError,
      "Cannot aggregate by krum: expected at least 2f + 3 = 5 updates for 1 attackers, got 1",
    );
  }));
