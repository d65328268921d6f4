import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import process from "node:process";
import {
  AckPolicy,
  connect,
  getSha256Backend,
  jetstream,
  JetStreamApiError,
  jetstreamManager,
  Kvm,
  type NatsConnection,
  type ObjectStore,
  Objm,
  RetentionPolicy,
  setSha256Backend,
} from "../../src/cluster/deps.ts";
import { connectCluster } from "../../src/cluster/connect.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

/** Parts of Deno and of the clients of NATS that the cluster needs, for changes of either. */

/** Bytes of an object, those of a model of a million parameters. */
const OBJECT_BYTES = 4_000_000;

/** A test with a connection to a server of its own. */
function testConnected(claim: string, test: (connection: NatsConnection) => Promise<void>): void {
  testWithNats(claim, async (server) => {
    const connection = await connect({ servers: server.url });
    try {
      await test(connection);
    } finally {
      await connection.close();
    }
  });
}

testConnected("the engine connects, publishes and answers requests", async (connection) => {
  connection.subscribe("double", {
    callback: (error, message) => {
      if (error === null) message.respond(String(2 * Number(message.string())));
    },
  });
  assertEquals((await connection.request("double", "21")).string(), "42");
});

testConnected("the engine delivers again what was not acknowledged", async (connection) => {
  const manager = await jetstreamManager(connection), stream = jetstream(connection);
  const subjects = ["job.>"];
  await manager.streams.add({ name: "jobs", subjects, retention: RetentionPolicy.Workqueue });
  await manager.consumers.add("jobs", {
    durable_name: "train",
    ack_policy: AckPolicy.Explicit,
    ack_wait: 200e6,
  });
  const first = await stream.publish("job.1", "a", { msgID: "1" });
  const second = await stream.publish("job.1", "a", { msgID: "1" });
  assertEquals([first.duplicate, second.duplicate], [false, true]);
  const consumer = await stream.consumers.get("jobs", "train");
  const delivered = await consumer.next();
  assertEquals(delivered?.info.deliveryCount, 1);
  const again = await consumer.next();
  assertEquals([again?.string(), again?.info.deliveryCount], ["a", 2]);
  assert(await again?.ackAck());
  assertEquals((await manager.streams.info("jobs")).state.messages, 0);
});

testWithNats("connectCluster() makes the engine hash natively", async (server) => {
  setSha256Backend("js");
  await using _ = await connectCluster({ url: server.url });
  assertEquals(getSha256Backend(), "native");
});

testConnected("the engine compares the revision before it changes a value", async (connection) => {
  const values = await new Kvm(connection).create("values");
  const first = await values.create("lease", "mine");
  const second = await values.update("lease", "mine still", first);
  await assertRejects(() => values.update("lease", "theirs", first), JetStreamApiError);
  await assertRejects(() => values.create("lease", "theirs"), JetStreamApiError);
  const found = await values.get("lease");
  assertEquals([found?.string(), found?.revision], ["mine still", second]);
});

/** Puts and gets an object; returns the seconds of processor time that took. */
async function putAndGet(store: ObjectStore, name: string, bytes: Uint8Array): Promise<number> {
  const before = process.cpuUsage();
  const source = ReadableStream.from([bytes]);
  await store.put({ name, options: { max_chunk_size: 512 * 1024 } }, source);
  const found = await store.get(name);
  assert(found !== null);
  let length = 0;
  for await (const chunk of found.data) length += chunk.length;
  assertEquals(await found.error ?? length, bytes.length);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

testConnected(
  "the engine hashes objects natively, in less than half of the time",
  async (connection) => {
    const bytes = crypto.getRandomValues(new Uint8Array(64 * 1024));
    const object = new Uint8Array(OBJECT_BYTES).map((_, at) => bytes[at % bytes.length] ?? 0);
    const store = await new Objm(connection).create("vectors");
    const seconds = { js: Infinity, native: Infinity };
    const before = getSha256Backend();
    try {
      for (const backend of ["js", "native", "js", "native"] as const) {
        setSha256Backend(backend);
        seconds[backend] = Math.min(seconds[backend], await putAndGet(store, backend, object));
      }
    } finally {
      setSha256Backend(before);
    }
    const told = JSON.stringify(seconds);
    assert(seconds.native < seconds.js / 2, `seconds of processor time: ${told}`);
  },
);
