import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import {
  initialParameters,
  loadDataset,
  modelByName,
  partition,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { Random } from "../../src/base/random.ts";
import { InProcessPool } from "../../src/sim/mod.ts";
import type { ClientJob, ClientPool, ClientPoolOptions, JobOptions } from "../../src/sim/mod.ts";
import type { ServerEvent } from "../../src/round/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const CLIENTS = 1_000_000;
const COHORT = 20;

/** The first items of a shuffle from the front, on a copy of all ranks. */
function cohortOf(round: number, left: ReadonlySet<number>): number[] {
  const ranks: number[] = [];
  for (let rank = 1; rank <= CLIENTS; rank++) if (!left.has(rank)) ranks.push(rank);
  const random = new Random(7, "cohort", { round, rank: 0 });
  for (let i = 0; i < COHORT; i++) {
    const j = i + random.below(ranks.length - i);
    [ranks[i], ranks[j]] = [ranks[j] ?? 0, ranks[i] ?? 0];
  }
  return ranks.slice(0, COHORT).sort((a, b) => a - b);
}

/** Pool that does jobs in this process, counts them, and lets some fail. */
function countingPool(jobs: ClientJob[], failing: ReadonlySet<number>) {
  return async (options: ClientPoolOptions): Promise<ClientPool> => {
    const pool = await InProcessPool.start(options);
    return {
      publish: (input) => pool.publish(input),
      run: async <Job extends ClientJob>(all: readonly Job[], given: JobOptions<Job>) => {
        jobs.push(...all);
        await pool.run(all, {
          ...given,
          take: (job, outcome) => {
            const fails = job.kind === "train" && failing.has(job.rank);
            given.take(job, fails ? { kind: "failed", reason: "lost", stays: false } : outcome);
          },
        });
      },
      [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
    };
  };
}

Deno.test("Simulation of a million clients does jobs for its cohorts alone, and leaves out those that are lost", async () => {
  const { train, test } = await loadDataset(`synthetic:rows=${CLIENTS},features=2,classes=2`);
  assert(test);
  const parts = partition("iid", train, { parts: CLIENTS, seed: 3 });
  const model = modelByName("lr", { inputShape: train.shape, numClasses: train.numClasses });
  const handler = new SyncParameterServerHandler({
    ...await initialParameters(model, 1),
    model,
    fraction: COHORT / CLIENTS,
    seed: 7,
  });
  const jobs: ClientJob[] = [], events: ServerEvent[] = [];
  const lost = new Set(cohortOf(1, new Set()).slice(0, 2));
  const report = await new Simulation(handler, {
    ...{ train, test, parts, rounds: 3, evaluateEvery: 3 },
    pool: countingPool(jobs, lost),
    onEvent: (event) => events.push(event),
  }).run();
  assertEquals(report.rounds.map(({ cohort }) => cohort), [
    cohortOf(1, new Set()),
    cohortOf(2, lost),
    cohortOf(3, lost),
  ]);
  assertEquals(report.rounds.map(({ received }) => received), [COHORT - 2, COHORT, COHORT]);
  assertEquals(jobs.filter(({ kind }) => kind === "train").length, 3 * COHORT);
  assertEquals(jobs.filter(({ kind }) => kind === "join").length, 0);
  assertEquals(events.filter(({ type }) => type === "update-received").length, 3 * COHORT - 2);
  const { known } = handler;
  assertEquals(known.size, CLIENTS);
  assertEquals(known.get(1)?.numSamples, 1);
  const asked = new Set(report.rounds.flatMap(({ cohort }) => cohort));
  let heard = 0;
  for (const { lastRound } of known.values()) if (lastRound > 0) heard++;
  assertEquals(heard, asked.size);
});

Deno.test({
  name: "Simulation of a million clients takes less than 600 MB of memory",
  // The system's record of the peak.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const module = new URL("../../bench/processes/scale_run.ts", import.meta.url);
    const data = `synthetic:rows=${CLIENTS},features=8,classes=2`;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--frozen",
        "--no-check",
        module.href,
        data,
        `${CLIENTS}`,
        "100",
        "5",
        "0",
      ],
      stdout: "piped",
      stderr: "piped",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    const { peakMegabytes } = JSON.parse(new TextDecoder().decode(stdout));
    assert(peakMegabytes > 50 && peakMegabytes < 600, `${peakMegabytes} MB`);
  },
});
