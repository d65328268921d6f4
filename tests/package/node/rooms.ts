import { deepEqual, equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import { digits, loadDataset, parseStrategy, partition } from "../../../mod.ts";
import { codedBytes, parseCodec } from "../../../src/codec/mod.ts";
import { parseCsvDataset } from "../../../src/data/mod.ts";
import { transportOf } from "../../../src/net/mod.ts";
import { DIGESTS } from "../../helpers/pinned_digests.ts";
import { digestOf } from "../../helpers/pinned_runs.ts";
import { exactWeight } from "../../../src/params/mod.ts";
import { VERSION } from "../../../src/base/mod.ts";
import config from "../../../deno.json" with { type: "json" };

test("data sets, tables and partitions are those of Deno", async () => {
  const { train, test } = await loadDataset("digits");
  deepEqual([train.length, test?.length], [1500, 297]);
  const parts = [...partition("dirichlet:0.5", await digits(), { parts: 3, seed: 1 })];
  equal(parts.reduce((sum, { length }) => sum + length, 0), 1797);
  const { dataset } = parseCsvDataset("age,kind\n1,a\n2,b\n", { labelColumn: "kind" });
  deepEqual([...dataset.features], [1, 2]);
});

test("strategies aggregate, and codecs have their sizes", () => {
  const round = parseStrategy("fedavg").begin(new Float32Array(2));
  round.accept({ rank: 1, parameters: new Float32Array([1, 2]), numSamples: 1 });
  round.accept({ rank: 2, parameters: new Float32Array([4, 8]), numSamples: 2 });
  deepEqual(round.finish(), new Float32Array([3, 6]));
  equal(codedBytes(parseCodec("eden:bits=1"), 4096), 4096 / 8 + 4);
  equal(typeof exactWeight, "function");
});

test("a simulation makes the model of Deno, bit for bit", async () => {
  equal(await digestOf({ strategy: "fedadam" }), DIGESTS.fedadam);
});

test("the package has the version of the checkout", () => equal(VERSION, config.version));

test("what only Deno has is refused in a line", async () => {
  await rejects(loadDataset("./nowhere.csv"), /Deno/);
  const listening = async () => await transportOf("tcp").listen("127.0.0.1:0");
  await rejects(listening, /Deno/);
});
