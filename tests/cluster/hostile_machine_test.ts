import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { type Cluster, connectCluster } from "../../src/cluster/connect.ts";
import { headers } from "../../src/cluster/deps.ts";
import {
  ATTEMPT_HEADER,
  type Block,
  MACHINE_HEADER,
  readBlock,
} from "../../src/cluster/job_message.ts";
import {
  doneSubject,
  endedSubject,
  JOBS_STREAM,
  jobSubject,
  MACHINES_BUCKET,
  SESSIONS_BUCKET,
} from "../../src/cluster/names.ts";
import { ownBytes, parcelBytes, readParcel } from "../../src/cluster/parcel.ts";
import { openBucket } from "../../src/cluster/provision.ts";
import { inputOf, poolOptions, type SamplePool } from "../../src/testing/pool/samples.ts";
import { Machines } from "../helpers/machines.ts";
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

  /** Takes a block and answers with bytes, as a machine of an id. */
  async answer(make: (block: Block) => Uint8Array, as?: string): Promise<void> {
    const { stream, connection } = this.cluster;
    const consumer = await stream.consumers.get(JOBS_STREAM, this.session);
    const message = await consumer.next();
    assert(message !== null);
    const block = readBlock(readParcel(ownBytes(message.data)).head);
    const subject = doneSubject(this.session, block.list, block.block);
    const head = headers();
    head.set(ATTEMPT_HEADER, `${block.attempt}`);
    if (as !== undefined) head.set(MACHINE_HEADER, as);
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

testWithNats("a machine whose outcomes are refused in a row is left out", async ({ url }) => {
  const sample = await poolOptions(), notices: string[] = [];
  const onNotice = (line: string) => void notices.push(line);
  await using pool = await ClusterPool.start({ url, onNotice }, sample.options);
  await using cluster = await connectCluster({ url });
  const hostile = await Hostile.join(cluster), { length } = sample.options.manifest;
  const machines = await openBucket(cluster, MACHINES_BUCKET);
  const present = (id: string) =>
    machines.put(`${hostile.session}.${id}`, JSON.stringify({ name: `named ${id}`, threads: 1 }));
  await present("broken");
  await present("honest");
  const training = trainedBy(pool, sample);
  // An update that it makes up does not count either once it is left out.
  for (let i = 0; i < 3; i++) await hostile.answer(() => new Uint8Array(9), "broken");
  await hostile.answer((block) => {
    assertEquals(block.without, ["broken"]);
    return outcome(block, { by: "broken" }, length, 0.25);
  }, "broken");
  await hostile.answer((block) => outcome(block, { by: "honest" }, length), "honest");
  assertEquals(await training, [new Float32Array(length).fill(0.5).join()]);
  assertEquals(notices.filter((line) => /^Left out machine named broken: 3 /.test(line)).length, 1);
});

testWithNats("a machine that is left out takes no part, and the run goes on", async ({ url }) => {
  const sample = await poolOptions();
  await using pool = await ClusterPool.start({ url }, sample.options);
  await using machines = new Machines(url, 1);
  await using cluster = await connectCluster({ url });
  const { session } = await Hostile.join(cluster);
  const watch = await (await openBucket(cluster, MACHINES_BUCKET)).watch({ key: `${session}.*` });
  for await (const { key } of watch) {
    // The machine is sent a block that leaves it out, as another coordinator would write it.
    const block = { list: 99, block: 0, attempt: 1, own: [], jobs: [{ kind: "join", rank: 1 }] };
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
    const consumer = await cluster.stream.consumers.get(JOBS_STREAM, hostile.session);
    const message = await consumer.next();
    assert(message !== null);
    const block = readBlock(readParcel(ownBytes(message.data)).head);
    const head = headers();
    head.set(ATTEMPT_HEADER, "1");
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
