import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  type Checkpoint,
  CheckpointStore,
  digits,
  initialParameters,
  mlp,
  partition,
  type ServerEvent,
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

async function inFolder(work: (checkpoints: CheckpointStore) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(new CheckpointStore(folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs a simulation, and gives the checkpoint that it has while a round is under way. */
async function killedIn(
  round: number,
  checkpoints: CheckpointStore,
  options: Partial<SimulationOptions>,
): Promise<Checkpoint> {
  let left: Promise<Checkpoint | undefined> | undefined;
  const onEvent = (event: ServerEvent) => {
    if (event.type === "update-received" && event.round === round) left ??= checkpoints.latest();
  };
  await (await simulation({ ...options, checkpoints, onEvent }, 1)).run();
  const resume = await left;
  assert(resume !== undefined);
  return resume;
}

Deno.test("the ledgers of simulated clients are ahead of a run that is killed, and go on with it", async () => {
  for (const [kind, perRound] of [["record", 6], ["local", 1]] as const) {
    for (const round of [1, 2]) {
      await inFolder(async (checkpoints) => {
        const clientPrivacy = { ...RECORD, kind };
        const resume = await killedIn(round, checkpoints, { clientPrivacy });
        assertEquals(resume.round, round - 1);
        const onward = await simulation({ clientPrivacy, rounds: 3, checkpoints, resume }, 1);
        const { clientPrivacy: report } = await onward.run();
        // The round that was killed has told something, and is trained again with other noise.
        assertEquals(report?.releases, 4 * perRound);
        const { account } = await checkpoints.latest() ?? {};
        const { clients } = account as { clients: { ranks: number[] }[] };
        assertEquals(clients.flatMap(({ ranks }) => ranks).sort(), [1, 2, 3, 4, 5, 6]);
      });
    }
  }
});

Deno.test("a simulation that goes on has the noise with which it began, and its budget", async () => {
  await inFolder(async (checkpoints) => {
    const clientPrivacy = { kind: "record", epsilon: 4, delta: 1e-4, clip: 1, rounds: 3 } as const;
    const whole = await (await simulation({ clientPrivacy, rounds: 3 }, 1)).run();
    const first = await (await simulation({ clientPrivacy, rounds: 2, checkpoints }, 1)).run();
    const resume = await checkpoints.latest();
    assert(resume !== undefined);
    const onward = await simulation({ clientPrivacy, rounds: 3, checkpoints, resume }, 1);
    assertEquals((await onward.report()).clientPrivacy, undefined);
    const { clientPrivacy: report } = await onward.run();
    assertEquals([report?.noise, report?.releases, report?.epsilon], [
      first.clientPrivacy?.noise,
      18,
      whole.clientPrivacy?.epsilon,
    ]);
    const further = await checkpoints.latest();
    assert(further !== undefined);
    const over = await simulation({ clientPrivacy, rounds: 4, checkpoints, resume: further }, 1);
    await assertRejects(() => over.run(), Error, "The privacy budget of this client is spent");
    assertEquals((await over.report()).clientPrivacy?.releases, 18);
  });
});

Deno.test("a simulation goes on with ledgers where it had them, and only there", async () => {
  await inFolder(async (checkpoints) => {
    const clientPrivacy = RECORD;
    await (await simulation({ clientPrivacy, rounds: 1, checkpoints }, 1)).run();
    const resume = await checkpoints.latest();
    assert(resume !== undefined);
    const { account: _, ...without } = resume;
    const broken = { ...resume, account: { clients: [{ ledger: {}, ranks: [1] }] } };
    const wrong: [Partial<SimulationOptions>, typeof RangeError | typeof TypeError, string][] = [
      [{ resume }, RangeError, "expected privacy of the clients"],
      [{ resume: without, clientPrivacy }, RangeError, "expected no privacy of the clients"],
      [
        { resume, clientPrivacy: { ...RECORD, kind: "local" } },
        RangeError,
        "about the unit client",
      ],
      [{ resume: broken, clientPrivacy }, TypeError, "expected the unit record or client"],
    ];
    for (const [options, error, text] of wrong) {
      await assertRejects(async () => (await simulation(options, 1)).run(), error, text);
    }
  });
});

Deno.test("a simulation refuses rare checkpoints and own handlers with privacy of its clients", async () => {
  const checkpoints = new CheckpointStore("unused");
  await assertRejects(
    () => simulation({ clientPrivacy: RECORD, checkpoints, checkpointEvery: 2 }),
    RangeError,
    "expected a checkpoint of each round",
  );
  await assertRejects(
    () => simulation({ clientPrivacy: RECORD, handler: "file:///handler.ts" }),
    RangeError,
    "expected the built-in handler",
  );
});
