/**
 * Messages about blocks of jobs.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import { v } from "../plan/deps.ts";
import { textLine, uint32, wholeNumber } from "../plan/schemas.ts";
import { trainSettingsSchema } from "../plan/settings.ts";
import type { ClientJob, RoundInput } from "../sim/client_pool.ts";
import { ClusterError } from "./cluster_error.ts";

/** Most jobs of a block. */
export const MOST_JOBS = 4096;

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

/** Check of the place of a vector. */
export const storedVectorSchema = v.object({
  name: v.pipe(v.string(), v.regex(/^[0-9A-Za-z]{1,64}\.[0-9A-Za-z]{1,64}$/)),
  from: wholeNumber(0),
  bytes: wholeNumber(0, 2 ** 40),
  sha256,
});

const jobSchema: v.GenericSchema<unknown, ClientJob> = v.variant("kind", [
  v.object({ kind: v.literal("join"), rank: uint32(1) }),
  v.object({ kind: v.literal("train"), round: uint32(0), rank: uint32(1) }),
  v.object({ kind: v.literal("evaluate"), round: uint32(0), rank: uint32(1) }),
  v.object({ kind: v.literal("test"), from: uint32(0), to: uint32(0) }),
]);

const planSchema = v.object({
  ...trainSettingsSchema.entries,
  round: uint32(0),
  seed: uint32(0),
}) as v.GenericSchema<unknown, RoundInput["plan"]>;

const blockSchema = v.object({
  list: wholeNumber(0),
  block: wholeNumber(0),
  /** Key of the attempt: outcomes of an earlier one, under another key, do not count. */
  key: v.pipe(v.string(), v.regex(/^[0-9A-Za-z]{1,64}$/)),
  jobs: v.pipe(v.array(jobSchema), v.minLength(1), v.maxLength(MOST_JOBS)),
  /** Input of the round, for all jobs but `join`. */
  input: v.exactOptional(v.object({
    number: wholeNumber(0),
    plan: planSchema,
    vectors: storedVectorSchema,
  })),
  /** Jobs whose clients have kept a vector, by their index; the vectors follow. */
  own: v.array(uint32(0)),
  /** Set where the machine may give back the sum of the updates. */
  sum: v.exactOptional(v.boolean()),
  /** Owners of machines that are left out. */
  without: v.exactOptional(v.array(textLine(128))),
  /** Owners of machines that have answered already, and leave this attempt to others. */
  others: v.exactOptional(v.array(textLine(128))),
  /** Vectors of the clients, where they are too long for the message. */
  ownVectors: v.exactOptional(storedVectorSchema),
});

/** Block of jobs that a machine does. */
export type Block = v.InferOutput<typeof blockSchema>;
/** Input of a round as blocks refer to it. */
export type BlockInput = NonNullable<Block["input"]>;

const doneSchema = v.object({
  list: wholeNumber(0),
  block: wholeNumber(0),
  key: v.pipe(v.string(), v.regex(/^[0-9A-Za-z]{1,64}$/)),
  /** Milliseconds that it took. */
  millis: v.pipe(v.number(), v.minValue(0)),
  /** Reason for which the machine cannot do it. */
  failure: v.exactOptional(textLine(1024)),
  outcomes: v.exactOptional(v.unknown()),
  /** Place of the outcomes, where they are too long for the message. */
  stored: v.exactOptional(storedVectorSchema),
});

/** Outcome of a block. */
export type Done = v.InferOutput<typeof doneSchema>;

/** Check of what a machine tells once it is done with a block. */
export const endedSchema = v.object({
  list: wholeNumber(0),
  block: wholeNumber(0),
  /** Key and reason, where it gives up on the block and cannot store that. */
  key: v.exactOptional(v.string()),
  failure: v.exactOptional(textLine(1024)),
});

/**
 * Reads a block.
 *
 * @throws {ClusterError} "bad-message".
 */
export const readBlock = (head: unknown): Block => read(blockSchema, head, "a block of jobs");

/**
 * Reads the outcome of a block.
 *
 * @throws {ClusterError} "bad-message".
 */
export const readDone = (head: unknown): Done => read(doneSchema, head, "the outcome of a block");

function read<T>(schema: v.GenericSchema<unknown, T>, value: unknown, what: string): T {
  try {
    return v.parse(schema, value);
  } catch (cause) {
    throw new ClusterError("bad-message", `Cannot read ${what}: ${errorMessage(cause)}`, { cause });
  }
}
