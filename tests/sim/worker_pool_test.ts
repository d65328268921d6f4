import { assert, assertEquals, assertMatch } from "jsr:@std/assert@1.0.19";
import { resolveBuild } from "../../src/params/build.ts";
import type { ClientJob } from "../../src/sim/client_pool.ts";
import { WorkerPool } from "../../src/sim/mod.ts";
import { inputOf, poolOptions } from "../../src/testing/pool/samples.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Bytes of all updates of some jobs, more than a pool has slots, on a number of threads. */
async function updatesOn(workers: number, build = resolveBuild("auto")): Promise<Uint8Array[]> {
  const sample = await poolOptions(), updates: Uint8Array[] = [];
  await using pool = await WorkerPool.start({ ...sample.options, workers, build });
  await pool.publish(inputOf(sample));
  const jobs = Array.from(
    { length: 300 },
    (_, i): ClientJob => ({ kind: "train", round: 1, rank: 1 + i % 5 }),
  );
  await pool.run(jobs, {
    take: (_, outcome) => {
      assert(outcome.kind === "trained", outcome.kind);
      updates.push(new Uint8Array(Float32Array.from(outcome.update).buffer));
    },
  });
  return updates;
}

Deno.test("WorkerPool makes the same of more jobs than slots on one thread, on two and on four", async () => {
  const alone = await updatesOn(1);
  assertEquals(alone.length, 300);
  for (const workers of [2, 4]) assertEquals(await updatesOn(workers), alone);
});

Deno.test("WorkerPool trains on the build that it is told, also where the program has another", async () => {
  const others = (["simd128", "relaxed-simd"] as const).filter((build) =>
    build !== resolveBuild("auto")
  );
  for (const build of others) {
    assertEquals(await updatesOn(1, build), await updatesOn(2, build));
  }
});

Deno.test("WorkerPool checks the parameters of each round anew", async () => {
  const sample = await poolOptions(), input = inputOf(sample);
  await using pool = await WorkerPool.start({ ...sample.options, workers: 2 });
  const kinds: string[] = [];
  const job: ClientJob = { kind: "train", round: 1, rank: 1 };
  for (const first of [1, NaN, 1]) {
    const parameters = input.parameters.slice();
    parameters[0] = first;
    await pool.publish({ ...input, parameters });
    await pool.run([job], { take: (_, { kind }) => kinds.push(kind) });
  }
  assertEquals(kinds, ["trained", "failed", "trained"]);
});

Deno.test("WorkerPool on one thread lets timers run while it does jobs", async () => {
  const sample = await poolOptions();
  await using pool = await WorkerPool.start({ ...sample.options, workers: 1 });
  await pool.publish(inputOf(sample));
  const controller = new AbortController();
  const reason = new Error("The time is over");
  const timer = setTimeout(() => controller.abort(reason), 1);
  const jobs = Array.from(
    { length: 1_000_000 },
    (_, i): ClientJob => ({ kind: "train", round: 1, rank: 1 + i % 5 }),
  );
  const error = await pool.run(jobs, { signal: controller.signal, take: () => {} })
    .catch((error) => error);
  clearTimeout(timer);
  assertEquals(error, reason);
});

Deno.test("a program whose only worker has ended is told why, and does not end before", async () => {
  const program = new URL("../fixtures/lonely_pool.ts", import.meta.url).href;
  const args = ["run", "-A", "--no-check", program];
  const { stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  assertMatch(new TextDecoder().decode(stdout), /^Error: .*it ended before its main returned/);
});
