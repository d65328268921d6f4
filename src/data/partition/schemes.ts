/**
 * The partitions by the names that users write.
 *
 * @module
 */

import {
  checkCount,
  type Partition,
  type PartitionData,
  type PartitionSeedOptions,
} from "./rows.ts";
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

/** What stands behind a partition's name. */
export interface SchemeSettings extends PartitionSeedOptions {
  /** What stands behind the name, else the scheme's fallback; `NaN` when there is neither. */
  value: number;
  minSize?: number;
  balanced?: boolean;
  /** The id of each row, when the data bring such. */
  ids?: ArrayLike<number | string>;
}

/** A partition with a name. */
export interface Scheme {
  /** How it is written, for errors and help. */
  readonly usage: string;
  /** The value when none is written; a scheme without `check` has none. */
  readonly fallback?: number;
  /** Fails when a value is out of range. */
  readonly check?: (value: number) => void;
  /** What may follow the value. */
  readonly settings?: readonly string[];
  /** Deals the rows out. */
  readonly deal: (data: PartitionData, parts: number, settings: SchemeSettings) => Partition;
  /** Changes what a part has got. */
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

/** The ids that the data bring, one a row. */
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

/** All of them, the usual ones first. */
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
  ["noise", {
    usage: "noise:DEVIATION",
    fallback: 0.1,
    check: checkNoise,
    deal: partitionIid,
    alter: addFeatureNoise,
  }],
]);
