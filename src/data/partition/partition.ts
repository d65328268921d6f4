/**
 * Partitions by name.
 *
 * @module
 */

import { didYouMean } from "../../base/did_you_mean.ts";
import { shownBy } from "../../base/lazy.ts";
import { checkCount, rowLabels } from "./rows.ts";
import type { Partition, PartitionData, PartitionSeedOptions } from "./types.ts";
import { type Scheme, SCHEMES, type SchemeSettings } from "./schemes.ts";
import { shareableFloats } from "../shareable.ts";
import type { Dataset } from "../dataset.ts";

/** Options of {@linkcode partition}. */
export interface PartitionOptions extends PartitionSeedOptions {
  /** Number of parts. */
  parts: number;
  /** Id of each row, for `id` without a column, such as the `ids` of `loadDataset()`. */
  ids?: ArrayLike<number | string>;
}

/** Options of {@linkcode ParsedPartition.take}. */
export interface PartOptions extends Omit<PartitionOptions, "ids"> {
  /** Number of the part, from 1 to `parts`. */
  index: number;
}

/** Partition that was parsed from its name. */
export interface ParsedPartition {
  /** Text that was parsed, such as `"dirichlet:0.5"`. */
  readonly spec: string;
  /** Number of parts that ids make, for a partition that leaves no choice: `natural`. */
  countParts?(ids: Iterable<number | string>): number;
  /** Partitions the rows. */
  deal(data: PartitionData, options: PartitionOptions): Partition;
  /**
   * Copies the rows of a part, which `deal` has given, with its noise if the partition adds any.
   */
  take(data: Dataset, rows: ArrayLike<number>, options: PartOptions): Dataset;
  /** Gives all data as the parts have them: a copy if the partition adds noise, else the same. */
  spread(data: Dataset, parts: Partition, options: PartitionSeedOptions): Dataset;
}

/** Names for {@linkcode parsePartition}. */
export const PARTITION_NAMES: readonly string[] = [...SCHEMES.keys()];

/** Usage of each of {@linkcode PARTITION_NAMES}, with value and settings. */
export const PARTITION_USAGES: readonly string[] = Array.from(
  SCHEMES.values(),
  ({ usage }) => usage,
);

function readNumber(spec: string, usage: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== text || text === "" || !Number.isFinite(value)) {
    throw new SyntaxError(
      `Cannot read the partition ${JSON.stringify(spec)}: expected ${usage} with a number, got ${
        JSON.stringify(text)
      }`,
    );
  }
  return value;
}

