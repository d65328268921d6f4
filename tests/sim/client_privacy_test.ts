import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  CheckpointStore,
  digits,
  initialParameters,
  mlp,
  partition,
  Simulation,
  type SimulationOptions,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { type ClientPrivacyChoice, rdpEpsilon } from "../../src/privacy/mod.ts";
import { InProcessPool } from "../../src/sim/mod.ts";

const data = await digits();
const parts = partition("iid", data, { parts: 6, seed: 1 });
const RECORD: ClientPrivacyChoice = { kind: "record", noise: 1, delta: 1e-4, clip: 1 };

async function simulation(options: Partial<SimulationOptions>, fraction = 0.5) {
  const model = mlp({ inputShape: data.shape, numClasses: 10, hiddenUnits: 8 });
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, 1),
    model,
    fraction,
    plan: { batchSize: 50, learningRate: 0.5 },
  });
  const common = { train: data, test: data, parts, rounds: 2, pool: InProcessPool.start };
  return new Simulation(handler, { ...common, ...options });
}

Deno.test("simulated clients keep ledgers of their own, and tell no figures", async () => {
  const samples: string[] = [];
  const { clientPrivacy, rounds } = await (await simulation({
    clientPrivacy: RECORD,
    rounds: 3,
    onEvent: (event) => {
      if (event.type !== "update-received") return;
      assertEquals(event.numSamples, 1);
      samples.push(Object.keys(event).join());
    },
  })).run();
  const { releases = 0, epsilon, rate = 0 } = clientPrivacy ?? {};
  // 300 records and batches of 50: 6 steps a round, in at most three rounds.
  assert([6, 12, 18].includes(releases), `${releases}`);
  assert(Math.abs(rate - 50 / 300) < 1e-3);
  assertEquals(epsilon, rdpEpsilon([{ noise: 1, rate, count: releases }], 1e-4).epsilon);
  assertEquals(samples.length, 9);
  assertEquals(samples[0], "type,round,rank,received,expected,numSamples,norm");
  assert(rounds.every(({ received }) => received === 3));
});

Deno.test("a simulated client whose budget is spent takes part no more", async () => {
  const clientPrivacy = { ...RECORD, epsilon: 3, noise: 2 };
  const made = await simulation({ clientPrivacy, rounds: 30 }, 1);
  await assertRejects(() => made.run(), Error, "The privacy budget of this client is spent");
  const { rounds, clientPrivacy: report } = await made.report();
  assert(rounds.length > 0 && rounds.length < 30);
  assert((report?.epsilon ?? Infinity) <= 3);
});

Deno.test("a seeded noise repeats a simulation, which guarantees nothing then", async () => {
  for (const kind of ["record", "local"] as const) {
    const digest = async (noiseSeed?: number) => {
      const clientPrivacy = { ...RECORD, kind, ...(noiseSeed !== undefined && { noiseSeed }) };
      return await (await simulation({ clientPrivacy })).run();
    };
    const [first, second, other] = [await digest(4), await digest(4), await digest()];
    assertEquals(first.modelDigest, second.modelDigest);
    assert(first.modelDigest !== other.modelDigest);
    assertEquals(first.clientPrivacy?.guarantee, "nothing: the noise is seeded");
    assertEquals(other.clientPrivacy?.guarantee, undefined);
  }
});

Deno.test("a simulation refuses checkpoints and own handlers with privacy of its clients", async () => {
  const checkpoints = new CheckpointStore("unused");
  await assertRejects(
    () => simulation({ clientPrivacy: RECORD, checkpoints }),
    RangeError,
    "whose ledgers are not in them",
  );
  await assertRejects(
    () => simulation({ clientPrivacy: RECORD, handler: "file:///handler.ts" }),
    RangeError,
    "expected the built-in handler",
  );
});
