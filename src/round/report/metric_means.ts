import type { Metrics } from "../../plan/results.ts";
import { WeightedValues } from "./weighted_values.ts";

/** Maximum number of names that are averaged. A peer may choose other names in each message. */
const MAX_NAMES = 64;

/** Means of metrics, each over the clients that have it, weighted by number of samples. */
export class MetricMeans {
  readonly #values = new Map<string, WeightedValues>();

  /** Adds the metrics of a client. Names beyond the first 64 do not count. */
  add(metrics: Metrics | undefined, numSamples: number): void {
    if (metrics === undefined) return;
    for (const name of Object.keys(metrics)) {
      const value = metrics[name] ?? NaN;
      if (!Number.isFinite(value)) continue;
      let values = this.#values.get(name);
      if (values === undefined) {
        if (this.#values.size === MAX_NAMES) continue;
        this.#values.set(name, values = new WeightedValues());
      }
      values.add(value, numSamples);
    }
  }

  /** The means by name, in the order in which the names were added; `undefined` for none. */
  get means(): Metrics | undefined {
    const entries = [...this.#values]
      .map(([name, values]) => [name, values.mean] as const)
      .filter(([, mean]) => Number.isFinite(mean));
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
}
