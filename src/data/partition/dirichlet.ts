/**
 * Partition whose parts draw their label distributions from a Dirichlet distribution.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import { checkCount, checkEnoughRows, checkRange, labelsOf, rowsByLabel } from "./rows.ts";
import type { Partition, PartitionData, PartitionSeedOptions } from "./types.ts";
import { logDirichlet } from "./draws.ts";
import { assignRows, fillUp, LabelWeights, NO_ROWS, sizesOf, takeTurns } from "./label_shares.ts";

const DEFAULT_TRIES = 100;

/** Number of parts that are too small from which a few further draws will not mend all. */
const MANY_SHORT = 30;
/** Most draws, beyond one more for each part, while more parts than that are too small. */
const MOST_DRAWS = 50_000;
/** Largest share of all rows that is moved to parts that are too small. */
const MOST_MOVED = 0.05;

/** Options of {@linkcode partitionDirichlet}. */
export interface PartitionDirichletOptions extends PartitionSeedOptions {
  /**
   * Concentration for each label, from 1e-6 (parts of one label) to 1e6 (parts like all data).
   *
   * @default {0.5}
   */
  alpha?: number;
  /**
   * Least number of rows of a part.
   *
   * @default {1}
   */
  minSize?: number;
  /**
   * Most draws for parts with fewer than `minSize` rows, before rows are moved to them.
   *
   * @default {100}
   */
  tries?: number;
  /**
   * True for parts whose sizes differ by at most one row.
   *
   * @default {false}
   */
  balanced?: boolean;
}

/** Throws a `RangeError` unless alpha is in its range. */
export function checkAlpha(alpha: number): void {
  checkRange("an alpha", alpha, 1e-6, 1e6);
}

/**
 * Draws a label distribution for each part from a Dirichlet distribution and partitions the rows by
 * them. The smaller `alpha`, the fewer labels a part has.
 *
 * Part i draws q_i ~ Dir(alpha · L · p), where p is the label distribution of the data and L the
 * number of labels; for classes of equal size that is Dir(alpha, ..., alpha). The rows of label k
 * are divided among the parts in proportion to q_ik / Σ_j q_jk, rounded so that each share is right
 * on average; sizes differ. Parts with fewer than `minSize` rows draw again, at most `tries` times,
 * and fewer times when many parts stay too small. Parts that are too small in the end draw the
 * labels of the missing rows from their q_i, and the largest part with such a row gives it. That
 * moves at most a twentieth of all rows.
 *
 * With `balanced`, all parts have the same size: in turn, each draws a label from its q_i, among
 * those that have rows left, and takes one of its rows. As labels run out, the last rows of a part
 * follow its q_i less.
 *
 * The parts are disjoint and cover all rows.
 *
 * Hsu, Qi and Brown 2019, "Measuring the Effects of Non-Identical Data Distribution for Federated
 * Visual Classification"; their Dir(α p) is `alpha` = α / L here.
 *
 * @throws {RangeError} If `parts` or `minSize` is below 1, `alpha` is out of range, there are fewer
 * than `parts · minSize` rows, or parts below `minSize` lack more than a twentieth of all rows.
 *
 * @example Few labels for each client
 * ```ts
 * import { partitionDirichlet } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const labels = Array.from({ length: 1000 }, (_, row) => row % 10);
 * const parts = partitionDirichlet(labels, 20, { seed: 1, alpha: 0.1, minSize: 10 });
 * assertEquals(parts.length, 20);
 * ```
 */
export function partitionDirichlet(
  data: PartitionData,
  parts: number,
  options: PartitionDirichletOptions,
): Partition {
  const { seed, alpha = 0.5, minSize = 1, tries = DEFAULT_TRIES, balanced = false } = options;
  checkCount("parts", parts);
  checkCount("rows of the smallest part", minSize);
  checkCount("tries", tries);
  checkAlpha(alpha);
  const labels = labelsOf(data);
  checkEnoughRows(labels.length, parts, minSize);
  const random = new Random(seed, "partition");
  const rows = [...rowsByLabel(labels).values()].map((own) => random.shuffle(own));
  const concentrations = Float64Array.from(
    rows,
    ({ length }) => alpha * rows.length * length / labels.length,
  );
  const draw = () => logDirichlet(random, concentrations);
  const mixes = Array.from({ length: parts }, draw);
  if (balanced) return takeTurns(random, rows, mixes);
  const weights = rows.map((_, label) => new LabelWeights(mixes, label, random.uniform()));
  let drawn = 0;
  for (let i = 1;; i++) {
    const counts = rows.map(({ length }, label) => weights[label]?.share(length) ?? NO_ROWS);
    const sizes = sizesOf(counts, parts);
    const short = sizes.keys().filter((part) => (sizes[part] ?? 0) < minSize).toArray();
    const isVain = short.length > MANY_SHORT && drawn > parts + MOST_DRAWS;
    if (short.length > 0 && i < tries && !isVain) {
      drawn += short.length;
      for (const part of short) {
        mixes[part] = draw();
        for (const ofLabel of weights) ofLabel.renew(part);
      }
      continue;
    }
    const lacking = short.reduce((sum, part) => sum + minSize - (sizes[part] ?? 0), 0);
    if (lacking > MOST_MOVED * labels.length) {
      const smallest = sizes.reduce((a, b) => Math.min(a, b));
      throw new RangeError(
        `Cannot partition the data: expected at least ${minSize} rows in each of ${parts} parts, got ${smallest} by a Dirichlet distribution with alpha ${alpha} after ${i} tries, take balanced, fewer parts or a lower min=`,
      );
    }
    fillUp(random, mixes, counts, minSize);
    return assignRows(rows, counts, parts);
  }
}
