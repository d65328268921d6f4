import { assert, assertEquals, assertMatch, assertThrows } from "jsr:@std/assert@1.0.19";
import { partitionChart } from "../../src/data/display/partition_chart.ts";
import {
  Dataset,
  loadDataset,
  partition,
  type PartitionReport,
  partitionReport,
} from "../../src/data/mod.ts";
import { inFolder, runCommand } from "../helpers/command.ts";
import { assertNear, labelsOfTen } from "../helpers/partition.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Asserts that each element of an SVG is closed and that no other text looks like an element. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  assert(!/&(?!amp;|lt;|gt;|quot;)/.test(svg));
  const rest = svg.replace(
    /<(\/?)([a-z]+)((?: [a-zA-Z0-9-]+="[^"<]*")*)(\/?)>/g,
    (tag, ...groups) => {
      const [end, name, , empty] = groups;
      if (end) assertEquals(open.pop(), name, tag);
      else if (!empty) open.push(name);
      return "";
    },
  );
  assertEquals(open, []);
  assert(!rest.includes("<"), rest);
}

/** The bars of an SVG: the height of each piece by colour. */
function barsOf(svg: string): Map<string, number>[] {
  return Array.from(svg.matchAll(/<g class="bar">(.*?)<\/g>/g), ([, bar = ""]) =>
    new Map(
      Array.from(
        bar.matchAll(/height="([\d.]+)" fill="(#[0-9a-f]{6})"/g),
        ([, height, colour = ""]) => [colour, Number(height)],
      ),
    ));
}

function chartOf(labels: Int32Array<ArrayBuffer>, spec: string, parts: number): string {
  return partitionChart(
    partitionReport(partition(spec, labels, { parts, seed: 1 }), labels),
    "<a & b>",
  );
}

Deno.test("partitionReport() counts labels by part and sums up", () => {
  const labels = [0, 0, 0, 1, 1, 2, 2, 2];
  const parts = [Uint32Array.of(0, 1), Uint32Array.of(2, 3, 4), Uint32Array.of(5, 6, 7)];
  const report = partitionReport(parts, labels);
  assertEquals(report.parts, [
    { size: 2, labels: [2, 0, 0] },
    { size: 3, labels: [1, 2, 0] },
    { size: 3, labels: [0, 0, 3] },
  ]);
  assertEquals(report.rows, 8);
  assertEquals(report.sizes, { smallest: 2, median: 3, largest: 3 });
  assertEquals(report.labelsPerPart, { fewest: 1, mean: 4 / 3, most: 2 });
  // The whole is (3, 2, 3) / 8: distances 5/8, (1/24 + 10/24 + 9/24) / 2 and 5/8.
  assertNear(report.meanTotalVariation, (5 / 8 + 10 / 24 + 5 / 8) / 3, 1e-12);
});

Deno.test("partitionReport() takes the middle of two middle sizes, and counts labels without rows", () => {
  const data = new Dataset(new Float32Array(6), new Int32Array(6), [1], 3);
  const parts = [Uint32Array.of(0), Uint32Array.of(1, 2), Uint32Array.of(3, 4, 5)];
  assertEquals(partitionReport(parts.slice(0, 2), data).sizes.median, 1.5);
  assertEquals(partitionReport(parts, data).parts[2]?.labels, [3, 0, 0]);
  assertEquals(partitionReport(parts, data).meanTotalVariation, 0);
});

Deno.test("partitionReport() refuses empty parts and rows that are not there", () => {
  assertThrows(() => partitionReport([new Uint32Array()], [0]), RangeError, "part 1 has no rows");
  assertThrows(
    () => partitionReport([Uint32Array.of(1)], [0]),
    RangeError,
    "rows below 1, got 1",
  );
  assertThrows(() => partitionReport([], [0]), RangeError);
});

Deno.test("partitionChart() draws a bar for each client, in proportion to its rows", () => {
  const labels = labelsOfTen(500);
  const report = partitionReport(
    partition("dirichlet:0.3", labels, { parts: 12, seed: 1 }),
    labels,
  );
  const svg = partitionChart(report, "<a & b>");
  assertWellFormed(svg);
  const bars = barsOf(svg);
  assertEquals(bars.length, 12);
  const heights = bars.map((bar) => bar.values().reduce((a, b) => a + b, 0));
  const scale = (heights[0] ?? 0) / (report.parts[0]?.size ?? NaN);
  for (const [part, { size, labels }] of report.parts.entries()) {
    assertNear(heights[part] ?? 0, size * scale, 0.2);
    assertEquals(bars[part]?.size, labels.filter((count) => count > 0).length);
  }
  for (let label = 0; label < 10; label++) assert(svg.includes(`>label ${label}</text>`));
  assert(svg.includes(">client</text>") && svg.includes(">rows</text>"));
});

