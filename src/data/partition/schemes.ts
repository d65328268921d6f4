/**
 * Table of the partitions by name.
 *
 * @module
 */

import { checkCount } from "./rows.ts";
import type { Partition, PartitionData, PartitionSeedOptions } from "./types.ts";
import { Dataset } from "../dataset.ts";
import { addFeatureNoise, checkNoise, type FeatureNoiseOptions } from "./feature_noise.ts";
import { checkAlpha, partitionDirichlet } from "./dirichlet.ts";
import { partitionIds } from "./ids.ts";
import { partitionIid } from "./iid.ts";
import { partitionLabels } from "./labels.ts";
import { partitionShards } from "./shards.ts";
import {
  checkExponent,
  checkSigma,
  partitionDirichletSizes,
  partitionLogNormal,
  partitionPowerLaw,
} from "./sizes.ts";

/** Value and settings of a partition. */
export interface SchemeSettings extends PartitionSeedOptions {
  /** Value after the name, else the default of the scheme; `NaN` when there is neither. */
  value: number;
  minSize?: number;
  balanced?: boolean;
  /** Id of each row, where the data have ids. */
  ids?: ArrayLike<number | string>;
}

/** Partition with a name. */
export interface Scheme {
  /** Usage, for messages and help. */
  readonly usage: string;
  /** Default of the value; a scheme without `check` has no value. */
  readonly fallback?: number;
  /** Throws a `RangeError` for a value out of range. */
  readonly check?: (value: number) => void;
  /** Names of the settings that may follow the value. */
  readonly settings?: readonly string[];
  /** Partitions the rows. */
  readonly deal: (data: PartitionData, parts: number, settings: SchemeSettings) => Partition;
  /** Number of parts that the ids of the rows make; absent where the number of parts is free. */
  readonly countParts?: (ids: Iterable<number | string>) => number;
  /** Changes the data of a part. */
  readonly alter?: (data: Dataset, options: FeatureNoiseOptions) => Dataset;
}

function columnOf(data: PartitionData, column: number): ArrayLike<number> {
  const width = data instanceof Dataset ? data.rowLength : 0;
  if (!(data instanceof Dataset) || column >= width) {
    throw new RangeError(
      `Cannot partition the data: expected a feature column below ${width} for the ids, got ${column}`,
    );
  }
  return Float32Array.from(
    { length: data.length },
    (_, row) => data.features[row * width + column] ?? 0,
  );
}

/** Checks the ids of the rows. */
function idsOf(data: PartitionData, ids: SchemeSettings["ids"]): ArrayLike<number | string> {
  if (ids === undefined) {
    throw new TypeError(
      "Cannot partition the data: expected ids, of an id column (--id-column) or by id:COLUMN of a feature, got none",
    );
  }
  if (ids.length !== data.length) {
    throw new RangeError(
      `Cannot partition the data: expected an id for each of ${data.length} rows, got ${ids.length}`,
    );
  }
  return ids;
}

function checkColumn(column: number): void {
  checkCount("columns up to the one of the ids", column + 1);
}

/** All partitions by name, the common ones first. */
export const SCHEMES: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ["iid", { usage: "iid", deal: partitionIid }],
  ["shards", {
    usage: "shards:COUNT",
    fallback: 2,
    check: (value) => checkCount("shards a part", value),
    deal: (data, parts, { value, ...rest }) =>
      partitionShards(data, parts, { ...rest, shardsPerPart: value }),
  }],
  ["labels", {
    usage: "labels:COUNT",
    fallback: 2,
    check: (value) => checkCount("labels a part", value),
    deal: (data, parts, { value, ...rest }) =>
      partitionLabels(data, parts, { ...rest, labelsPerPart: value }),
  }],
  ["dirichlet", {
    usage: "dirichlet:ALPHA[,balanced][,min=ROWS]",
    fallback: 0.5,
    check: checkAlpha,
    settings: ["balanced", "min"],
    deal: (data, parts, { value, ...rest }) =>
      partitionDirichlet(data, parts, { ...rest, alpha: value }),
  }],
  ["dirichlet-sizes", {
    usage: "dirichlet-sizes:ALPHA[,min=ROWS]",
    fallback: 1,
    check: checkAlpha,
    settings: ["min"],
    deal: (data, parts, { value, ...rest }) =>
      partitionDirichletSizes(data, parts, { ...rest, alpha: value }),
  }],
  ["log-normal", {
    usage: "log-normal:SIGMA[,min=ROWS]",
    fallback: 1,
    check: checkSigma,
    settings: ["min"],
    deal: (data, parts, { value, ...rest }) =>
      partitionLogNormal(data, parts, { ...rest, sigma: value }),
  }],
  ["power-law", {
    usage: "power-law:EXPONENT[,min=ROWS]",
    fallback: 1.5,
    check: checkExponent,
    settings: ["min"],
    deal: (data, parts, { value, ...rest }) =>
      partitionPowerLaw(data, parts, { ...rest, exponent: value }),
  }],
  ["id", {
    usage: "id[:COLUMN]",
    check: checkColumn,
    deal: (data, parts, { value, seed, ids }) =>
      partitionIds(Number.isNaN(value) ? idsOf(data, ids) : columnOf(data, value), { parts, seed }),
  }],
  ["natural", {
    usage: "natural",
    countParts: (ids) => new Set(ids).size,
    deal: (data, parts, { ids }) => {
      const own = partitionIds(idsOf(data, ids));
      if (own.length === parts) return own;
      throw new RangeError(
        `Cannot partition the data: expected as many clients as ids for natural, ${own.length}, got ${parts}`,
      );
    },
  }],
  ["noise", {
    usage: "noise:DEVIATION",
    fallback: 0.1,
    check: checkNoise,
    deal: partitionIid,
    alter: addFeatureNoise,
  }],
]);
