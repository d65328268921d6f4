import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { ClusterError, type ClusterFault } from "../../src/cluster/cluster_error.ts";
import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { connectCluster } from "../../src/cluster/connect.ts";
import { runMachine } from "../../src/cluster/mod.ts";
import { checkServer } from "../../src/cluster/server_check.ts";
import { inputOf, poolOptions } from "../../src/testing/pool/samples.ts";
import { freePort } from "../helpers/free_port.ts";
import { testNeedingNats, testWithNats } from "../helpers/test_with_nats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Asserts that a promise rejects with a fault, in one line that has the text. */
async function assertFault(
  promise: () => Promise<unknown>,
  fault: ClusterFault,
  text: string,
): Promise<void> {
  const error = await assertRejects(promise, ClusterError);
  assertEquals(error.fault, fault, error.message);
  assert(error.message.includes(text) && !error.message.includes("\n"), error.message);
}

testNeedingNats("connectCluster() tells of an address where nobody listens", async () => {
  const url = `nats://127.0.0.1:${freePort()}`;
  await assertFault(
    () => connectCluster({ url }),
    "unreachable",
    `Cannot reach the cluster at ${url}`,
  );
});

/** What a socket of Node has. */
interface NodeSocket {
  listeners(event: string): (() => void)[];
  removeAllListeners(): void;
  on(event: string, listener: () => void): void;
  emit(event: string, error: Error): void;
}

testWithNats(
  "an error of a socket to which the client does not listen ends no program",
  async ({ url }) => {
    await using cluster = await connectCluster({ url });
    const { protocol } = cluster.connection as unknown as {
      protocol: { transport: { socket: NodeSocket } };
    };
    const { socket } = protocol.transport, events = ["data", "end", "close", "error"];
    const all = events.map((event) => [event, socket.listeners(event)] as const);
    socket.removeAllListeners();
    socket.emit("error", new Error("read ECONNRESET"));
    for (const [event, listeners] of all) for (const one of listeners) socket.on(event, one);
  },
);

testWithNats(
  "connectCluster() tells of a server without JetStream",
  async ({ url }) => {
    await assertFault(() => connectCluster({ url }), "no-jetstream", "start nats-server with -js");
    await assertFault(() => runMachine({ url }), "no-jetstream", url);
  },
  { jetstream: false },
);

testWithNats("checkServer() tells of a server that is too old", async ({ url }) => {
  await using cluster = await connectCluster({ url });
  for (const version of ["2.9.25", "2.10.0-RC.1", "unknown"]) {
    const connection = { info: { ...cluster.connection.info, version } } as never;
    await assertFault(
      () => checkServer(url, connection, cluster.manager),
      "too-old",
      `expected nats-server 2.11.0 or newer, got ${version}`,
    );
  }
  for (const version of ["2.11.0", "2.15.3", "3.0.0"]) {
    const connection = { info: { ...cluster.connection.info, version } } as never;
    await checkServer(url, connection, cluster.manager);
  }
});

testWithNats(
  "connectCluster() tells of a key that the server refuses",
  async ({ url }) => {
    await assertFault(() => connectCluster({ url }), "not-authorized", "refuses the key");
  },
  { lines: `authorization { user: "a", password: "b" }` },
);

testWithNats(
  "a pool tells of a user without rights",
  async ({ url }) => {
    const { options } = await poolOptions();
    await assertFault(
      () => ClusterPool.start({ url }, options),
      "not-authorized",
      "the key has no right to this",
    );
  },
  {
    lines: `authorization { users: [{ user: "watcher", password: "w",
      permissions: { publish: ["none"], subscribe: [">"] } }] }
      no_auth_user: watcher`,
  },
);

testWithNats(
  "a pool tells of a store that is full",
  async ({ url }) => {
    const sample = await poolOptions();
    await using pool = await ClusterPool.start({ url }, sample.options);
    await pool.publish(inputOf(sample));
    const parameters = new Float32Array(1_000_000);
    await assertFault(
      async () => {
        // Each is another vector, and what is purged leaves room only for a moment.
        for (let i = 0; i < 20; i++) {
          await pool.publish({ ...inputOf(sample), parameters: parameters.fill(i) });
        }
      },
      "store-full",
      "its store is full",
    );
  },
  { jetstream: "max_mem: 1MB, max_file: 3MB" },
);
