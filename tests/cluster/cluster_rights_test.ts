import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import type { Role } from "../../src/cluster/config/roles.ts";
import { ClusterError } from "../../src/cluster/cluster_error.ts";
import { clusterPool } from "../../src/cluster/cluster_pool.ts";
import { type Cluster, connectCluster } from "../../src/cluster/connect.ts";
import { DataStore } from "../../src/cluster/data_store.ts";
import { errors } from "../../src/cluster/deps.ts";
import { doneSubject, endedSubject, eventSubject, jobSubject } from "../../src/cluster/names.ts";
import { runMachine } from "../../src/cluster/machine.ts";
import { provision } from "../../src/cluster/provision.ts";
import { Vectors } from "../../src/cluster/vectors.ts";
import type { StartClientPool } from "../../src/sim/client_pool.ts";
import {
  digits,
  initialParameters,
  mlp,
  parseStrategy,
  partitionDirichlet,
  Simulation,
  SyncParameterServerHandler,
} from "../../mod.ts";
import { ClusterServer } from "../helpers/cluster_server.ts";
import { Machines } from "../helpers/machines.ts";
import { testNeedingNats } from "../helpers/test_with_nats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Subjects of what a user sends in its own name. */
function ownSubjects(user: string): Record<"done" | "ended" | "vector" | "presence", string> {
  return {
    done: doneSubject({ session: "s", list: 0, block: 0, key: "k" }, `${user}.m`),
    ended: endedSubject("s", `${user}.m`),
    vector: `fedlab.vector.s.${user}.name.0`,
    presence: `$KV.fedlab-machines.s.${user}.m`,
  };
}

/** Subjects that each role may publish to, and of those which the others may too. */
function allowed(user: string): Readonly<Record<Role, readonly string[]>> {
  const own = ownSubjects(user), others = ownSubjects("UOTHER");
  return {
    worker: [...Object.values(own), "$JS.ACK.fedlab-jobs.s.1.1.1.1.0"],
    coordinator: [
      ...[jobSubject("s", 0, 0), own.vector, others.vector, eventSubject("run")],
      ...["$KV.fedlab-sessions.s", "$KV.fedlab-leases.s", "$KV.fedlab-runs.run"],
      ...["$O.fedlab-data.C.x", "$O.fedlab-checkpoints.C.x", "$JS.API.STREAM.PURGE.fedlab-jobs"],
      ...["$JS.API.STREAM.CREATE.fedlab-jobs", "$JS.API.CONSUMER.CREATE.fedlab-jobs.s"],
    ],
    watcher: ["$JS.API.DIRECT.GET.fedlab-events", "$JS.API.STREAM.INFO.fedlab-events"],
  };
}

/** Subjects that nobody may publish to. */
const NOBODY: readonly string[] = [
  ...[ownSubjects("UOTHER").done, ownSubjects("UOTHER").ended, ownSubjects("UOTHER").presence],
  ...["other", "fedlab", "$SYS.REQ.SERVER.PING", "_INBOX.somebody", "$JS.API.STREAM.LIST"],
  ...["$JS.API.STREAM.CREATE.other", "$JS.API.STREAM.DELETE.other", "$JS.API.STREAM.NAMES"],
];

/** Tries to publish to each subject, and closes the connection; returns the refused subjects. */
async function refusedOf(
  { connection }: Cluster,
  subjects: readonly string[],
): Promise<string[]> {
  const refused: string[] = [];
  const following = (async () => {
    for await (const status of connection.status()) {
      if (status.type !== "error") continue;
      const { error } = status;
      if (error instanceof errors.PermissionViolationError) refused.push(error.subject);
    }
  })();
  for (const subject of subjects) connection.publish(subject);
  // The server has answered all that came before.
  await connection.flush();
  await connection.flush();
  await connection.close();
  await following;
  return refused;
}

testNeedingNats("each role publishes to its own subjects alone", async () => {
  await using server = await ClusterServer.start();
  for (const role of ["coordinator", "worker", "watcher"] as const) {
    await using cluster = await connectCluster(server.access(`${role}-1`));
    const may = allowed(cluster.user), all = [...new Set(Object.values(may).flat()), ...NOBODY];
    const expected = all.filter((subject) => !may[role].includes(subject));
    // All of them may read events; the coordinator also makes them.
    const reads = may.watcher.filter(() => role === "coordinator");
    assertEquals(
      (await refusedOf(cluster, all)).sort(),
      expected.filter((subject) => !reads.includes(subject)).sort(),
      role,
    );
  }
});