Deno.test("partitionChart() draws a hundred of more clients, and says so", () => {
  assertEquals(barsOf(chartOf(labelsOfTen(1000), "iid", 100)).length, 100);
  assert(!chartOf(labelsOfTen(1000), "iid", 100).includes("evenly spaced"));
  const svg = chartOf(labelsOfTen(3000), "iid", 1234);
  assertWellFormed(svg);
  assertEquals(barsOf(svg).length, 100);
  assert(svg.includes("100 of 1,234 clients are drawn"));
});

Deno.test("partitionChart() gives the commonest of many labels a colour and the others the grey", () => {
  const labels = Int32Array.from({ length: 400 }, (_, row) => row < 100 ? 17 : row % 40);
  const svg = chartOf(labels, "iid", 3);
  assertWellFormed(svg);
  assert(svg.includes(">label 17</text>") && svg.includes(">31 others</text>"));
  for (const bar of barsOf(svg)) assertEquals(bar.size, 10);
});

Deno.test("partition prints a table, and writes picture, table and report", () =>
  inFolder(async (folder) => {
    const { code, stdout, stderr } = await runCommand("partition", [
      ...["--dataset", "digits", "--partition", "labels:3", "--clients", "20", "--seed", "5"],
      ...["--plot", "p.svg", "--csv", "p.csv", "--json", "p.json"],
    ], folder);
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^digits, labels:3: 1,500 rows, 20 clients, seed 5\n/);
    assertMatch(stdout, /labels of a client +│ +3 │ +3.0 \(mean\) │ +3 /);
    const { train } = await loadDataset("digits");
    const expected = partitionReport(partition("labels:3", train, { parts: 20, seed: 5 }), train);
    const report: PartitionReport & Record<string, unknown> = JSON.parse(
      await Deno.readTextFile(`${folder}/p.json`),
    );
    assertEquals(report, {
      schema: "fedlab.partition/1",
      dataset: "digits",
      partition: "labels:3",
      clients: 20,
      seed: 5,
      ...expected,
    });
    const [head, first, ...rest] = (await Deno.readTextFile(`${folder}/p.csv`)).split("\n");
    assertEquals(head, `client,size,${expected.parts[0]?.labels.map((_, i) => `label_${i}`)}`);
    assertEquals(first, `1,${expected.parts[0]?.size},${expected.parts[0]?.labels}`);
    assertEquals(rest.length, 20);
    const svg = await Deno.readTextFile(`${folder}/p.svg`);
    assertWellFormed(svg);
    assertEquals(barsOf(svg).length, 20);
  }));

Deno.test("partition takes a file of one's own, parted by a column of it", () =>
  inFolder(async (folder) => {
    const rows = Array.from({ length: 12 }, (_, row) => `${row / 10},${row % 3},${row % 2}`);
    await Deno.writeTextFile(`${folder}/own.csv`, `size,site,kind\n${rows.join("\n")}\n`);
    const { code, stdout, stderr } = await runCommand(
      "partition",
      ["--data", `${folder}/own.csv`, "--partition", "id:1", "--clients", "3", "--csv", "p.csv"],
      folder,
    );
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^own\.csv, id:1: 12 rows, 3 clients, seed 0\n/);
    assertEquals(
      await Deno.readTextFile(`${folder}/p.csv`),
      "client,size,label_0,label_1\n1,4,2,2\n2,4,2,2\n3,4,2,2\n",
    );
  }));

Deno.test("partition says in one line what it could not do", () =>
  inFolder(async (folder) => {
    const cases: [string[], number, RegExp][] = [
      [
        ["--partition", "nope"],
        2,
        /expected one of iid, shards:COUNT, .*noise:DEVIATION, got "nope"/,
      ],
      [["--partition", "dirichlet:0"], 2, /expected an alpha from/],
      [["--clients", "0"], 2, /Expected a whole number from 1/],
      [["--clients", "1501"], 1, /for each of 1501 pieces, got 1500 rows/],
      [["--partition", "dirichlet:0.1,min=150"], 1, /alpha 0.1 after 100 tries/],
      [["--dataset", "nowhere"], 1, /Cannot find the data set nowhere/],
      [["--dataset", "mnist", "--data-dir", "none"], 1, /none/],
    ];
    const outcomes = await Promise.all(
      cases.map(([args]) => runCommand("partition", args, folder)),
    );
    for (const [i, [, status, message]] of cases.entries()) {
      const { code = NaN, stdout, stderr = "" } = outcomes[i] ?? {};
      assertEquals([code, stdout], [status, ""], stderr);
      assertMatch(stderr, message);
      assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
    }
  }));

Deno.test("demo learns from whatever partition it is given", () =>
  inFolder(async (folder) => {
    const digests = await Promise.all(["iid", "noise:0.5", "dirichlet:0.3"].map(async (spec, i) => {
      const { code, stderr } = await runCommand("demo", [
        ...["--partition", spec, "--rounds", "1", "--clients", "3", "--transport", "memory"],
        ...["--epochs", "1", "--out", `run${i}`, "--json", `${i}.json`],
      ], folder);
      assertEquals(code, 0, stderr);
      return JSON.parse(await Deno.readTextFile(`${folder}/${i}.json`)).modelDigest;
    }));
    assertEquals(new Set(digests).size, 3);
  }));
