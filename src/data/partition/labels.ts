/**
 * Partition in which each part has an exact number of labels.
 *
 * @module
 */

import { Random } from "../../base/random.ts";
import { checkCount, cut, joinParts, labelsOf, rowsByLabel } from "./rows.ts";
import type { Partition, PartitionData, PartitionSeedOptions } from "./types.ts";

/** Options of {@linkcode partitionLabels}. */
export interface PartitionLabelsOptions extends PartitionSeedOptions {
  /**
   * Number of labels of each part.
   *
   * @default {2}
   */
  labelsPerPart?: number;
}

/**
 * Computes the number of parts that have each label: in proportion to its rows, from 1 to all
 * parts, and not more than it has rows.
 */
function holders(counts: readonly number[], parts: number, labelsPerPart: number): number[] {
  const places = parts * labelsPerPart;
  const limits = counts.map((count) => Math.min(count, parts));
  const room = limits.reduce((sum, limit) => sum + limit, 0);
  if (places < counts.length || places > room) {
    throw new RangeError(
      `Cannot partition the data: expected from ${counts.length} to ${room} places for labels, one for each label and part that holds it, got ${parts} parts of ${labelsPerPart} labels`,
    );
  }
  const held = counts.map(() => 1);
  const share = (label: number) => (counts[label] ?? 0) / ((held[label] ?? 0) + 1);
  for (let place = counts.length; place < places; place++) {
    let best = -1;
    for (let label = 0; label < counts.length; label++) {
      if ((held[label] ?? 0) >= (limits[label] ?? 0)) continue;
      if (best < 0 || share(label) > share(best)) best = label;
    }
    held[best] = (held[best] ?? 0) + 1;
  }
  return held;
}

/**
 * Draws the labels of the first of `left` parts, in proportion to the places left, so that there
 * are enough for the others.
 */
function draw(random: Random, places: number[], left: number, labelsPerPart: number): number[] {
  const labels = places.keys().toArray();
  // A label with a place in every remaining part must be in this one.
  const drawn = labels.filter((label) => places[label] === left);
  const open = labels.filter((label) => (places[label] ?? 0) > 0 && places[label] !== left);
  while (drawn.length < labelsPerPart) {
    let mark = random.below(open.reduce((sum, label) => sum + (places[label] ?? 0), 0));
    const at = open.findIndex((label) => (mark -= places[label] ?? 0) < 0);
    drawn.push(...open.splice(at, 1));
  }
  for (const label of drawn) places[label] = (places[label] ?? 0) - 1;
  return drawn;
}

/**
 * Gives each part rows of exactly `labelsPerPart` labels, which are drawn at random. The rows of a
 * label are divided evenly among its parts.
 *
 * The parts are disjoint and cover all rows. The number of parts that have a label is in proportion
 * to its rows, so that the parts are about equal in size if the classes are.
 *
 * Li et al. 2022, "Federated Learning on Non-IID Data Silos: An Experimental Study",
 * "quantity-based label imbalance"; there the parts of a label are drawn regardless of its rows.
 *
 * @throws {RangeError} If `parts` or `labelsPerPart` is below 1, there are too few parts for all
 * labels, or too few labels or rows for all parts.
 *
 * @example Two of four classes for each client
 * ```ts
 * import { partitionLabels } from "@fedlab/core/data";
 * import { assertEquals } from "@std/assert";
 *
 * const labels = [0, 1, 2, 3, 0, 1, 2, 3];
 * for (const rows of partitionLabels(labels, 4, { seed: 1, labelsPerPart: 2 })) {
 *   assertEquals(new Set(Array.from(rows, (row) => labels[row])).size, 2);
 * }
 * ```
 */
export function partitionLabels(
  data: PartitionData,
  parts: number,
  { seed, labelsPerPart = 2 }: PartitionLabelsOptions,
): Partition {
  checkCount("parts", parts);
  checkCount("labels a part", labelsPerPart);
  const random = new Random(seed, "partition");
  const rows = [...rowsByLabel(labelsOf(data)).values()];
  const places = holders(rows.map(({ length }) => length), parts, labelsPerPart);
  const pieces = rows.map((own, label) => cut(random.shuffle(own), places[label] ?? 1));
  const dealt = Array.from(
    { length: parts },
    (_, part) => draw(random, places, parts - part, labelsPerPart),
  );
  return joinParts(
    dealt.map((labels) => labels.map((label) => pieces[label]?.pop() ?? new Uint32Array())),
  );
}