testNeedingNats("a user hears neither the answers nor the jobs of others", async () => {
  await using server = await ClusterServer.start();
  await using worker = await connectCluster(server.access("worker-1"));
  await using watcher = await connectCluster(server.access("watcher-1"));
  const cases: [Cluster, string][] = [
    ...["_INBOX.>", ">", "fedlab.job.>", "fedlab.event.>", "$KV.>"].map((subject) =>
      [worker, subject] as [Cluster, string]
    ),
    ...["_INBOX.>", ">", "fedlab.job.>", "fedlab.done.>", "fedlab.vector.>"].map((subject) =>
      [watcher, subject] as [Cluster, string]
    ),
  ];
  for (const [{ connection }, subject] of cases) {
    const told = Promise.withResolvers<Error | null>();
    connection.subscribe(subject, { callback: (error) => told.resolve(error) });
    assert(await told.promise instanceof errors.PermissionViolationError, subject);
  }
});

testNeedingNats("a worker makes, empties and removes no stream, and stores no data", async () => {
  await using server = await ClusterServer.start();
  await using coordinator = await connectCluster(server.access("coordinator-1"));
  await provision(coordinator);
  const stored = await new DataStore(coordinator).put([new Uint8Array(1000).fill(7)]);
  await using worker = await connectCluster(server.access("worker-1"));
  const { streams, consumers } = worker.manager;
  const refused = [
    () => streams.add({ name: "mine", subjects: ["mine"] }),
    () => streams.purge("fedlab-jobs"),
    () => streams.delete("fedlab-jobs"),
    () => streams.info("fedlab-runs"),
    () => consumers.add("fedlab-jobs", { durable_name: "mine" }),
    () => consumers.delete("fedlab-jobs", "session"),
  ];
  for (const [i, call] of refused.entries()) {
    await assertRejects(call, Error, undefined, `${i}`);
  }
  const error = await assertRejects(
    () => new DataStore(worker).put([new Uint8Array(1000).fill(8)]),
    ClusterError,
  );
  assertEquals(error.fault, "not-authorized");
  assertEquals(await new DataStore(worker).get(stored), new Uint8Array(1000).fill(7));
  const vectors = new Vectors(worker, "session");
  const vector = await vectors.put([new Float32Array(300_000).fill(3)]);
  assertEquals((await vectors.get(vector, 2 ** 22)).length, 1_200_000);
});

testNeedingNats(
  "users without a key, with another one, and servers of others are refused",
  async () => {
    await using server = await ClusterServer.start();
    await using other = await ClusterServer.start();
    const access = server.access("worker-1");
    const cases: [ClusterError["fault"], Partial<typeof access>][] = [
      ["not-authorized", { nkey: undefined }],
      ["not-authorized", { nkey: other.access("worker-1").nkey }],
      ["unreachable", { tls: other.access("worker-1").tls }],
      ["unreachable", { url: access.url.replace("127.0.0.1", "localhost") }],
    ];
    for (const [fault, changed] of cases) {
      const error = await assertRejects(
        () => connectCluster({ ...access, ...changed }),
        ClusterError,
      );
      assertEquals(error.fault, fault, error.message);
      assertEquals(error.message.split("\n").length, 1);
    }
  },
);

testNeedingNats("a machine with the key of a watcher says so, and ends", async () => {
  await using server = await ClusterServer.start();
  const { fault, message } = await assertRejects(
    () => runMachine(server.access("watcher-1")),
    ClusterError,
  );
  assertEquals([fault, message.split("\n").length], ["not-authorized", 1]);
  assert(message.includes("the key has no right to this"), message);
});

testNeedingNats("an account stores no more than its quota, in one line", async () => {
  await using server = await ClusterServer.start({ maxStore: "5MB" });
  await using coordinator = await connectCluster(server.access("coordinator-1"));
  await provision(coordinator);
  const error = await assertRejects(
    () => new DataStore(coordinator).put([new Uint8Array(8_000_000)]),
    ClusterError,
  );
  assertEquals([error.fault, error.message.split("\n").length], ["store-full", 1]);
  assertEquals((await new DataStore(coordinator).put([new Uint8Array(1000)])).bytes, 1000);
});

testNeedingNats(
  "a simulation over TLS, with keys of each role, has the digest of one here",
  async () => {
    const model = mlp({ inputShape: [8, 8, 1], numClasses: 10, hiddenUnits: 12 });
    const train = await digits();
    const parts = partitionDirichlet(train, 6, { alpha: 1, seed: 5 });
    const digestWith = async (pool?: StartClientPool) => {
      const handler = new SyncParameterServerHandler({
        ...await initialParameters(model, 5),
        ...{ model, strategy: parseStrategy("scaffold"), plan: { learningRate: 0.05 } },
        ...{ fraction: 0.7, seed: 5 },
      });
      const options = { train, parts, rounds: 2, workers: 1, ...(pool && { pool }) };
      return (await new Simulation(handler, options).run()).modelDigest;
    };
    await using server = await ClusterServer.start();
    await using machines = new Machines(server.server.url, 0);
    for (const user of ["worker-1", "worker-2"]) {
      machines.add({ ...server.access(user), name: user });
    }
    const digest = await digestWith(clusterPool(server.access("coordinator-1")));
    assertEquals(digest, await digestWith());
  },
);
