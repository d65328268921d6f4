import type { ClientJob, ClientPool, JobOutcome, StartClientPool } from "../../sim/client_pool.ts";
import { assert, assertEquals, assertRejects, assertStrictEquals } from "../deps.ts";
import { registerTest, type TestOptions } from "../register.ts";
import { CLIENTS, inputOf, poolOptions, type SamplePool, TEST_ROWS } from "./samples.ts";

/** Outcome of `train`, with copies of its vectors. */
type Trained = JobOutcome & { readonly kind: "trained" };

/**
 * Registers the tests that every pool of a simulation's clients passes: outcomes in the order of
 * the jobs and the same bytes each time, the clients' own vectors and settings, published input,
 * evaluation, clients that fail, and aborting.
 *
 * @param name Name of the pool in the names of the tests.
 * @param start Starts the pool. The built-in handler trains its clients.
 * @param options Options of the tests.
 *
 * @example
 * ```ts ignore
 * import { WorkerPool } from "@fedlab/core/sim";
 * import { testClientPool } from "@fedlab/core/testing";
 *
 * testClientPool("WorkerPool", WorkerPool.start);
 * ```
 */
export function testClientPool(
  name: string,
  start: StartClientPool,
  options: TestOptions = {},
): void {
  const register = registerTest(options);
  const test = (
    claim: string,
    run: (pool: ClientPool, sample: SamplePool) => Promise<void>,
    rule?: "scaffold",
  ) =>
    register(`${name} ${claim}`, async () => {
      const sample = await poolOptions(rule);
      await using pool = await start(sample.options);
      await run(pool, sample);
    });

  test(
    "gives outcomes in the order of the jobs, and the same bytes for the same job",
    async (pool, sample) => {
      await pool.publish(inputOf(sample));
      const ranks = Array.from({ length: 3 * CLIENTS }, (_, i) => 1 + (i * 5) % CLIENTS);
      const outcomes = await train(pool, ranks);
      assertEquals(outcomes.map(({ rank }) => rank), ranks);
      const first = new Map(outcomes.map(({ rank, outcome }) => [rank, outcome]));
      for (const { rank, outcome } of outcomes) {
        assertEquals(outcome, first.get(rank));
        assertEquals(outcome.update.length, sample.options.manifest.length);
        assertEquals(outcome.result.numSamples, sample.options.parts[rank - 1]?.length);
        assertEquals(Object.keys(outcome.result.metrics), ["accuracy"]);
        assert(Number.isFinite(outcome.result.loss));
        assertEquals(outcome.own, undefined);
      }
      assert(first.get(1)?.update.some((value, i) => value !== first.get(2)?.update[i]));
    },
  );

  test("trains a client by settings of its own", async (pool, sample) => {
    await pool.publish(inputOf(sample));
    const [plain, own] = await train(pool, [1, CLIENTS]);
    assertEquals(plain?.outcome.result.steps, 1);
    // 3 epochs of 30 rows in batches of 5.
    assertEquals(own?.outcome.result.steps, 18);
  });

  test("copies the published input, and uses the one published last", async (pool, sample) => {
    const input = inputOf(sample);
    const parameters = input.parameters.slice();
    await pool.publish({ ...input, parameters });
    parameters.fill(1);
    const [first] = await train(pool, [1]);
    await pool.publish({ ...input, parameters });
    const [other] = await train(pool, [1]);
    await pool.publish(input);
    const [again] = await train(pool, [1]);
    assertEquals(again, first);
    assert(other?.outcome.update.some((value, i) => value !== first?.outcome.update[i]));
  });

  test("gives back the vector that a client keeps, and trains with it", async (pool, sample) => {
    const control = new Float32Array(sample.parameters.length).fill(0.01);
    await pool.publish({ ...inputOf(sample), control });
    const [first] = await train(pool, [1]);
    const own = first?.outcome.own;
    assert(own !== undefined && own.some((value) => value !== 0));
    const kept = own.slice();
    const [second] = await train(pool, [1, 2], (rank) => rank === 1 ? kept : undefined);
    assertEquals(kept, own);
    assert(second?.outcome.update.some((value, i) => value !== first?.outcome.update[i]));
    const [third] = await train(pool, [1]);
    assertEquals(third, first);
    await pool.publish({ ...inputOf(sample), control: control.fill(0) });
    const [other] = await train(pool, [1]);
    assert(other?.outcome.update.some((value, i) => value !== first?.outcome.update[i]));
  }, "scaffold");

  test(
    "evaluates the test data piece by piece, with counts, and each client's data",
    async (pool, sample) => {
      await pool.publish(inputOf(sample));
      const { counts: length, parts } = sample.options;
      const jobs: ClientJob[] = [
        { kind: "test", from: 0, to: 50 },
        { kind: "test", from: 50, to: TEST_ROWS },
        { kind: "evaluate", round: 1, rank: 2 },
      ];
      const counts = new Uint32Array(length), samples: number[] = [];
      let right = 0;
      await pool.run(jobs, {
        take: (job, outcome) => {
          assert(outcome.kind === "evaluated", outcome.kind);
          const { numSamples, loss, accuracy = NaN } = outcome.result;
          samples.push(numSamples);
          assert(loss > 0 && accuracy >= 0 && accuracy <= 1);
          assertEquals(outcome.counts === undefined, job.kind === "evaluate");
          if (job.kind === "test") right += accuracy * numSamples;
          outcome.counts?.forEach((count, i) => counts[i] = (counts[i] ?? 0) + count);
        },
      });
      assertEquals(samples, [50, TEST_ROWS - 50, parts[1]?.length]);
      assertEquals(counts.reduce((sum, count) => sum + count), TEST_ROWS);
      const classes = Math.floor(Math.sqrt(length));
      const diagonal = Array.from(
        { length: classes },
        (_, i) => counts[i * (classes + 1) + i] ?? 0,
      );
      assertEquals(
        diagonal.reduce((sum, count) => sum + count),
        Math.round(right),
      );
    },
  );

  test("gives the reason of a job that fails, and does the others", async (pool, sample) => {
    const { parameters } = sample;
    await pool.publish({
      ...inputOf(sample),
      parameters: parameters.map((_, i) => i % 2 ? 3e38 : -3e38),
    });
    const [refused] = await outcomesOf(pool, [{ kind: "train", round: 1, rank: 1 }]);
    assert(refused?.kind === "failed" && refused.stays);
    assert(refused.reason.startsWith("Cannot train on these parameters"), refused.reason);
    await pool.publish(inputOf(sample));
    const outcomes = await outcomesOf(
      pool,
      [1, CLIENTS + 1, 2].map((rank) => ({ kind: "train", round: 1, rank })),
    );
    assertEquals(outcomes.map(({ kind }) => kind), ["trained", "failed", "trained"]);
    const [, failed] = outcomes;
    assert(failed?.kind === "failed" && !failed.stays);
    assert(!failed.reason.includes("\n") && failed.reason.length > 10, failed.reason);
  });

  test("rejects with the reason of the signal, also while jobs run", async (pool, sample) => {
    await pool.publish(inputOf(sample));
    const controller = new AbortController();
    const reason = new Error("The run was stopped");
    const jobs = Array.from({ length: 10_000 }, (_, i) => ({
      kind: "train" as const,
      round: 1,
      rank: 1 + i % CLIENTS,
    }));
    let taken = 0;
    const error = await assertRejects(() =>
      pool.run(jobs, {
        signal: controller.signal,
        take: () => {
          if (++taken === 3) controller.abort(reason);
        },
      })
    );
    assertStrictEquals(error, reason);
    assert(taken < jobs.length);
  });

  test("rejects with what take() throws", async (pool, sample) => {
    await pool.publish(inputOf(sample));
    const thrown = new Error("The server cannot take it");
    const error = await assertRejects(() =>
      pool.run([{ kind: "train", round: 1, rank: 1 }, { kind: "train", round: 1, rank: 2 }], {
        take: () => {
          throw thrown;
        },
      })
    );
    assertStrictEquals(error, thrown);
  });

  test("does no job at all, and ends while nothing was asked of it", async (pool) => {
    await pool.run([], { take: () => {} });
  });
}

/** Trains clients and returns the outcomes, with copies of their vectors. */
async function train(
  pool: ClientPool,
  ranks: readonly number[],
  own?: (rank: number) => Float32Array<ArrayBuffer> | undefined,
): Promise<{ rank: number; outcome: Trained }[]> {
  const outcomes: { rank: number; outcome: Trained }[] = [];
  await pool.run(ranks.map((rank) => ({ kind: "train" as const, round: 1, rank })), {
    ...(own && { own: ({ rank }: { rank: number }) => own(rank) }),
    take: ({ rank }, outcome) => {
      assert(outcome.kind === "trained", JSON.stringify(outcome));
      const { update, own } = outcome;
      const copies = {
        update: Float32Array.from(update),
        ...(own && { own: Float32Array.from(own) }),
      };
      outcomes.push({ rank, outcome: { ...outcome, ...copies } });
    },
  });
  return outcomes;
}

/** Does jobs and returns their outcomes, whose vectors are no longer valid. */
async function outcomesOf(pool: ClientPool, jobs: readonly ClientJob[]): Promise<JobOutcome[]> {
  const outcomes: JobOutcome[] = [];
  await pool.run(jobs, { take: (_, outcome) => outcomes.push(outcome) });
  return outcomes;
}
