import { assertThrows } from "jsr:@std/assert@1.0.19";
import { checkSum } from "../../../src/round/secure/sum_check.ts";
import { ClearSum } from "../../../src/secure/clear_sum.ts";
import { LANES, quantizeUpdate } from "../../../src/secure/quantize.ts";
import { ringOf } from "../../../src/secure/ring.ts";

const LENGTH = 50, survivors = [1, 2, 3, 4, 5];
const settings = { clip: 2, maxSamples: 1000, maxMembers: 5 }, ring = ringOf(settings);

/** Sum of members whose values are all beyond the clip, on one side. */
function largestSum(samples: number, value: number): Uint32Array<ArrayBuffer> {
  const sum = new ClearSum(LENGTH + LANES), update = new Float32Array(LENGTH).fill(value);
  for (const rank of survivors) {
    const stream = { seed: 1, round: 1, rank };
    sum.add(quantizeUpdate(ring, update, { samples: samples + rank, loss: 1, steps: 1 }, stream));
  }
  return sum.finish();
}

Deno.test("checkSum() takes the largest sums of clipped updates, and none that is larger", () => {
  for (const samples of [0, 7, 333, 990, 5000]) {
    for (const value of [-3, 3]) {
      const sums = largestSum(samples, value);
      checkSum({ ring, settings }, { sums, survivors });
      if (samples > 990) continue;
      // A mask that is missing is an integer of any size.
      sums[7] = (sums[7] ?? 0) + Math.sign(value) * 2 ** 20;
      assertThrows(
        () => checkSum({ ring, settings }, { sums, survivors }),
        RangeError,
        "Cannot use the sum of 5 members: value 7 is larger than",
      );
      // A private sum may have noise, and an error about it would have none.
      checkSum({ ring, settings: { ...settings, maxNorm: 1 } }, { sums, survivors });
    }
  }
});

Deno.test("checkSum() refuses lanes that are none of so many members", () => {
  const sums = largestSum(7, 1);
  sums[LENGTH] = 5001;
  const error = "expected 1 to 5000 samples and up to 250 clamped values, got 5001 and 0";
  assertThrows(() => checkSum({ ring, settings }, { sums, survivors }), RangeError, error);
});
