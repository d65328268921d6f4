import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { connectCluster } from "../../src/cluster/connect.ts";
import type { Block } from "../../src/cluster/job_message.ts";
import { doneSubject, jobSubject, MACHINES_BUCKET } from "../../src/cluster/names.ts";
import { parcelBytes } from "../../src/cluster/parcel.ts";
import { openBucket } from "../../src/cluster/provision.ts";
import { inputOf, poolOptions } from "../../src/testing/pool/samples.ts";
import { Hostile, outcome, trainedBy } from "../helpers/hostile_machine.ts";
import { Machines } from "../helpers/machines.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const stored = { name: "anyone.a", from: 1, bytes: 2 ** 31, sha256: "0".repeat(64) };

/** Answers that cannot be used, with what is told of each. */
const ANSWERS: readonly (readonly [(block: Block, length: number) => Uint8Array, RegExp])[] = [
  [() => new Uint8Array(3), /Cannot read a message of the cluster/],
  [() => new Uint8Array([255, 255, 255, 255, 0]), /Cannot read a message of the cluster/],
  [(block, length) => outcome(block, {}, length - 1), /expected \d+ values, got fewer/],
  [(block, length) => outcome(block, {}, length + 1), /expected the vectors of \d+ outcomes/],
  [(block, length) => outcome(block, { list: 7 }, length), /the outcome is of another block/],
  [(block, length) => outcome(block, { block: 1 }, length), /the outcome is of another block/],
  [(block, length) => outcome(block, { key: "0" }, length), /the outcome is of another block/],
  [(block, length) => outcome(block, { outcomes: [] }, length), /expected \d+ outcomes, got 0/],
  [(block) => outcome(block, { stored }, 0), /expected at most \d+ bytes, got 2147483648/],
  [(block) => outcome(block, { stored: { ...stored, bytes: 8 } }, 0), /part 0 is gone/],
  [(block) => outcome(block, { millis: "7" }, 0), /Cannot read the outcome of a block/],
];

testWithNats(
  "a pool refuses what a machine makes up, and gives the jobs to another",
  async ({ url }) => {
    const sample = await poolOptions(), notices: string[] = [];
    await using pool = await ClusterPool.start(
      { url, onNotice: (line) => notices.push(line) },
      sample.options,
    );
    await using cluster = await connectCluster({ url });
    const hostile = await Hostile.join(cluster), { length } = sample.options.manifest;
    for (const [make, told] of ANSWERS) {
      notices.length = 0;
      const training = trainedBy(pool, sample);
      await hostile.answer((block) => make(block, length));
      await hostile.answer((block) => outcome(block, {}, length));
      assertEquals(await training, [new Float32Array(length).fill(0.5).join()]);
      const refusals = notices.filter((line) => line.startsWith("Refused"));
      assertEquals(refusals.length, 1, notices.join("\n"));
      assert(refusals.every((line) => told.test(line) && !line.includes("\n")), refusals[0]);
    }
    assertEquals(pool.refused, ANSWERS.length);
  },
);

testWithNats("a pool ends where no machine gives an outcome that it can use", async ({ url }) => {
  const sample = await poolOptions();
  await using pool = await ClusterPool.start({ url }, sample.options);
  await using cluster = await connectCluster({ url });
  const hostile = await Hostile.join(cluster);
  const training = trainedBy(pool, sample).then(() => "trained", (error) => error.message);
  for (let i = 1; i <= 6; i++) await hostile.answer(() => new Uint8Array(9), `hostile${i}`);
  const message = await training;
  assert(message.startsWith("Cannot go on: 6 outcomes of a block of jobs were refused"), message);
});

testWithNats("a machine whose outcomes are refused in a row is left out", async ({ url }) => {
  const sample = await poolOptions(), notices: string[] = [];
  const onNotice = (line: string) => void notices.push(line);
  await using pool = await ClusterPool.start({ url, onNotice }, sample.options);
  await using cluster = await connectCluster({ url });
  const hostile = await Hostile.join(cluster), { length } = sample.options.manifest;
  await hostile.present("broken");
  await hostile.present("honest");
  const training = trainedBy(pool, sample);
  // An update that it makes up does not count either once it is left out.
  for (let i = 0; i < 3; i++) await hostile.answer(() => new Uint8Array(9), "broken");
  await hostile.answer((block) => {
    assertEquals(block.without, ["anyone.broken"]);
    return outcome(block, {}, length, 0.25);
  }, "broken");
  await hostile.answer((block) => outcome(block, {}, length), "honest");
  assertEquals(await training, [new Float32Array(length).fill(0.5).join()]);
  assertEquals(notices.filter((line) => /^Left out machine named broken: 3 /.test(line)).length, 1);
});

testWithNats("a machine that is left out takes no part, and the run goes on", async ({ url }) => {
  const sample = await poolOptions();
  await using pool = await ClusterPool.start({ url }, sample.options);
  await using machines = new Machines(url, 1);
  await using cluster = await connectCluster({ url });
  const { session } = await Hostile.join(cluster);
  const watch = await (await openBucket(cluster, MACHINES_BUCKET)).watch({ key: `${session}.>` });
  for await (const { key } of watch) {
    // The machine is sent a block that leaves it out, as another coordinator would write it.
    const block = { list: 99, block: 0, key: "k", own: [], jobs: [{ kind: "join", rank: 1 }] };
    const without = [key.slice(session.length + 1)];
    await cluster.stream.publish(jobSubject(session, 99, 0), parcelBytes({ ...block, without }));
    if (machines.notices.some((line) => line.startsWith("Cannot take part"))) break;
  }
  machines.add({ name: "another" });
  assertEquals((await trainedBy(pool, sample)).length, 1);
});

testWithNats(
  "a pool takes the outcome of a machine that dies before it says so, once",
  async ({ url }) => {
    const sample = await poolOptions(), { length } = sample.options.manifest;
    await using pool = await ClusterPool.start({ url }, sample.options);
    await using cluster = await connectCluster({ url });
    const hostile = await Hostile.join(cluster);
    await pool.publish(inputOf(sample));
    let taken = 0;
    const running = pool.run([{ kind: "train", round: 1, rank: 1 }], { take: () => void taken++ });
    const { block } = await hostile.take();
    const { session } = hostile, { list, block: number, key } = block;
    const subject = doneSubject({ session, list, block: number, key }, "anyone.one");
    const bytes = outcome(block, {}, length);
    // Neither told of nor acknowledged: the block is delivered again, and its outcome comes twice.
    await cluster.stream.publish(subject, bytes, { msgID: subject });
    const again = await cluster.stream.publish(subject, bytes, { msgID: subject });
    assertEquals(again.duplicate, true);
    await running;
    assertEquals(taken, 1);
  },
);
