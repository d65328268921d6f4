/**
 * Prints the largest errors of areas under curves from histograms, as a table for docs/METRICS.md.
 *
 *     deno run -A --frozen bench/processes/curve_errors.ts
 *
 * @module
 */

import { Random } from "../../src/base/random.ts";
import {
  averagePrecision,
  mostBins,
  rocAuc,
  ScoreTally,
} from "../../src/train/metrics/score_histogram.ts";
import { exactAveragePrecision, exactRocAuc } from "../../tests/helpers/exact_metrics.ts";

const random = new Random(11, "test");

/** Logits of rows of the class and of others. */
const DRAWS: readonly ((isPositive: boolean) => number)[] = [
  (is) => random.normal() + (is ? 1 : 0),
  (is) => (is ? 9 : -9) + 4 * random.normal(),
  (is) => -7 + random.normal() + (is ? 1.5 : 0),
  (is) => 60 * (random.normal() + (is ? 0.7 : 0)),
  (is) => 0.05 * random.normal() + (is ? 0.03 : 0),
];
const SHARES = [0.5, 0.05];
const REPEATS = 3;

for (const histograms of [1, 10, 20]) {
  for (const rows of [300, 20_000]) {
    let ofAuc = 0, ofPrecision = 0;
    for (const draw of DRAWS) {
      for (const share of SHARES) {
        for (let repeat = 0; repeat < REPEATS; repeat++) {
          const positive = Array.from({ length: rows }, () => random.uniform() < share);
          const logits = positive.map((is) => draw(is));
          const tally = new ScoreTally(mostBins(histograms));
          logits.forEach((logit, i) => tally.add(logit, positive[i] ?? false));
          const { histogram } = tally;
          const auc = exactRocAuc(logits, positive);
          const precision = exactAveragePrecision(logits, positive);
          ofAuc = Math.max(ofAuc, Math.abs((rocAuc(histogram) ?? NaN) - auc));
          ofPrecision = Math.max(
            ofPrecision,
            Math.abs((averagePrecision(histogram) ?? NaN) - precision),
          );
        }
      }
    }
    console.log(
      `${histograms} histograms, ${rows} rows: rocAuc ${ofAuc.toExponential(1)}, ` +
        `averagePrecision ${ofPrecision.toExponential(1)}`,
    );
  }
}
