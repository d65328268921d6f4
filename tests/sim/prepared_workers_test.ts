import { assertEquals } from "jsr:@std/assert@1.0.19";
import { PreparedWorkers, WorkerPool } from "../../src/sim/mod.ts";
import { takePrepared } from "../../src/sim/prepared_workers.ts";
import { warmUp } from "../../src/sim/warm_up.ts";
import { testClientPool } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

testClientPool(
  "WorkerPool of prepared workers",
  (options) => WorkerPool.start(options, new PreparedWorkers(1)),
);

Deno.test("WorkerPool takes prepared workers first, and starts the others itself", async () => {
  const { poolOptions, inputOf } = await import("../../src/testing/pool/samples.ts");
  const sample = await poolOptions();
  await using prepared = new PreparedWorkers(1);
  await using pool = await WorkerPool.start({ ...sample.options, workers: 3 }, prepared);
  await pool.publish(inputOf(sample));
  const kinds: string[] = [];
  await pool.run([1, 2, 3, 4].map((rank) => ({ kind: "train" as const, round: 1, rank })), {
    take: (_, { kind }) => kinds.push(kind),
  });
  assertEquals(kinds, Array(4).fill("trained"));
  assertEquals(takePrepared(prepared, 1).length, 0);
});

testClientPool(
  "WorkerPool of workers that warm up",
  (options) => WorkerPool.start(options, new PreparedWorkers(1, { warmsUp: true })),
);

Deno.test("warmUp() ends at its signal, and else by itself", async () => {
  await warmUp(AbortSignal.abort());
  await warmUp(new AbortController().signal);
});

Deno.test("PreparedWorkers end when no pool takes them", async () => {
  await using _prepared = new PreparedWorkers(2);
  await using _warm = new PreparedWorkers(1, { warmsUp: true });
});
