import { assertEquals, assertRejects, assertThrows } from "jsr:@std/assert@1.0.19";
import { parsePartition, partitionReport } from "../../src/data/mod.ts";
import { shareOf } from "../../src/data/sources/share.ts";
import { textSource } from "../../src/data/text/text_source.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const TEXTS = textSource({
  name: "notes",
  authors: ["b", "a"].map((name) => ({ name, lines: [name, name, name] })),
});

Deno.test("parsePartition() makes each author a part, and labels of steps are no labels", async () => {
  const { train, ids } = await TEXTS.arrange(undefined);
  const natural = parsePartition("natural");
  assertEquals(natural.countParts?.(ids ?? []), 2);
  const parts = natural.deal(train, { parts: 2, seed: 1, ids: ids ?? [] });
  assertEquals(parts, [Uint32Array.of(0, 1), Uint32Array.of(2, 3)]);
  assertThrows(
    () => natural.deal(train, { parts: 3, seed: 1, ids: ids ?? [] }),
    RangeError,
    "expected as many clients as ids for natural, 2, got 3",
  );
  assertThrows(() => natural.deal(train, { parts: 2, seed: 1 }), TypeError, "expected ids");
  assertThrows(
    () => parsePartition("labels:2").deal(train, { parts: 2, seed: 1 }),
    TypeError,
    "by labels: expected the task classification with one label of a row, got 2 labels of a row",
  );
  const { labelsPerPart, meanTotalVariation } = partitionReport(parts, train);
  assertEquals([labelsPerPart.most, meanTotalVariation], [0, 0]);
});

Deno.test("shareOf() takes the texts of one author", async () => {
  const share = { part: { index: 2, parts: 2 }, partition: "natural", seed: 0 };
  const own = await (await shareOf(TEXTS, share)).arrange(undefined);
  assertEquals([own.train.length, own.train.features[1]], [2, 3]);
  const { hasIds: _, ...plain } = TEXTS;
  await assertRejects(() => shareOf(plain, share), TypeError, "expected ids");
});
