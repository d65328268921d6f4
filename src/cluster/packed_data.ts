/**
 * Data sets and partitions as bytes, for the store.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { ByteFeatures } from "../data/byte_features.ts";
import { type Dataset, datasetOf, storedFeatures } from "../data/dataset.ts";
import { isFiniteData, trustFinite } from "../data/finite.ts";
import { parseSchema } from "../data/schema/parse.ts";
import { v } from "../plan/deps.ts";
import { wholeNumber } from "../plan/schemas.ts";
import { ClusterError } from "./cluster_error.ts";
import { type Parcel, parcelHead } from "./parcel.ts";

/** Bytes of an object, as views that are written one behind the other. */
export type PackedViews = readonly ArrayBufferView[];

const headSchema = v.object({
  rows: wholeNumber(0, 2 ** 32),
  scale: v.exactOptional(v.number()),
  hasWeights: v.boolean(),
  shape: v.array(wholeNumber(1, 2 ** 32)),
  numClasses: wholeNumber(0, 2 ** 31),
  task: v.picklist(["classification", "multi-label", "regression"]),
  outputs: wholeNumber(1, 2 ** 31),
  schema: v.exactOptional(v.unknown()),
  isFinite: v.boolean(),
});

/** Packs a data set, without a copy. */
export function packDataset(data: Dataset): PackedViews {
  const { length: rows, targets, weights, shape, numClasses, task, outputs, schema } = data;
  const features = storedFeatures(data), areBytes = features instanceof ByteFeatures;
  const head = {
    rows,
    ...(areBytes && { scale: features.scale }),
    hasWeights: weights !== undefined,
    ...{ shape, numClasses, task, outputs, schema, isFinite: isFiniteData(data) },
  };
  // Features come last: those of bytes may end at any byte.
  const views = weights ? [targets, weights] : [targets];
  return [parcelHead(head), ...views, areBytes ? features.bytes : features];
}

/**
 * Returns a packed data set, as views of its bytes.
 *
 * @throws {ClusterError} "other-data" if the bytes are no data set.
 */
export function unpackDataset({ head, body }: Parcel): Dataset {
  try {
    const { rows, scale, hasWeights, schema, isFinite, ...rest } = v.parse(headSchema, head);
    const { buffer } = body, count = rows * rest.outputs;
    const width = rest.shape.reduce((product, size) => product * size, 1);
    let at = body.byteOffset;
    const skip = (bytes: number) => (at += bytes) - bytes;
    const targets = rest.task === "classification"
      ? new Int32Array(buffer, skip(4 * count), count)
      : new Float32Array(buffer, skip(4 * count), count);
    const weights = hasWeights ? new Float32Array(buffer, skip(4 * rows), rows) : undefined;
    const stored = scale === undefined
      ? new Float32Array(buffer, at, rows * width)
      : new ByteFeatures(new Uint8Array(buffer, at, rows * width), scale);
    const data = datasetOf(stored, {
      ...{ ...rest, targets, weights },
      schema: schema === undefined ? undefined : parseSchema(schema),
    });
    return isFinite ? trustFinite(data) : data;
  } catch (cause) {
    throw new ClusterError("other-data", `Cannot use the data: ${errorMessage(cause)}`, { cause });
  }
}

/** Packs the rows of all clients. */
export function packParts(parts: readonly ArrayLike<number>[]): PackedViews {
  const starts = new Uint32Array(parts.length + 1);
  parts.forEach(({ length }, i) => starts[i + 1] = (starts[i] ?? 0) + length);
  const rows = new Uint32Array(starts.at(-1) ?? 0);
  parts.forEach((part, i) => rows.set(part, starts[i]));
  return [parcelHead({ parts: parts.length }), starts, rows];
}

/**
 * Returns packed rows, as views of their bytes.
 *
 * @throws {ClusterError} "other-data" if the bytes are no rows.
 */
export function unpackParts({ head, body }: Parcel): Uint32Array<ArrayBuffer>[] {
  try {
    const { parts } = v.parse(v.object({ parts: wholeNumber(0, 2 ** 32) }), head);
    const starts = new Uint32Array(body.buffer, body.byteOffset, parts + 1);
    const from = body.byteOffset + starts.byteLength;
    const rows = new Uint32Array(body.buffer, from, starts[parts]);
    return Array.from({ length: parts }, (_, i) => rows.subarray(starts[i], starts[i + 1]));
  } catch (cause) {
    throw new ClusterError("other-data", `Cannot use the rows: ${errorMessage(cause)}`, { cause });
  }
}
