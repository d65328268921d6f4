import { assert, assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { VERSION } from "../../src/base/version.ts";
import { ClusterCheckpoints } from "../../src/cluster/cluster_checkpoints.ts";
import { ClusterError } from "../../src/cluster/cluster_error.ts";
import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { ConductedRun } from "../../src/cluster/conducted_run.ts";
import { type Cluster, connectCluster } from "../../src/cluster/connect.ts";
import { Lease } from "../../src/cluster/lease.ts";
import {
  CHECKPOINT_STORE,
  JOBS_STREAM,
  LEASES_BUCKET,
  RUNS_BUCKET,
  SESSIONS_BUCKET,
} from "../../src/cluster/names.ts";
import { openBucket, provision } from "../../src/cluster/provision.ts";
import { removeSession, Sweeps } from "../../src/cluster/sweeps.ts";
import { inputOf, poolOptions } from "../../src/testing/pool/samples.ts";
import type { RunReport } from "../../mod.ts";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";
import { Machines } from "../helpers/machines.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

// It takes as long as the lease, and as a standby's second look.
testWithNats(
  "a coordinator that was silent until its run was over ends with one line",
  async (server) => {
    await using _machines = new Machines(server.url, 1);
    await inFolder(async (folder) => {
      const at = ["--cluster", server.url], rounds = ["--rounds", "60", "--seed", "3"];
      const run = ["--model", "lr", "--clients", "20", "--strategy", "scaffold", ...rounds];
      const alone = runCommand("simulate", [...run, "--out", "alone"], folder);
      const first = startCommand("simulate", [...run, ...at, "--out", "first"], folder);
      await first.said(/round 3 of 60/);
      first.process.kill("SIGSTOP");
      const other = startCommand("simulate", [...at, "--standby", "--out", "other"], folder);
      const [{ code }, outcome] = await Promise.all([alone, other.outcome]);
      assertEquals([code, outcome.code], [0, 0], outcome.stderr);
      first.process.kill("SIGCONT");
      const { code: late, stderr } = await first.outcome;
      assertEquals(late, 1);
      const lines = stderr.split("\n").filter((line) =>
        /^error: Cannot go on with the run/.test(line)
      );
      assertEquals(lines.length, 1, stderr);
      const digest = async (name: string) => {
        const text = await Deno.readTextFile(`${folder}/${name}/report.json`);
        return (JSON.parse(text) as RunReport).modelDigest;
      };
      assertEquals(await digest("other"), await digest("alone"));
    });
  },
);

/** Ends the lease of a session or run, as an absence of the server does. */
async function endLease(cluster: Cluster, key: string): Promise<void> {
  await (await openBucket(cluster, LEASES_BUCKET)).purge(key);
}

async function sessionIn(cluster: Cluster): Promise<string> {
  const keys = await (await openBucket(cluster, SESSIONS_BUCKET)).keys();
  const [id = ""] = await Array.fromAsync(keys);
  return id;
}

testWithNats("a session is not removed whose lease has just ended", async ({ url }) => {
  const { options } = await poolOptions();
  await using pool = await ClusterPool.start({ url }, options);
  await using cluster = await connectCluster({ url });
  await using other = new Sweeps(cluster);
  const id = await sessionIn(cluster);
  await endLease(cluster, id);
  await other.sweep();
  assertEquals((await cluster.manager.consumers.info(JOBS_STREAM, id)).name, id);
  while (await Lease.holder(cluster, id) === undefined) await new Promise((r) => setTimeout(r, 50));
  await other.sweep();
  assertEquals(await sessionIn(cluster), id);
  assert(pool.refused === 0);
});

testWithNats("a coordinator tells that its session was removed", async ({ url }) => {
  const sample = await poolOptions(), faults: string[] = [];
  const onFault = ({ fault }: ClusterError) => void faults.push(fault);
  await using pool = await ClusterPool.start({ url, run: "mine", onFault }, sample.options);
  await using cluster = await connectCluster({ url });
  const id = await sessionIn(cluster);
  await removeSession(cluster, id, await openBucket(cluster, SESSIONS_BUCKET));
  await endLease(cluster, id);
  await pool.publish(inputOf(sample));
  const running = pool.run([{ kind: "train", round: 1, rank: 1 }], { take: () => {} });
  const { message } = await assertRejects(() => running, ClusterError);
  assert(message.startsWith("Cannot go on with the run mine: this process was silent"), message);
  assertEquals(faults, ["two-coordinators"]);
  assertEquals(await Lease.holder(cluster, id), undefined);
});

testWithNats("a coordinator tells of a server that has lost what it had stored", async (server) => {
  const sample = await poolOptions(), { url } = server;
  await using pool = await ClusterPool.start({ url, run: "mine" }, sample.options);
  await pool.publish(inputOf(sample));
  const running = pool.run([{ kind: "train", round: 1, rank: 1 }], { take: () => {} });
  const ended = running.then(() => "trained", (error) => error.message);
  await server.kill();
  await Deno.remove(`${server.folder}/store`, { recursive: true });
  await server.restart();
  const message = await ended;
  assert(
    /^Cannot go on.*the server of the cluster at \S+ has lost what it had stored$/.test(message),
    message,
  );
});

testWithNats("a run stays for others where a standby cannot go on with it", async ({ url }) => {
  await using cluster = await connectCluster({ url });
  await provision(cluster);
  const runs = await openBucket(cluster, RUNS_BUCKET), { signal } = new AbortController();
  await runs.put("dead", JSON.stringify({ version: VERSION, notes: { a: 1 }, note: "mine" }));
  const entry = async () => (await runs.get("dead"))?.operation;
  {
    await using run = await ConductedRun.takeOver({ url }, signal);
    assertEquals([run.name, run.notes], ["dead", { a: 1 }]);
    await assertRejects(() => run.checkNote("another"), ClusterError, "Cannot take over the run");
  }
  assertEquals(await entry(), "PUT");
  {
    await using run = await ConductedRun.takeOver({ url }, signal);
    await run.checkNote("mine");
    // A cluster that fails, such as one whose store is full.
    run.leave();
  }
  assertEquals(await entry(), "PUT");
  {
    await using run = await ConductedRun.takeOver({ url }, signal);
    await run.checkNote("mine");
  }
  assert(await entry() !== "PUT");
});

testWithNats("a standby takes no run over whose checkpoint was changed", async ({ url }) => {
  await using cluster = await connectCluster({ url });
  await provision(cluster);
  const { options: { manifest }, parameters } = await poolOptions();
  const saved: [string, string][] = [];
  const store = new ClusterCheckpoints(cluster, "dead", (...names) => {
    saved.push(names);
    return Promise.resolve();
  });
  await store.save({ manifest, parameters, round: 3, state: {} });
  const [[checkpoint, digest] = ["", ""]] = saved;
  const objects = await cluster.stores.open(CHECKPOINT_STORE);
  const bytes = await objects.getBlob(checkpoint);
  const runs = await openBucket(cluster, RUNS_BUCKET);
  const entry = { version: VERSION, notes: {}, note: "mine", checkpoint, digest };
  await runs.put("dead", JSON.stringify(entry));
  const { signal } = new AbortController();
  {
    await using run = await ConductedRun.takeOver({ url }, signal);
    assertEquals(run.checkpoint?.parameters, parameters);
  }
  bytes?.set([1, 2, 3], bytes.length - 4);
  await objects.putBlob({ name: checkpoint }, bytes ?? new Uint8Array());
  const told = Promise.withResolvers<string>(), stop = new AbortController();
  const waiting = ConductedRun.takeOver({ url, onNotice: told.resolve }, stop.signal);
  assertEquals(
    await told.promise,
    "Cannot take over the run dead: its checkpoint was changed in the store",
  );
  stop.abort(new Error("stopped"));
  await assertRejects(() => waiting, Error, "stopped");
  assertEquals((await runs.get("dead"))?.operation, "PUT");
});
