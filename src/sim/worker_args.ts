import { ByteFeatures } from "../data/byte_features.ts";
import { type Dataset, datasetOf, storedFeatures } from "../data/dataset.ts";
import type { Schema, Task } from "../data/schema/schema.ts";
import { isFiniteData, trustFinite } from "../data/finite.ts";
import type { Rank } from "../base/rank.ts";
import type { KernelBuild } from "../params/kernels.ts";
import type { JobQueueMemory } from "./job_queue.ts";
import type { JobRunnerOptions } from "./job_runner.ts";

/** Arguments of a worker of the pool. */
export interface PoolWorkerArgs
  extends Omit<JobRunnerOptions, "makeHandler" | "train" | "test" | "rowsOf" | "testRowsOf"> {
  readonly queue: JobQueueMemory;
  readonly train: SharedData | undefined;
  readonly test: SharedData | undefined;
  readonly parts: SharedParts | undefined;
  readonly testParts: SharedParts | undefined;
  readonly build: KernelBuild;
}

/** Data set in memory that several workers read. */
export interface SharedData {
  /** Features in shared memory. */
  readonly features: Float32Array | Uint8Array;
  /** Factor of the features where they are bytes. */
  readonly scale: number | undefined;
  readonly targets: SharedArrayBuffer;
  readonly weights: SharedArrayBuffer | undefined;
  readonly shape: readonly number[];
  readonly numClasses: number;
  readonly task: Task;
  readonly outputs: number;
  readonly schema: Schema | undefined;
  /** All features are known to be finite. */
  readonly isFinite: boolean;
}

/**
 * Rows of all clients, one client after the other; those of the client of rank `r` begin at
 * `starts[r - 1]`.
 */
export interface SharedParts {
  readonly rows: SharedArrayBuffer;
  readonly starts: SharedArrayBuffer;
}

/** Puts data in memory that workers read. */
export function shareData(data: Dataset): SharedData {
  const shared = data.share(), features = storedFeatures(shared);
  const { targets, weights, shape, numClasses, task, outputs, schema } = shared;
  const areBytes = features instanceof ByteFeatures;
  return {
    features: areBytes ? features.bytes : features,
    scale: areBytes ? features.scale : undefined,
    targets: targets.buffer as SharedArrayBuffer,
    weights: weights?.buffer as SharedArrayBuffer | undefined,
    shape,
    numClasses,
    task,
    outputs,
    schema,
    isFinite: isFiniteData(data),
  };
}

/** Returns shared data as a data set, without a copy. */
export function dataOf(
  { features, scale, targets, weights, isFinite, ...rest }: SharedData,
): Dataset {
  const stored = features instanceof Float32Array
    ? features
    : new ByteFeatures(features, scale ?? 1);
  const data = datasetOf(stored, {
    ...rest,
    targets: rest.task === "classification" ? new Int32Array(targets) : new Float32Array(targets),
    weights: weights && new Float32Array(weights),
  });
  return isFinite ? trustFinite(data) : data;
}

/**
 * Shared rows, by the parts that they were copied from: several pools may have the same clients.
 */
const copies = new WeakMap<readonly ArrayLike<number>[], SharedParts>();

/** Puts the rows of all clients in memory that workers read, once for the same parts. */
export function shareParts(parts: readonly ArrayLike<number>[]): SharedParts {
  const found = copies.get(parts);
  if (found !== undefined) return found;
  const starts = new Uint32Array(new SharedArrayBuffer(4 * (parts.length + 1)));
  parts.forEach(({ length }, i) => starts[i + 1] = (starts[i] ?? 0) + length);
  const rows = new Uint32Array(new SharedArrayBuffer(4 * (starts.at(-1) ?? 0)));
  parts.forEach((part, i) => rows.set(part, starts[i]));
  const shared = { rows: rows.buffer, starts: starts.buffer };
  copies.set(parts, shared);
  return shared;
}

/** Returns the function that finds a client's shared rows by its rank, without a copy. */
export function rowsReader({ rows, starts }: SharedParts): (rank: Rank) => Uint32Array {
  const all = new Uint32Array(rows), bounds = new Uint32Array(starts);
  return (rank) => all.subarray(bounds[rank - 1], bounds[rank]);
}
