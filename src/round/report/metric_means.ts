import type { Metrics } from "../../plan/results.ts";
import { weightedMean } from "./weighted_mean.ts";

/** Maximum number of names that are averaged. A peer may choose other names in each message. */
const MAX_NAMES = 64;

/** Means of metrics, each over the clients that have it, weighted by number of samples. */
export class MetricMeans {
  readonly #values = new Map<string, [value: number, weight: number][]>();

  /** Adds the metrics of a client. Names beyond the first 64 do not count. */
  add(metrics: Metrics | undefined, numSamples: number): void {
    for (const [name, value] of Object.entries(metrics ?? {})) {
      if (!Number.isFinite(value)) continue;
      const values = this.#values.get(name);
      if (values) values.push([value, numSamples]);
      else if (this.#values.size < MAX_NAMES) this.#values.set(name, [[value, numSamples]]);
    }
  }

  /** The means by name, in the order in which the names were added; `undefined` for none. */
  get means(): Metrics | undefined {
    const entries = [...this.#values]
      .map(([name, values]) => [name, weightedMean(values)] as const)
      .filter(([, mean]) => Number.isFinite(mean));
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
}
