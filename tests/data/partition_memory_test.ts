import { assertEquals, assertThrows } from "jsr:@std/assert@1.0.19";
import { holdOut, partition } from "../../src/data/mod.ts";
import { holdOutParts } from "../../src/data/partition/hold_out_parts.ts";
import { labelsOfTen } from "../helpers/partition.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("the parts of a partition are views of one array, one after the other", () => {
  const specs = ["iid", "shards:3", "labels:2", "dirichlet:1,min=2", "dirichlet:0.3,balanced"];
  for (const spec of [...specs, "log-normal", "power-law", "noise:0.1", "id"]) {
    const ids = labelsOfTen(1000).map((label, row) => 10 * label + row % 7);
    const dealt = partition(spec, labelsOfTen(1000), { parts: 20, seed: 5, ids });
    assertEquals(new Set(dealt.map(({ buffer }) => buffer)).size, 1);
    let at = dealt[0]?.byteOffset ?? NaN;
    for (const { byteOffset, byteLength } of dealt) {
      assertEquals(byteOffset, at);
      at += byteLength;
    }
  }
});

Deno.test("holdOutParts() holds the rows back that holdOut() does, in one array each", () => {
  const parts = partition("log-normal:1,min=2", labelsOfTen(900), { parts: 30, seed: 4 });
  const { train, test } = holdOutParts(parts, { share: 0.3, seed: 9 });
  const sites = holdOutParts(parts, { share: 0.3, seed: 9, indexOf: () => 0 });
  for (const [i, rows] of parts.entries()) {
    const held = holdOut(rows, { share: 0.3, seed: 9, index: i + 1 });
    assertEquals([train[i], test[i]], [held.train, held.test]);
    const site = holdOut(rows, { share: 0.3, seed: 9, index: 0 });
    assertEquals([sites.train[i], sites.test[i]], [site.train, site.test]);
  }
  assertEquals(new Set(train.map(({ buffer }) => buffer)).size, 1);
  assertThrows(() => holdOutParts([[1, 2], [3]], { share: 0.5, seed: 1 }), RangeError, "of part 2");
});
