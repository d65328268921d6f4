import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { type Cluster, connectCluster } from "../../src/cluster/connect.ts";
import type { Block } from "../../src/cluster/job_message.ts";
import { inputOf, poolOptions, type SamplePool } from "../../src/testing/pool/samples.ts";
import { Hostile, outcome, trainedBy } from "../helpers/hostile_machine.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Pool, with machines `a`, `b`, … that the test plays. */
async function withMachines(
  url: string,
  sample: SamplePool,
  ids: readonly string[],
  test: (
    parts: { pool: ClusterPool; cluster: Cluster; machines: Hostile; notices: string[] },
  ) => Promise<void>,
): Promise<void> {
  const notices: string[] = [], onNotice = (line: string) => void notices.push(line);
  await using pool = await ClusterPool.start({ url, onNotice, patienceMillis: 1 }, sample.options);
  await using cluster = await connectCluster({ url });
  const machines = await Hostile.join(cluster);
  for (const id of ids) await machines.present(id);
  await test({ pool, cluster, machines, notices });
}

const result = { numSamples: 10, steps: 1, loss: 1, metrics: {} };
const failed = { kind: "failed", reason: "out of memory", stays: false };

/** Outcomes that would change the run if they were believed, and what is said of each. */
const DOUBTFUL: readonly (readonly [(block: Block, length: number) => Uint8Array, RegExp])[] = [
  [(block) => outcome(block, { outcomes: [failed] }, 0), /train of client 1 fails/],
  [
    (block) => outcome(block, { outcomes: [{ ...failed, stays: true }] }, 0),
    /train of client 1 cannot train/,
  ],
  [(block, length) => outcome(block, {}, length, NaN), /has values that are not finite/],
  ...[-1, 0, 11, 1e12].map((numSamples) =>
    [
      (block: Block, length: number) => {
        const outcomes = [{ kind: "trained", result: { ...result, numSamples }, hasOwn: false }];
        return outcome(block, { outcomes }, length);
      },
      /has (another number of rows|figures out of range)/,
    ] as const
  ),
];

testWithNats("a pool believes no machine alone that a client fails", async ({ url }) => {
  const sample = await poolOptions(), { length } = sample.options.manifest;
  const good = [new Float32Array(length).fill(0.5).join()];
  for (const [make, told] of DOUBTFUL) {
    await withMachines(url, sample, ["a", "b"], async ({ pool, machines, notices }) => {
      const training = trainedBy(pool, sample);
      await machines.answer((block) => make(block, length), "a");
      await machines.answer((block) => {
        assertEquals(block.others, ["anyone.a"]);
        return outcome(block, {}, length);
      }, "b");
      assertEquals(await training, good);
      const refused = notices.filter((line) => line.startsWith("Refused"));
      assertEquals(refused.length, 1, notices.join("\n"));
      assert(told.test(refused[0] ?? "") && refused[0]?.includes("named a"), refused[0]);
    });
  }
});

testWithNats(
  "a client fails where two machines say so, and is not asked twice",
  async ({ url }) => {
    const sample = await poolOptions();
    await withMachines(url, sample, ["a", "b", "c"], async ({ pool, machines }) => {
      const say = (as: string) =>
        machines.answer((block) => outcome(block, { outcomes: [failed] }, 0), as);
      const training = trainedBy(pool, sample);
      // The first says it again, against what it is asked: it counts once.
      for (const as of ["a", "a", "b"]) await say(as);
      assertEquals(await training, ["failed"]);
      const again = trainedBy(pool, sample);
      await say("c");
      assertEquals(await again, ["failed"]);
      assertEquals(pool.refused, 0);
    });
  },
);

testWithNats("the only machine is believed when it says the same again", async ({ url }) => {
  const sample = await poolOptions();
  await withMachines(url, sample, ["a"], async ({ pool, machines }) => {
    const training = trainedBy(pool, sample);
    for (let i = 0; i < 2; i++) {
      await machines.answer((block) => {
        assertEquals(block.others, undefined);
        return outcome(block, { outcomes: [failed] }, 0);
      }, "a");
    }
    assertEquals(await training, ["failed"]);
  });
});

