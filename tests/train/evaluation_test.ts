import { assertEquals } from "jsr:@std/assert@1.0.19";
import { Dataset } from "../../src/data/dataset.ts";
import { evaluateRows } from "../../src/train/evaluation.ts";
import type { Trainer } from "../../src/train/trainer.ts";

Deno.test("evaluateRows() gives a turn after the rows that a trainer takes at once, and sums by 1024", async () => {
  const length = 2000, data = new Dataset(new Float32Array(length), new Int32Array(length), [1], 2);
  for (
    const [judgedRows, ends] of [
      [undefined, [1024, 2000]],
      [700, [700, 1024, 1724, 2000]],
      [5000, [1024, 2000]],
    ] as const
  ) {
    const seen: number[] = [];
    let turns = 0;
    const trainer = {
      ...{ loss: "softmaxCrossEntropy", units: 2, ...judgedRows && { judgedRows } },
      judge(_: Dataset, start: number, end: number) {
        assertEquals([start, turns], [seen.at(-1) ?? 0, seen.length + 1]);
        seen.push(end);
        // Sums depend on the order in which they are added.
        return { loss: start === 0 ? 1 : 2 ** -53, correct: 1, counted: end - start };
      },
    } as unknown as Trainer;
    const { loss, numSamples } = await evaluateRows(trainer, data, { metrics: false }, () => {
      turns++;
      return undefined;
    });
    assertEquals([seen, numSamples], [[...ends], length]);
    assertEquals(loss * length, judgedRows === 700 ? 1 + 2 ** -52 : 1);
  }
});