/** Parses the value and the settings after the name of a partition. */
function readSettings(spec: string, scheme: Scheme): Omit<SchemeSettings, "seed"> {
  const { usage, fallback, check, settings = [] } = scheme;
  const read: Omit<SchemeSettings, "seed"> = { value: fallback ?? NaN };
  const [, rest] = /^[^:]*:(.*)$/s.exec(spec) ?? [];
  for (const [i, word] of (rest?.split(",") ?? []).entries()) {
    const [, key = "", value] = /^([a-z]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (settings.includes(key) && key === "balanced" && value === undefined) read.balanced = true;
    else if (settings.includes(key) && key === "min" && value !== undefined) {
      read.minSize = readNumber(spec, usage, value);
      checkCount("rows of the smallest part", read.minSize);
    } else if (i === 0 && check) check(read.value = readNumber(spec, usage, word));
    else {
      throw new SyntaxError(
        `Cannot read the partition ${JSON.stringify(spec)}: expected ${usage}, got ${
          JSON.stringify(word)
        }`,
      );
    }
  }
  return read;
}

/**
 * Parses the name of a partition, its value after a colon, and its settings after commas:
 *
 * | name                                    | algorithm                             | default |
 * | --------------------------------------- | ------------------------------------- | ------- |
 * | `iid`                                   | {@linkcode partitionIid}              |         |
 * | `shards:COUNT`                          | {@linkcode partitionShards}           | 2       |
 * | `labels:COUNT`                          | {@linkcode partitionLabels}           | 2       |
 * | `dirichlet:ALPHA[,balanced][,min=ROWS]` | {@linkcode partitionDirichlet}        | 0.5     |
 * | `dirichlet-sizes:ALPHA[,min=ROWS]`      | {@linkcode partitionDirichletSizes}   | 1       |
 * | `log-normal:SIGMA[,min=ROWS]`           | {@linkcode partitionLogNormal}        | 1       |
 * | `power-law:EXPONENT[,min=ROWS]`         | {@linkcode partitionPowerLaw}         | 1.5     |
 * | `id`                                    | {@linkcode partitionIds}, by `ids`    |         |
 * | `id:COLUMN`                             | {@linkcode partitionIds}, by a feature |         |
 * | `natural`                               | {@linkcode partitionIds}, one of each |         |
 * | `noise:DEVIATION`                       | {@linkcode addFeatureNoise} on `iid`  | 0.1     |
 *
 * @throws {TypeError} If the name is unknown. The message lists all names.
 * @throws {SyntaxError} If a value or setting is not valid.
 * @throws {RangeError} If a value is out of range.
 *
 * @example Data of the second of four clients
 * ```ts
 * import { digits, parsePartition } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const data = await digits();
 * const scheme = parsePartition("noise:0.1");
 * const parts = scheme.deal(data, { parts: 4, seed: 1 });
 * const own = scheme.take(data, parts[1] ?? [], { index: 2, parts: 4, seed: 1 });
 * assertEquals(own.length, parts[1]?.length);
 * ```
 */
export function parsePartition(spec: string): ParsedPartition {
  const [name = ""] = spec.split(":", 1);
  const scheme = SCHEMES.get(name);
  if (!scheme) {
    throw new TypeError(
      `Cannot read the partition: expected one of ${PARTITION_USAGES.join(", ")}, got ${
        JSON.stringify(spec)
      }${didYouMean(name, SCHEMES.keys())}`,
    );
  }
  const settings = readSettings(spec, scheme);
  const take: ParsedPartition["take"] = (data, rows, { index, parts, seed }) => {
    const own = data.select(rows);
    return scheme.alter?.(own, { noise: settings.value, index, parts, seed }) ?? own;
  };
  return {
    spec,
    ...(scheme.countParts && { countParts: scheme.countParts }),
    deal: (data, { parts, seed, ids }) => {
      const dealt = scheme.deal(data, parts, { ...settings, seed, ...(ids && { ids }) });
      // The features are not kept: they may be large.
      const labels = rowLabels(data);
      return shownBy(
        dealt,
        async (own) => (await import("../display/partition.ts")).partitionMedia(own, labels, spec),
      );
    },
    take,
    spread: (data, parts, { seed }) => {
      if (!scheme.alter) return data;
      const { rowLength } = data;
      const features = shareableFloats(data.features.length);
      features.set(data.features);
      parts.forEach((rows, i) => {
        const own = take(data, rows, { index: i + 1, parts: parts.length, seed }).features;
        rows.forEach((row, k) =>
          features.set(own.subarray(k * rowLength, (k + 1) * rowLength), row * rowLength)
        );
      });
      return data.withFeatures(features);
    },
  };
}

/** Counts the parts that a partition makes of ids, if it leaves no choice and there are ids. */
export function partsOf(
  { countParts }: ParsedPartition,
  ids: readonly string[] | undefined,
): number | undefined {
  return ids && countParts?.(ids);
}

/**
 * Partitions rows by the name of a partition, which {@linkcode parsePartition} parses.
 *
 * @throws {TypeError | SyntaxError | RangeError} As {@linkcode parsePartition} and the algorithm
 * throw.
 *
 * @example Two of the ten digits for each client
 * ```ts
 * import { digits, partition } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const { labels } = await digits();
 * const [rows = []] = partition("labels:2", labels, { parts: 20, seed: 1 });
 * assertEquals(new Set(Array.from(rows, (row) => labels[row])).size, 2);
 * ```
 */
export function partition(spec: string, data: PartitionData, options: PartitionOptions): Partition {
  return parsePartition(spec).deal(data, options);
}
