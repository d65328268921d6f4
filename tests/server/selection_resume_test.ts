import { assert, assertEquals, assertNotEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import {
  CheckpointStore,
  ClientSyncTop,
  parseSelection,
  type Rank,
  type RunReport,
  ServerSyncTop,
  silentLogger,
  SyncParameterServerHandler,
  type TrainPlan,
  type TrainResult,
} from "../../mod.ts";
import { inFolder } from "../helpers/command.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CLIENTS = 8;

/**
 * Client whose loss depends on its rank and round, and whose update is not finite in rounds that
 * its rank divides.
 */
class Unsteady extends FakeHandler {
  readonly #rank: Rank;

  constructor(rank: Rank) {
    super(vectorManifest(1), {
      numSamples: rank * rank,
      step: (vector, { round }) => {
        if (rank > 1 && round % rank === 0) vector[0] = NaN;
        else vector[0] = (vector[0] ?? 0) + rank;
      },
    });
    this.#rank = rank;
  }

  override async train(plan: TrainPlan, signal?: AbortSignal): Promise<TrainResult> {
    const result = await super.train(plan, signal);
    return { ...result, loss: (this.#rank * 7 + plan.round * 3) % 11 };
  }
}

/** Runs that many rounds, from the folder's newest checkpoint. */
async function run(
  store: CheckpointStore,
  { selection, rounds }: { selection: string; rounds: number },
): Promise<{ report: RunReport; handler: SyncParameterServerHandler }> {
  const resume = await store.latest();
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const handler = new SyncParameterServerHandler({
    manifest: vectorManifest(1),
    parameters: new Float32Array(1),
    selection: parseSelection(selection),
    fraction: 0.4,
    seed: 11,
  });
  const clients: Promise<void>[] = [];
  try {
    const report = await new ServerSyncTop(handler, {
      ...group,
      listen: "selected",
      worldSize: CLIENTS + 1,
      rounds,
      checkpoints: store,
      quorum: 0.1,
      timeouts: { joinSeconds: 5 },
      ...(resume && { resume }),
      onEvent: (event) => {
        if (event.type !== "listening") return;
        for (let rank = 1; rank <= CLIENTS; rank++) {
          const options = { ...group, serverAddr: event.address, rank };
          clients.push(new ClientSyncTop(new Unsteady(rank), options).run());
        }
      },
    }).run();
    return { report, handler };
  } finally {
    await Promise.allSettled(clients);
  }
}

const cohortsOf = ({ rounds }: RunReport) => rounds.map(({ cohort }) => cohort);

for (
  const selection of ["samples", "round-robin", "power-of-choice:d=5", "availability:floor=0.01"]
) {
  Deno.test(`a resumed run with ${selection} chooses the cohorts of one that was not interrupted`, () =>
    inFolder(async (folder) => {
      const whole = await run(new CheckpointStore(`${folder}/whole`), { selection, rounds: 12 });
      const store = new CheckpointStore(`${folder}/parts`);
      for (const rounds of [3, 7]) await run(store, { selection, rounds });
      const resumed = await run(store, { selection, rounds: 12 });
      assertEquals(cohortsOf(resumed.report), cohortsOf(whole.report));
      assertEquals(resumed.report.modelDigest, whole.report.modelDigest);
      assertEquals([...resumed.handler.known], [...whole.handler.known]);
      // Some clients did not answer, and were counted.
      const lost = whole.report.rounds.flatMap(({ losses }) => losses.map(({ rank }) => rank));
      assert(lost.length > 0);
      for (const [rank, { dropped }] of whole.handler.known) {
        assertEquals(dropped, lost.filter((one) => one === rank).length);
      }
      // A run that forgets the clients' figures chooses other cohorts, unless it needs none of
      // them.
      if (selection === "samples") return;
      const forgetful = new CheckpointStore(`${folder}/forgetful`);
      await run(forgetful, { selection, rounds: 7 });
      const checkpoint = await forgetful.latest();
      assert(checkpoint !== undefined);
      const { clients: _, ...state } = checkpoint.state;
      await forgetful.save({ ...checkpoint, state });
      const other = await run(forgetful, { selection, rounds: 12 });
      assertNotEquals(cohortsOf(other.report), cohortsOf(whole.report));
    }));
}

Deno.test("ServerSyncTop refuses a checkpoint with invalid figures of the clients", () =>
  inFolder(async (folder) => {
    const store = new CheckpointStore(folder);
    const settings = { selection: "round-robin", rounds: 2 };
    await run(store, { ...settings, rounds: 1 });
    const checkpoint = await store.latest();
    assert(checkpoint !== undefined);
    const client = { answered: 1, dropped: 0, lastRound: 1 };
    for (
      const clients of [
        "none",
        [[1]],
        [[0.5, client]],
        [[1, { ...client, answered: -1 }]],
        [[1, { ...client, loss: "high" }]],
        [[1, { ...client, numSamples: 0 }]],
      ]
    ) {
      await store.save({ ...checkpoint, state: { ...checkpoint.state, clients } });
      await assertRejects(
        () => run(store, settings),
        TypeError,
        "Cannot resume from the checkpoint: expected what is known of each client",
      );
    }
  }));