testWithNats("a machine that withholds a client's own vector is refused", async ({ url }) => {
  const sample = await poolOptions("scaffold"), { length } = sample.options.manifest;
  await withMachines(url, sample, ["a", "b"], async ({ pool, machines, notices }) => {
    const training = trainedBy(pool, sample);
    await machines.answer((block) => outcome(block, {}, length), "a");
    const outcomes = [{ kind: "trained", result, hasOwn: true }];
    await machines.answer((block) => outcome(block, { outcomes }, 2 * length), "b");
    assertEquals((await training).length, 1);
    assert(notices.some((line) => /has no vector of the client's own/.test(line)));
  });
});

testWithNats("counts and rows of an evaluation are those of its job", async ({ url }) => {
  const sample = await poolOptions();
  await withMachines(url, sample, ["a", "b"], async ({ pool, machines }) => {
    await pool.publish(inputOf(sample));
    const kinds: string[] = [];
    const running = pool.run([{ kind: "test", from: 0, to: 120 }], {
      take: (_, { kind }) => void kinds.push(kind),
    });
    const say = (as: string, numSamples: number, counts: number) =>
      machines.answer((block) => {
        const result = { numSamples, loss: 1, accuracy: 0.5 };
        const outcomes = [{ kind: "evaluated", result, hasCounts: counts > 0 }];
        return outcome(block, { outcomes }, counts);
      }, as);
    await say("a", 119, sample.options.counts);
    await say("b", 120, 0);
    await say("a", 120, sample.options.counts);
    await running;
    assertEquals([kinds, pool.refused], [["evaluated"], 2]);
  });
});

testWithNats("a run ends where two machines give up on a block, not by one", async ({ url }) => {
  const sample = await poolOptions(), { length } = sample.options.manifest;
  await withMachines(url, sample, ["a", "b"], async ({ pool, machines }) => {
    const giveUp = (block: Block) => outcome(block, { failure: "out of memory" }, 0);
    const training = trainedBy(pool, sample);
    await machines.answer(giveUp, "a");
    await machines.answer((block) => outcome(block, {}, length), "b");
    assertEquals((await training).length, 1);
    const ended = trainedBy(pool, sample).then(() => "trained", (error) => error.message);
    await machines.answer(giveUp, "a");
    await machines.answer(giveUp, "b");
    assertEquals(
      await ended,
      "Cannot go on: machine named b gives up on a block of jobs: out of memory",
    );
  });
});

testWithNats("machines give up where the server has no room for that", async ({ url }) => {
  const sample = await poolOptions();
  await withMachines(url, sample, ["a", "b"], async ({ pool, machines }) => {
    const ended = trainedBy(pool, sample).then(() => "trained", (error) => error.message);
    for (const as of ["a", "b"]) {
      const { block: { list, block, key }, message } = await machines.take();
      // One of an earlier attempt, whatever it says, is of no account.
      machines.tell({ list, block, key: "0", failure: "nonsense" }, "c");
      machines.tell({ list, block, key, failure: "its store is full" }, as);
      message.ack();
    }
    assertEquals(
      await ended,
      "Cannot go on: machine named b gives up on a block of jobs: its store is full",
    );
  });
});

testWithNats(
  "a block is posted again that a machine acknowledges and never does",
  async ({ url }) => {
    const sample = await poolOptions(), { length } = sample.options.manifest;
    await withMachines(url, sample, ["a", "b"], async ({ pool, machines }) => {
      const training = trainedBy(pool, sample);
      const { message } = await machines.take();
      await message.ackAck();
      await machines.answer((block) => outcome(block, {}, length), "b");
      assertEquals((await training).length, 1);
    });
  },
);

testWithNats(
  "a block that a machine holds for ever is given to an idle one too",
  async ({ url }) => {
    const sample = await poolOptions(), { length } = sample.options.manifest;
    await withMachines(url, sample, ["a", "b"], async ({ pool, machines }) => {
      const training = trainedBy(pool, sample);
      const { message, block } = await machines.take();
      const working = setInterval(() => message.working(), 200);
      try {
        // The request of an idle machine waits at the server.
        await machines.answer((again) => {
          assertEquals([again.block, again.key], [block.block, block.key]);
          return outcome(again, {}, length);
        }, "b");
        assertEquals((await training).length, 1);
      } finally {
        clearInterval(working);
        message.ack();
      }
    });
  },
);

testWithNats("outcomes of an earlier attempt do not count, whoever sends them", async ({ url }) => {
  const sample = await poolOptions(), { length } = sample.options.manifest;
  await withMachines(url, sample, ["a", "b"], async ({ pool, machines }) => {
    const training = trainedBy(pool, sample);
    const { block, message } = await machines.take();
    await machines.send(block, new Uint8Array(9), "a");
    message.ack();
    const { block: second, message: other } = await machines.take();
    // Late ones: before the answer of the second attempt, and after it.
    for (const value of [0.25, 0.75]) {
      await machines.send(block, outcome(block, {}, length, value), "c");
    }
    await machines.send(second, outcome(second, {}, length), "b");
    await machines.send(block, outcome(block, {}, length, 0.125), "d");
    other.ack();
    assertEquals(await training, [new Float32Array(length).fill(0.5).join()]);
  });
});
