import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { CachedData } from "../../src/cluster/cached_data.ts";
import { ClusterPool } from "../../src/cluster/cluster_pool.ts";
import { connectCluster } from "../../src/cluster/connect.ts";
import { DataStore } from "../../src/cluster/data_store.ts";
import { SESSIONS_BUCKET } from "../../src/cluster/names.ts";
import {
  packDataset,
  packParts,
  unpackDataset,
  unpackParts,
} from "../../src/cluster/packed_data.ts";
import { ownBytes, parcelBytes, readParcel } from "../../src/cluster/parcel.ts";
import { openBucket, provision } from "../../src/cluster/provision.ts";
import { Dataset, digits } from "../../mod.ts";
import { replaceRuntime, runtime } from "../../src/base/runtime/runtime.ts";
import { resolveBuild, useKernelBuild } from "../../src/params/build.ts";
import { inputOf, poolOptions } from "../../src/testing/pool/samples.ts";
import { inFolder } from "../helpers/command.ts";
import { Machines } from "../helpers/machines.ts";
import { testWithNats } from "../helpers/test_with_nats.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Collects lines, and waits for those that match. */
class Lines {
  readonly all: string[] = [];
  #wake = () => {};

  readonly add = (line: string): void => {
    this.all.push(line);
    this.#wake();
  };

  async find(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.all.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

testWithNats(
  "a machine that rounds otherwise is refused, with both builds named, and let in with --strict-determinism",
  async ({ url }) => {
    const lines = new Lines(), sample = await poolOptions();
    if (resolveBuild("auto") !== "relaxed-simd") return;
    await using _machines = new Machines(url, 1, { name: "old", isStrict: true });
    {
      await using _pool = await ClusterPool.start({ url, onNotice: lines.add }, sample.options);
      const line = await lines.find(/^Machine old does not take part/);
      assert(/kernels relaxed-simd and this machine's simd128/.test(line), line);
      assert(line.includes("--strict-determinism"), line);
    }
    useKernelBuild("simd128");
    try {
      const options = { ...sample.options, build: "simd128" as const };
      await using pool = await ClusterPool.start({ url, onNotice: lines.add }, options);
      await pool.publish(inputOf(sample));
      const kinds: string[] = [];
      await pool.run([{ kind: "train", round: 1, rank: 1 }], {
        take: (_, { kind }) => void kinds.push(kind),
      });
      assertEquals(kinds, ["trained"]);
    } finally {
      useKernelBuild("auto");
    }
  },
);

testWithNats(
  "a machine refuses a session of another version, and one that it cannot read",
  async ({ url }) => {
    await using cluster = await connectCluster({ url });
    await provision(cluster);
    const lines = new Lines(), entries = await openBucket(cluster, SESSIONS_BUCKET);
    const { options } = await poolOptions();
    await using _pool = await ClusterPool.start({ url }, options);
    const [id = ""] = await Array.fromAsync(await entries.keys());
    const entry = (await entries.get(id))?.json<Record<string, unknown>>();
    const { note: real } = entry as { note: { sha256: string; bytes: number } };
    const note = await new DataStore(cluster).put([parcelBytes({ manifest: "none" })]);
    for (
      const [changed, told] of [
        [{ ...entry, version: "9.0.0" }, /has version 9\.0\.0 \(protocol 2\), this machine/],
        [{ ...entry, protocol: 1 }, /\(protocol 1\), this machine/],
        [{ ...entry, note }, /Cannot read the description of a run/],
        [{ ...entry, note: { ...real, sha256: "0".repeat(64) } }, /Cannot find the data 0000/],
        [{ ...entry, note: { ...real, bytes: 2 ** 39 } }, /expected 549755813888 bytes, got \d+/],
      ] as const
    ) {
      await entries.put(id, JSON.stringify(changed));
      await using _machines = new Machines(url, 1, { onNotice: lines.add });
      const line = await lines.find(told);
      assert(!line.includes("\n"), line);
      lines.all.length = 0;
    }
  },
);

testWithNats(
  "data that differ from their digest are refused, and a damaged cache is fetched again",
  async ({ url }) => {
    await using cluster = await connectCluster({ url });
    await provision(cluster);
    await inFolder(async (folder) => {
      const store = new DataStore(cluster), lines: string[] = [];
      const views = packDataset(await digits()), stored = await store.put(views);
      const cache = new CachedData(store, folder, (line) => lines.push(line));
      const bytes = await cache.get(stored);
      const path = `${folder}/${stored.sha256}`;
      assertEquals(await Deno.readFile(path), bytes);
      const damaged = bytes.slice();
      damaged[1000] = (damaged[1000] ?? 0) ^ 1;
      await Deno.writeFile(path, damaged);
      assertEquals(await cache.get(stored), bytes);
      assertEquals(lines.length, 1);
      assert(lines[0]?.includes("has other bytes"), lines[0]);
      assertEquals(await Deno.readFile(path), bytes);
      const objects = await cluster.stores.open("fedlab-data");
      await objects.putBlob({ name: stored.sha256 }, damaged);
      await Deno.remove(path);
      const message = await cache.get(stored).then(() => "", (error) => error.message);
      assert(message.includes(`Cannot use the data ${stored.sha256}: got bytes of the digest`));
      // The next run does not take them for its own, and stores them anew.
      assertEquals(await store.put(views), stored);
      assertEquals(await cache.get(stored), bytes);
    });
  },
);

testWithNats("a machine whose clock is an hour off says so, and does its jobs", async ({ url }) => {
  const { clock } = runtime, sample = await poolOptions(), lines = new Lines();
  using _ = replaceRuntime({
    clock: { ...clock, unixMillis: () => clock.unixMillis() + 3_600_000 },
  });
  await using _machines = new Machines(url, 1, { onNotice: lines.add });
  const line = await lines.find(/^The clock of this machine is 3\d{3} seconds ahead of/);
  assert(line.endsWith("and nothing else"), line);
  await using pool = await ClusterPool.start({ url }, sample.options);
  await pool.publish(inputOf(sample));
  let trained = 0;
  await pool.run([{ kind: "train", round: 1, rank: 1 }], { take: () => void trained++ });
  assertEquals(trained, 1);
});

Deno.test("packed data sets and rows come back as they were", async () => {
  const unpacked = (views: readonly ArrayBufferView[]) => {
    const [head, ...rest] = views;
    const whole = parcelBytes(readParcel(ownBytes(head as Uint8Array)).head, rest);
    return readParcel(whole);
  };
  const all = await digits();
  const rents = Dataset.of({
    features: Float32Array.of(12, 1, 30, 2),
    targets: Float32Array.of(420, 910),
    weights: Float32Array.of(1, 2),
    shape: [2],
    task: "regression",
  });
  for (const data of [all, rents, all.select([1, 2, 3])]) {
    const back = unpackDataset(unpacked(packDataset(data)));
    assertEquals(back.features, data.features);
    assertEquals([back.targets, back.weights], [data.targets, data.weights]);
    assertEquals([back.shape, back.task, back.numClasses], [
      data.shape,
      data.task,
      data.numClasses,
    ]);
  }
  const parts = [[1, 2, 3], [], [7]].map((rows) => Uint32Array.from(rows));
  assertEquals(unpackParts(unpacked(packParts(parts))), parts);
});
