import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { type Cluster, connectCluster } from "../../src/cluster/connect.ts";
import { headers } from "../../src/cluster/deps.ts";
import { type Block, readBlock } from "../../src/cluster/job_message.ts";
import {
  doneSubject,
  endedSubject,
  JOBS_STREAM,
  SESSIONS_BUCKET,
} from "../../src/cluster/names.ts";
import { ownBytes, parcelBytes, readParcel } from "../../src/cluster/parcel.ts";
import { openBucket } from "../../src/cluster/provision.ts";
import { inputOf, poolOptions, type SamplePool } from "../../src/testing/pool/samples.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Machine that says what it likes. */
class Hostile {
  constructor(readonly cluster: Cluster, readonly session: string) {}

  /** Joins the only session. */
  static async join(cluster: Cluster): Promise<Hostile> {
    const entries = await openBucket(cluster, SESSIONS_BUCKET);
    for await (const id of await entries.keys()) return new Hostile(cluster, id);
    throw new Error("There is no session");
  }

  /** Takes a block and answers with bytes. */
  async answer(make: (block: Block) => Uint8Array): Promise<void> {
    const { stream, connection } = this.cluster;
    const consumer = await stream.consumers.get(JOBS_STREAM, this.session);
    const message = await consumer.next();
    assert(message !== null);
    const block = readBlock(readParcel(ownBytes(message.data)).head);
    const subject = doneSubject(this.session, block.list, block.block);
    const head = headers();
    head.set("Fedlab-Attempt", `${block.attempt}`);
    await stream.publish(subject, make(block), { headers: head });
    const { list, block: number } = block;
    connection.publish(endedSubject(this.session), JSON.stringify({ list, block: number }));
    message.ack();
  }
}

/** Outcome of a block as an honest machine would send it, with other parts. */
function outcome(
  { list, block, attempt, jobs }: Block,
  other: object,
  values: number,
  value = 0.5,
): Uint8Array {
  const result = { numSamples: 10, steps: 1, loss: 1, metrics: {} };
  const outcomes = jobs.map(() => ({ kind: "trained", result, hasOwn: false }));
  const views = jobs.map(() => new Float32Array(values).fill(value));
  const done = { list, block, attempt, by: "hostile", millis: 1, outcomes, ...other };
  return parcelBytes(done, views);
}

const stored = { name: "a", from: 1, bytes: 2 ** 31, sha256: "0".repeat(64) };

/** Answers that cannot be used, with what is told of each. */
const ANSWERS: readonly (readonly [(block: Block, length: number) => Uint8Array, RegExp])[] = [
  [() => new Uint8Array(3), /Cannot read a message of the cluster/],
  [() => new Uint8Array([255, 255, 255, 255, 0]), /Cannot read a message of the cluster/],
  [(block, length) => outcome(block, {}, length - 1), /expected \d+ values, got fewer/],
  [(block, length) => outcome(block, {}, length + 1), /expected the vectors of \d+ outcomes/],
  [(block, length) => outcome(block, {}, length, NaN), /values that are not finite/],
  [(block, length) => outcome(block, { list: 7 }, length), /the outcome is of another block/],
  [(block, length) => outcome(block, { outcomes: [] }, length), /expected \d+ outcomes, got 0/],
  [(block) => outcome(block, { stored }, 0), /expected at most \d+ bytes, got 2147483648/],
  [(block) => outcome(block, { stored: { ...stored, bytes: 8 } }, 0), /part 0 is gone/],
  [(block) => outcome(block, { by: 7 }, 0), /Cannot read the outcome of a block/],
];

async function trainedBy(pool: ClusterPool, sample: SamplePool): Promise<string[]> {
  await pool.publish(inputOf(sample));
  const updates: string[] = [];
  await pool.run([{ kind: "train", round: 1, rank: 1 }], {
    take: (_, outcome) => {
      assert(outcome.kind === "trained", outcome.kind);
      updates.push(outcome.update.join());
    },
  });
  return updates;
}

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
  for (let attempt = 1; attempt <= 6; attempt++) await hostile.answer(() => new Uint8Array(9));
  const message = await training;
  assert(message.startsWith("Cannot go on: 6 outcomes of a block of jobs were refused"), message);
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
    const consumer = await cluster.stream.consumers.get(JOBS_STREAM, hostile.session);
    const message = await consumer.next();
    assert(message !== null);
    const block = readBlock(readParcel(ownBytes(message.data)).head);
    const head = headers();
    head.set("Fedlab-Attempt", "1");
    const subject = doneSubject(hostile.session, block.list, block.block);
    const options = { headers: head, msgID: `${subject}.1` };
    const bytes = outcome(block, {}, length);
    // Neither told of nor acknowledged: the block is delivered again, and its outcome comes twice.
    await cluster.stream.publish(subject, bytes, options);
    const again = await cluster.stream.publish(subject, bytes, options);
    assertEquals(again.duplicate, true);
    await running;
    assertEquals(taken, 1);
  },
);
