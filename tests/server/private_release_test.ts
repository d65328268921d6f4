/** A server tells nothing of a private round before its model and its account are saved. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  type Checkpoint,
  type Checkpoints,
  ClientFollowingTop,
  ServerCommunicationTopology,
  type ServerEvent,
  silentLogger,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { OvertakenError } from "../../src/base/mod.ts";
import { sha256Hex } from "../../src/base/hash.ts";
import { CentralPrivacy } from "../../src/privacy/mod.ts";
import { TrainingExchange } from "../../src/round/mod.ts";
import { FakeHandler, vectorManifest } from "../helpers/fake_handler.ts";
import { runSync } from "../helpers/sync_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const MANIFEST = vectorManifest(3);
const ROUNDS = 3;

/** Checkpoints in memory, each a copy; saves fail while `fault` gives an error. */
function store(onSave: (checkpoint: Checkpoint) => void): Checkpoints & { kept: Checkpoint[] } {
  const kept: Checkpoint[] = [];
  return {
    kept,
    save: async (checkpoint) => {
      onSave(checkpoint);
      await Promise.resolve();
      const { manifest, parameters, ...rest } = checkpoint;
      kept.push({ manifest, parameters: parameters.slice(), ...structuredClone(rest) });
      return `memory/${checkpoint.round}`;
    },
    latest: () => Promise.resolve(kept.at(-1)),
    best: () => Promise.resolve(kept.at(-1)),
  };
}

/** Makes a handler of a private run that evaluates on the server, and tells when. */
function handlerOf(onEvaluate: () => void, hasEvaluator = true): SyncParameterServerHandler {
  const plan = { rounds: 2 * ROUNDS, clients: 2, cohort: 2, bands: 1 };
  return new SyncParameterServerHandler({
    manifest: MANIFEST,
    parameters: new Float32Array(MANIFEST.length),
    strategy: new CentralPrivacy({ mechanism: "ftrl", epsilon: 8, delta: 1e-3, ...plan }),
    ...(hasEvaluator && {
      evaluator: () => {
        onEvaluate();
        return Promise.resolve({ numSamples: 1, loss: 0.5, metrics: {} });
      },
    }),
  });
}

const clients = () => [new FakeHandler(MANIFEST), new FakeHandler(MANIFEST)];

Deno.test("a server saves the release of a private round before it evaluates and reports it", async () => {
  for (const hasEvaluator of [true, false]) {
    const steps: string[] = [];
    const checkpoints = store(({ round, state }) =>
      steps.push(state.untold ? `release ${round}` : `save ${round}`)
    );
    const handler = handlerOf(() => steps.push("evaluate"), hasEvaluator);
    const logger = { ...silentLogger, info: (text: string) => steps.push(...lineOf(text)) };
    await runSync(handler, {
      ...{ clients: clients(), rounds: ROUNDS, server: { checkpoints, logger } },
      onEvent: ({ type }) => void (type === "round-ended" && steps.push("event")),
    });
    const round = (i: number) => [
      ...[`release ${i}`, ...(hasEvaluator ? ["evaluate"] : []), `log ${i}`, "event"],
      // Without an evaluation there is nothing new to save, but at the end.
      ...(hasEvaluator || i === ROUNDS ? [`save ${i}`] : []),
    ];
    assertEquals(steps, [1, 2, 3].flatMap(round));
  }
});

/** Returns the step that a line of the log stands for. */
function lineOf(text: string): string[] {
  const [, round] = /^Round (\d+) of/.exec(text) ?? [];
  return round === undefined ? [] : [`log ${round}`];
}

Deno.test("a private round that cannot be saved is told in no way", async () => {
  let evaluations = 0;
  const checkpoints = store(({ round }) => {
    if (round === 2) throw new OvertakenError("another server goes on with this run");
  });
  const events: ServerEvent[] = [];
  const handler = handlerOf(() => evaluations++);
  await assertRejects(
    () =>
      runSync(handler, {
        ...{ clients: clients(), rounds: ROUNDS, server: { checkpoints } },
        onEvent: (event) => void events.push(event),
      }),
    OvertakenError,
  );
  assertEquals(evaluations, 1);
  assertEquals(events.filter(({ type }) => type === "round-ended").length, 1);
  // Nor by the report of the failed run, which has the digest of the model.
  assertEquals(handler.parameters, checkpoints.kept.at(-1)?.parameters);
});

