import { assert } from "jsr:@std/assert@1.0.19";
import type { Cluster } from "../../src/cluster/connect.ts";
import type { JsMsg } from "../../src/cluster/deps.ts";
import { type Block, readBlock } from "../../src/cluster/job_message.ts";
import {
  doneSubject,
  endedSubject,
  JOBS_STREAM,
  MACHINES_BUCKET,
  SESSIONS_BUCKET,
} from "../../src/cluster/names.ts";
import { ownBytes, parcelBytes, readParcel } from "../../src/cluster/parcel.ts";
import { openBucket } from "../../src/cluster/provision.ts";
import type { ClientPool } from "../../src/sim/client_pool.ts";
import { inputOf, type SamplePool } from "../../src/testing/pool/samples.ts";

/** Machine that says what it likes. */
export class Hostile {
  constructor(readonly cluster: Cluster, readonly session: string) {}

  /** Joins the only session. */
  static async join(cluster: Cluster): Promise<Hostile> {
    const entries = await openBucket(cluster, SESSIONS_BUCKET);
    for await (const id of await entries.keys()) return new Hostile(cluster, id);
    throw new Error("There is no session");
  }

  /** Tells of a machine of an id, with one thread. */
  async present(id: string): Promise<void> {
    const machines = await openBucket(this.cluster, MACHINES_BUCKET);
    const state = JSON.stringify({ name: `named ${id}`, threads: 1 });
    await machines.put(`${this.session}.anyone.${id}`, state);
  }

  /** Takes a block. */
  async take(): Promise<{ readonly block: Block; readonly message: JsMsg }> {
    const consumer = await this.cluster.stream.consumers.get(JOBS_STREAM, this.session);
    const message = await consumer.next();
    assert(message !== null);
    return { block: readBlock(readParcel(ownBytes(message.data)).head), message };
  }

  /** Takes a block and answers with bytes, as a machine of an id. */
  async answer(make: (block: Block) => Uint8Array, as = "hostile"): Promise<void> {
    const { block, message } = await this.take();
    await this.send(block, make(block), as);
    message.ack();
  }

  /** Tells of a block without an outcome that is stored. */
  tell(ended: object, as = "hostile"): void {
    const { session, cluster: { connection } } = this;
    connection.publish(endedSubject(session, `anyone.${as}`), JSON.stringify(ended));
  }

  /** Sends bytes as the outcome of a block. */
  async send({ list, block, key }: Block, bytes: Uint8Array, as = "hostile"): Promise<void> {
    const { session, cluster: { stream } } = this;
    await stream.publish(doneSubject({ session, list, block, key }, `anyone.${as}`), bytes);
    this.tell({ list, block }, as);
  }
}

/** Outcome of a block as an honest machine would send it, with other parts. */
export function outcome(
  { list, block, key, jobs }: Block,
  other: object,
  values: number,
  value = 0.5,
): Uint8Array {
  const result = { numSamples: 10, steps: 1, loss: 1, metrics: {} };
  const outcomes = jobs.map(() => ({ kind: "trained", result, hasOwn: false }));
  const views = jobs.map(() => new Float32Array(values).fill(value));
  const done = { list, block, key, millis: 1, outcomes, ...other };
  return parcelBytes(done, views);
}

/** Trains client 1 on a pool and returns its outcome. */
export async function trainedBy(pool: ClientPool, sample: SamplePool): Promise<string[]> {
  await pool.publish(inputOf(sample));
  const updates: string[] = [];
  await pool.run([{ kind: "train", round: 1, rank: 1 }], {
    take: (_, outcome) =>
      void updates.push(outcome.kind === "trained" ? outcome.update.join() : outcome.kind),
  });
  return updates;
}
