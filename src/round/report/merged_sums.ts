import type { MetricSums } from "../../plan/metric_sums.ts";
import { addAllSums, shapeOf } from "../../train/metrics/add_sums.ts";

/** Sums that are added at once: sums added one after the other take several times as long. */
const BATCH = 256;

/** Returns the shape that most sums have, the first of equally many; `undefined` of no sums. */
export function commonShape(all: readonly (MetricSums | undefined)[]): string | undefined {
  const counts = new Map<string, number>();
  for (const sums of all) {
    if (sums) counts.set(shapeOf(sums), (counts.get(shapeOf(sums)) ?? 0) + 1);
  }
  return mostOf(counts, (count) => count);
}

/** Sums of one shape. */
interface SameSums {
  count: number;
  /** Sums that are still to be added; the first one has those before. */
  waiting: MetricSums[];
}

/**
 * Sum of the sums of evaluation results in their order, so that metrics derived from it are those
 * of all samples together. Of many thousand results it keeps no more than one sum and a few others.
 */
export class MergedSums {
  readonly #byShape = new Map<string, SameSums>();
  #results = 0;

  /** Adds those of a result. */
  add(sums: MetricSums | undefined): void {
    this.#results++;
    if (sums === undefined) return;
    const shape = shapeOf(sums);
    let same = this.#byShape.get(shape);
    if (same === undefined) this.#byShape.set(shape, same = { count: 0, waiting: [] });
    same.count++;
    if (same.waiting.push(sums) > BATCH) same.waiting = listOf(merged(same));
  }

  /**
   * The sum. Results without sums, such as those of outputs that are not finite, and sums of
   * another shape than most are left out; `undefined` unless more than half of the results are in.
   */
  get sums(): MetricSums | undefined {
    const shape = mostOf(this.#byShape, ({ count }) => count);
    const same = shape === undefined ? undefined : this.#byShape.get(shape);
    return same && same.count > this.#results / 2 ? merged(same) : undefined;
  }
}

function merged({ waiting: [first, ...others] }: SameSums): MetricSums | undefined {
  return first && addAllSums(first, others);
}

function listOf(sums: MetricSums | undefined): MetricSums[] {
  return sums === undefined ? [] : [sums];
}

/** Returns the key with the largest count, the first of equal ones. */
function mostOf<Value>(
  values: ReadonlyMap<string, Value>,
  countOf: (value: Value) => number,
): string | undefined {
  let most: string | undefined, largest = 0;
  for (const [key, value] of values) {
    const count = countOf(value);
    if (count > largest) [most, largest] = [key, count];
  }
  return most;
}
