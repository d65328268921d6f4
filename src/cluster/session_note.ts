/**
 * Description of a session, from which a machine does its jobs.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import { parseSchema } from "../data/schema/parse.ts";
import type { Schema } from "../data/schema/schema.ts";
import { Manifest } from "../params/manifest.ts";
import { v } from "../plan/deps.ts";
import { allowedSettingsSchema, ownSettingsSchema } from "../plan/own_settings.ts";
import { textLine, uint32, wholeNumber } from "../plan/schemas.ts";
import type { ClientPoolOptions } from "../sim/client_pool.ts";
import { parseModelDescription } from "../train/models/model_description.ts";
import { ClusterError } from "./cluster_error.ts";
import { CLUSTER_PROTOCOL } from "./names.ts";

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** Check of a data set or a module in the store. */
const stored = v.object({
  sha256,
  bytes: wholeNumber(0, 2 ** 40),
  /** Name of the file, of a module. */
  name: v.exactOptional(textLine(256)),
});

/** Object in the store of data. */
export type StoredData = v.InferOutput<typeof stored>;

/** Check of a session's entry in its bucket, which machines of any version read. */
export const sessionEntrySchema = v.object({
  protocol: wholeNumber(0),
  version: textLine(64),
  /** Name of the run. */
  run: textLine(128),
  /** Place of the note. */
  note: stored,
});

/** Entry of a session in its bucket. */
export type SessionEntry = v.InferOutput<typeof sessionEntrySchema>;

const noteSchema = v.object({
  manifest: v.array(v.object({
    name: v.string(),
    shape: v.array(uint32(0)),
    trainable: v.boolean(),
  })),
  keepsOwn: v.boolean(),
  hasControl: v.boolean(),
  counts: wholeNumber(0, 2 ** 26),
  model: v.exactOptional(v.unknown()),
  schema: v.exactOptional(v.unknown()),
  handler: v.exactOptional(stored),
  train: v.exactOptional(stored),
  test: v.exactOptional(stored),
  parts: v.exactOptional(stored),
  testParts: v.exactOptional(stored),
  settings: v.exactOptional(v.array(ownSettingsSchema)),
  privacy: v.exactOptional(v.looseObject({
    kind: v.picklist(["record", "local"]),
    delta: v.number(),
    clip: v.number(),
  })),
  sums: v.exactOptional(v.object({
    strategy: textLine(256),
    numClients: wholeNumber(1),
    allows: v.exactOptional(allowedSettingsSchema),
  })),
  engine: v.picklist(["auto", "native", "tfjs"]),
  backend: v.picklist(["auto", "cpu", "wasm"]),
  build: v.picklist(["simd128", "relaxed-simd"]),
  /** Digest of the probe, where machines have to round as the coordinator's does. */
  probe: v.exactOptional(sha256),
});

/** Objects of the store that a session's jobs need. */
export type SessionData = Partial<
  Record<"train" | "test" | "parts" | "testParts" | "handler", StoredData>
>;

/** Description of a session. */
export interface SessionNote extends SessionData {
  /** Options of the pools, without data. */
  readonly options: Omit<
    ClientPoolOptions,
    "workers" | "permissions" | "handler" | "train" | "test" | "parts" | "testParts"
  >;
  readonly probe?: string | undefined;
}

/** Returns the entry of a session of this version. */
export function sessionEntry(run: string, note: StoredData): SessionEntry {
  return { protocol: CLUSTER_PROTOCOL, version: VERSION, run, note };
}

/** Writes a note as a value for JSON. */
export function noteToJson({ options, probe, ...data }: SessionNote): unknown {
  const { manifest, ...rest } = options;
  const tensors = manifest.tensors.map(({ name, shape, trainable }) => ({
    name,
    shape,
    trainable,
  }));
  return { ...rest, manifest: tensors, ...data, probe };
}

/**
 * Reads a note before anything is allocated for it.
 *
 * @throws {ClusterError} "bad-message".
 */
export function readNote(value: unknown): SessionNote {
  try {
    const { manifest, model, schema, settings, privacy, probe, ...rest } = v.parse(
      noteSchema,
      value,
    );
    const { handler, train, test, parts, testParts, ...options } = rest;
    return {
      options: {
        ...options,
        manifest: Manifest.of(manifest),
        model: model === undefined ? undefined : parseModelDescription(model),
        ...(schema !== undefined && { schema: parseSchema(schema) as Schema }),
        ...(settings && { settings }),
        ...(privacy && { privacy: privacy as ClientPoolOptions["privacy"] }),
      },
      ...{ ...(handler && { handler }), ...(train && { train }), ...(test && { test }) },
      ...{ ...(parts && { parts }), ...(testParts && { testParts }) },
      ...(probe !== undefined && { probe }),
    };
  } catch (cause) {
    throw new ClusterError(
      "bad-message",
      `Cannot read the description of a run: ${errorMessage(cause)}`,
      { cause },
    );
  }
}

/**
 * Checks that this version can take part in a session.
 *
 * @throws {ClusterError} "other-version".
 */
export function checkVersion({ protocol, version, run }: SessionEntry): void {
  if (protocol === CLUSTER_PROTOCOL && version === VERSION) return;
  throw new ClusterError(
    "other-version",
    `Cannot take part in the run ${run}: its coordinator has version ${version} (protocol ${protocol}), this machine ${VERSION} (protocol ${CLUSTER_PROTOCOL})`,
  );
}