Deno.test("a server that was killed after a release tells of it, and does not make it again", async () => {
  const checkpoints = store(() => {});
  await runSync(handlerOf(() => {}), {
    ...{ clients: clients(), rounds: ROUNDS, server: { checkpoints } },
  });
  for (const resume of checkpoints.kept.filter(({ state }) => state.untold)) {
    const { round, parameters } = resume, steps: string[] = [];
    const again = store(({ round }) => steps.push(`save ${round}`));
    const handler = handlerOf(() => steps.push("evaluate"));
    let digest: Promise<string> | undefined;
    const report = await runSync(handler, {
      // After the last round no clients are needed.
      ...{ clients: round === ROUNDS ? [] : clients(), rounds: ROUNDS },
      server: { worldSize: 3, checkpoints: again, resume, timeouts: { drainSeconds: 0.1 } },
      onEvent: ({ type }) => {
        if (type !== "round-ended") return;
        digest ??= sha256Hex(handler.parameters.slice());
        steps.push("told");
      },
    });
    assertEquals(steps.slice(0, 3), [`save ${round}`, "evaluate", "told"]);
    assertEquals(await digest, await sha256Hex(parameters.slice()));
    assertEquals(report.rounds.map(({ loss }) => loss), [0.5, 0.5, 0.5]);
    assertEquals(report.privacy?.releases, ROUNDS);
  }
});

Deno.test("a run that resumes from an earlier checkpoint counts what was told after it", async () => {
  const checkpoints = store(() => {});
  await runSync(handlerOf(() => {}), {
    ...{ clients: clients(), rounds: ROUNDS, server: { checkpoints } },
  });
  const { account } = checkpoints.kept.at(-1) ?? {};
  const first = checkpoints.kept.findLast(({ round }) => round === 1);
  assert(first !== undefined && account !== undefined);
  const report = await runSync(handlerOf(() => {}), {
    ...{ clients: clients(), rounds: ROUNDS, server: { resume: { ...first, account } } },
  });
  assertEquals(report.rounds.length, ROUNDS);
  assertEquals(report.privacy?.releases, 2 * ROUNDS - 1);
  await assertRejects(
    () =>
      runSync(handlerOf(() => {}), {
        ...{ clients: clients(), rounds: ROUNDS },
        server: { resume: { ...first, account: { noise: 3 } } },
      }),
    RangeError,
    "expected the noise 3 of the run",
  );
});

Deno.test("a private run does not go on from a later checkpoint whose account is gone", async () => {
  const checkpoints = store(() => {});
  await runSync(handlerOf(() => {}), {
    ...{ clients: clients(), rounds: ROUNDS, server: { checkpoints } },
  });
  const resume = checkpoints.kept.findLast(({ round }) => round === 2);
  assert(resume !== undefined);
  const { account: _, ...bare } = resume;
  const options = { clients: clients(), rounds: ROUNDS, server: { resume: bare } };
  await assertRejects(
    () => runSync(handlerOf(() => {}), options),
    TypeError,
    "expected its account beside the checkpoint of round 2, got none",
  );
});

/** A topology of an application that does not save what it releases. */
class Careless extends ServerCommunicationTopology {
  protected override async runRound(round: number): Promise<void> {
    const ranks = await this.activeRun.waitForClients(1);
    this.handler.beginRound(round, ranks.length);
    const training = await this.activeRun.runExchange(
      new TrainingExchange(round, ranks, this.handler),
    );
    this.handler.updateModel();
    this.activeRun.endRound(training, await this.activeRun.evaluate(round, ranks));
  }
}

Deno.test("a topology of one's own cannot tell of a private round that it has not saved", async () => {
  let evaluations = 0;
  const group = { distBackend: "memory", logger: silentLogger } as const;
  const listen = `careless-${crypto.randomUUID()}`;
  const checkpoints = store(() => {});
  const server = new Careless(handlerOf(() => evaluations++), {
    ...{ ...group, listen, worldSize: 3, rounds: 1, checkpoints },
  });
  const running = [1, 2].map((rank) =>
    new ClientFollowingTop(new FakeHandler(MANIFEST), { ...group, serverAddr: listen, rank }).run()
  );
  const [served] = await Promise.allSettled([server.run(), ...running]);
  assert(served?.status === "rejected");
  assertMatch(String(served.reason), /Cannot tell of a private round: its model is not saved/);
  assertEquals(evaluations, 0);
});
