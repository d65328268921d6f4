import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { connectCluster } from "../../src/cluster/connect.ts";
import { Lease } from "../../src/cluster/lease.ts";
import { CHECKPOINT_STORE, RUNS_BUCKET } from "../../src/cluster/names.ts";
import { openBucket, provision } from "../../src/cluster/provision.ts";
import type { RunReport } from "../../mod.ts";
import { inFolder, runCommand, startCommand } from "../helpers/command.ts";
import { Machines } from "../helpers/machines.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

const RUN = ["--model", "lr", "--clients", "40", "--fraction", "0.5", "--seed", "3"];

testWithNats("simulate --standby takes over from a coordinator that is killed", async (server) => {
  await using _machines = new Machines(server.url, 2);
  await inFolder(async (folder) => {
    const at = ["--cluster", server.url];
    // A run of many rounds, so that it is not over before it is killed.
    const many = [...RUN, "--strategy", "scaffold", "--rounds", "60"];
    const alone = runCommand("simulate", [...many, "--out", "alone"], folder);
    const first = startCommand("simulate", [...many, ...at, "--out", "first"], folder);
    await first.said(/round 3 of 60/);
    first.kill();
    await first.outcome;
    const other = startCommand("simulate", [...at, "--standby", "--out", "other"], folder);
    const [, round] = await other.said(/Takes over the run first-\w+, after round (\d+)/);
    assert(Number(round) > 0 && Number(round) < 60, round);
    const [{ code }, outcome] = await Promise.all([alone, other.outcome]);
    assertEquals([code, outcome.code], [0, 0], outcome.stderr);
    const report = async (name: string): Promise<RunReport> =>
      JSON.parse(await Deno.readTextFile(`${folder}/${name}/report.json`));
    const [expected, found] = [await report("alone"), await report("other")];
    assertEquals(found.modelDigest, expected.modelDigest);
    assertEquals(found.rounds.map(({ loss }) => loss), expected.rounds.map(({ loss }) => loss));
  });
});

testWithNats("a run that is resumed leaves no entry for a standby", async (server) => {
  await using _machines = new Machines(server.url, 1);
  await inFolder(async (folder) => {
    const at = ["--cluster", server.url];
    const many = [...RUN, "--rounds", "40", "--checkpoint-every", "1", "--out", "run"];
    const first = startCommand("simulate", [...many, ...at], folder);
    await first.said(/round 3 of 40/);
    first.kill();
    await first.outcome;
    await using cluster = await connectCluster({ url: server.url });
    const runs = await openBucket(cluster, RUNS_BUCKET);
    const entries = () => runs.keys().then((keys) => Array.fromAsync(keys));
    assertEquals((await entries()).length, 1);
    const resumed = await runCommand("simulate", ["--resume", "run", ...at], folder);
    assertEquals(resumed.code, 0, resumed.stderr);
    assertEquals(await entries(), []);
    const objects = await cluster.stores.open(CHECKPOINT_STORE);
    assertEquals((await objects.list()).filter(({ deleted }) => !deleted).length, 0);
  });
});

testWithNats("a lease has one holder, and comes free with its time", async ({ url }) => {
  await using cluster = await connectCluster({ url });
  await provision(cluster);
  const lease = await Lease.take(cluster, "run.one", "first");
  const fault = await Lease.take(cluster, "run.one", "second").catch((error) => error.message);
  assertEquals(fault, "Cannot conduct the run one: first conducts it already");
  await lease[Symbol.asyncDispose]();
  assertEquals(await Lease.holder(cluster, "run.one"), undefined);
  const again = await Lease.take(cluster, "run.one", "second");
  assertEquals(await Lease.holder(cluster, "run.one"), "second");
  await again[Symbol.asyncDispose]();
});
