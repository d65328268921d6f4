import { assert, assertEquals, assertNotEquals } from "jsr:@std/assert@1.0.19";
import { doJobs, type Job } from "./adversary.ts";
import { Judge } from "./judge.ts";
import { honestUpdate } from "./honest.ts";
import { CASES } from "./cases.ts";
import { Choices } from "./choices.ts";
import { ALL_STRATEGIES, drawSettings, isReachable } from "./settings.ts";
import { drawVictimSettings } from "./victim.ts";
import { FedAvg, type RoundReport } from "../../mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ROUNDS = 3;

/** Does the jobs and fails with what was wrong in any of them. */
async function assertKept(jobs: Iterable<Job>, concurrency = 24): Promise<void> {
  const { results, violations } = await doJobs(jobs, { concurrency });
  const wrong = results.flatMap(({ job: { settings }, line, violations, replay }) =>
    violations.length === 0 ? [] : [
      `seed ${settings.seed}: ${line}`,
      ...violations.map(({ invariant, text }) => `  (${invariant}) ${text}`),
      `  replay: ${JSON.stringify(replay)}`,
    ]
  );
  assertEquals(wrong.join("\n"), "");
  assertEquals(violations, 0);
}

Deno.test("a server with hostile members loses no honest client and ends its run, under every strategy", async () => {
  const seeds = Array.from({ length: 2 * ALL_STRATEGIES.length }, (_, i) => i);
  await assertKept(
    seeds.map((seed) => ({ kind: "server", settings: drawSettings(seed, { rounds: ROUNDS }) })),
  );
});

Deno.test("a client of a malicious server ends in time, and says why", async () => {
  const seeds = Array.from({ length: 48 }, (_, i) => i);
  await assertKept(seeds.map((seed) => ({ kind: "client", settings: drawVictimSettings(seed) })));
});

for (const [name, what] of [["slow", "sends slowly"], ["stalled", "stops inside its update"]]) {
  Deno.test(`every honest update counts and rounds end in time when the lowest rank ${what}`, async () => {
    const seeds = Array.from({ length: 9 }, (_, i) => i);
    await assertKept(
      seeds.flatMap((seed) =>
        (CASES[name ?? ""]?.(seed, {}) ?? []).map((one) => ({ kind: "server", ...one } as const))
      ),
    );
  });
}

Deno.test("finite values that are far too large cost their sender alone, under every strategy", async () => {
  const jobs = CASES.huge?.(1, { rounds: 2 }) ?? [];
  assertEquals(jobs.length, 3 * ALL_STRATEGIES.length);
  await assertKept(jobs.map((one) => ({ kind: "server", ...one })));
});

Deno.test("drawSettings() leaves each round's quorum to the honest clients", () => {
  for (let seed = 0; seed < 500; seed++) {
    const settings = drawSettings(seed);
    assert(isReachable(settings), JSON.stringify(settings));
  }
});

Deno.test("Choices makes the same choices for the same seed, in whatever order it is asked", () => {
  const ask = (order: readonly number[], seed = 7) => {
    const choices = new Choices(seed);
    for (const rank of order) {
      for (let round = 1; round < 9; round++) choices.of(rank, "train", round);
    }
    return choices.trace;
  };
  assertEquals(ask([1, 2, 3]), ask([3, 1, 2]));
  assertNotEquals(ask([1, 2, 3], 7), ask([1, 2, 3], 8));
});

Deno.test("Choices takes what a trace says, and draws the rest", () => {
  const trace = { "1 train 2.1": { act: "silence" } };
  const choices = new Choices(7, { trace });
  assertEquals(choices.of(1, "train", 1), new Choices(7).of(1, "train", 1));
  assertEquals(choices.of(1, "train", 2), { act: "silence" });
});

/** A round of four honest clients by `fedavg`, and a judge of it. */
function judged(change: (report: RoundReport, parameters: Float32Array) => Partial<RoundReport>) {
  const { restartAfter: _, ...settings } = drawSettings(1, {
    strategy: "fedavg",
    aggregation: "running",
    clients: 5,
    hostile: [5],
    length: 300,
    fraction: 1,
    overSelection: 0,
    quorum: 0.5,
    evaluates: "server",
    roundSeconds: 1,
  });
  const initial = new Float32Array(300);
  const judge = new Judge(settings, initial, []);
  const taken = new Map([1, 2, 3, 4].map((rank) => [rank, {
    rank,
    numSamples: 1,
    parameters: honestUpdate(initial, { rank, round: 1, rule: undefined }),
  }]));
  const round = new FedAvg().begin(initial);
  for (const update of taken.values()) round.accept(update);
  const parameters = round.finish().slice();
  const report: RoundReport = {
    round: 1,
    cohort: [1, 2, 3, 4, 5],
    received: 4,
    dropped: 1,
    refused: 0,
    tries: 1,
    losses: [{ rank: 5, reason: "no answer within 1 seconds" }],
    bytesUp: 0,
    bytesDown: 0,
    seconds: 1,
  };
  judge.judge({ ...report, ...change(report, parameters) }, parameters, taken, 0);
  return judge.violations.map(({ invariant }) => invariant);
}

Deno.test("Judge finds nothing in a sound round", () => assertEquals(judged(() => ({})), []));

Deno.test("Judge finds an honest client among the losses", () =>
  assertEquals(
    judged(() => ({ received: 3, losses: [5, 2].map((rank) => ({ rank, reason: "" })) })),
    ["a", "d"],
  ));

Deno.test("Judge finds an honest client that was left out", () =>
  assertEquals(judged(() => ({ cohort: [1, 2, 3, 5], received: 3 })), ["a", "d"]));

Deno.test("Judge finds a lost client that nobody names", () =>
  assertEquals(judged(() => ({ losses: [] })).includes("f"), true));

Deno.test("Judge finds a round below its quorum", () =>
  assertEquals(judged(() => ({ received: 1 })), ["f", "c"]));

Deno.test("Judge finds a round that took too long", () =>
  assertEquals(judged(() => ({ seconds: 1.7 })), ["g"]));

Deno.test("Judge finds a model that the updates do not give", () =>
  assertEquals(judged((_, parameters) => (parameters[3] = 7, {})), ["d"]));
