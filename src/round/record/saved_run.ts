import { sha256Hex } from "../../base/hash.ts";
import { compareSchemas } from "../../data/schema/compare.ts";
import { parseSchema } from "../../data/schema/parse.ts";
import { splitDelta } from "../../codec/names.ts";
import type { Schema } from "../../data/schema/schema.ts";
import { compareManifests } from "../../params/compare_manifests.ts";
import type { Checkpoint } from "../../store/checkpoint/checkpoints.ts";
import type { ServerBackendHandler } from "../handler/server_backend_handler.ts";
import type { RoundReport } from "../report/report.ts";
import { codecNames, modelDigest, type SavedState } from "./saved_state.ts";

/** Run as restored from a checkpoint. */
export interface SavedRun extends Omit<SavedState, "format"> {
  readonly rounds: readonly RoundReport[];
}

/** The current format of the state, and an earlier one that contained the reports of all rounds. */
const FORMATS: readonly unknown[] = ["fedlab.checkpoint/2", "fedlab.checkpoint/1"];

/**
 * Reads the run of a checkpoint, to continue it with that handler.
 *
 * @throws {TypeError} If the checkpoint is not a server's.
 * @throws {RangeError} If it belongs to another model, schema, seed, strategy or aggregation.
 */
export async function readSavedRun(
  checkpoint: Checkpoint,
  handler: ServerBackendHandler,
  schema: Schema | undefined = handler.schema,
): Promise<SavedRun> {
  const where = "Cannot resume from the checkpoint";
  const state = checkpoint.state as Partial<Omit<SavedState, "format">> & {
    readonly format?: unknown;
    readonly rounds?: unknown;
  };
  if (!FORMATS.includes(state.format) && String(state.format).startsWith("fedlab.checkpoint/")) {
    throw new TypeError(
      `${where}: expected the format ${FORMATS.join(" or ")}, got ${state.format}`,
    );
  }
  if (
    !FORMATS.includes(state.format) || typeof state.run !== "string" ||
    !isByRank(state.tokens) || !isByRank(state.identities ?? []) ||
    typeof state.seconds !== "number" ||
    (state.changes !== undefined && !Array.isArray(state.changes)) ||
    (state.settings !== undefined && typeof state.settings?.plan !== "object") ||
    (state.final !== undefined && !Number.isSafeInteger(Object(state.final).numSamples))
  ) {
    throw new TypeError(`${where}: expected the state of a server's run`);
  }
  const rounds = state.format === "fedlab.checkpoint/1" ? state.rounds : checkpoint.history;
  const { untold } = state;
  if (!Array.isArray(rounds) || !isRounds([...rounds, untold ?? []].flat(), checkpoint.round)) {
    throw new TypeError(`${where}: expected the reports of its ${checkpoint.round} rounds`);
  }
  checkSchema(savedSchema(checkpoint), schema, where);
  if (await checkpoint.manifest.digest() !== await handler.manifest.digest()) {
    const difference = compareManifests(handler.manifest, checkpoint.manifest);
    throw new RangeError(`${where}: it is of another model: ${difference}`);
  }
  for (
    const [name, expected] of [["seed", handler.seed], ["strategy", handler.strategyName]] as const
  ) {
    if (state[name] !== expected) {
      throw new RangeError(`${where}: expected ${name} ${expected}, got ${state[name]}`);
    }
  }
  if ((state.aggregation ?? "running") !== handler.aggregation) {
    throw new RangeError(
      `${where}: expected aggregation ${handler.aggregation}, got ${
        state.aggregation ?? "running"
      }`,
    );
  }
  const codecs = codecNames(handler);
  for (const direction of ["uplink", "downlink"] as const) {
    const { [direction]: expected = "none" } = codecs, { [direction]: found = "none" } = state;
    if (resultOf(found) === resultOf(expected)) continue;
    throw new RangeError(`${where}: expected the ${direction} ${expected}, got ${found}`);
  }
  const model = await modelDigest(handler);
  if (
    state.model !== undefined && model !== undefined && state.model !== model &&
    state.model !== await formerDigest(handler)
  ) {
    throw new RangeError(
      `${where}: expected the description of this server's model, got another of the same shapes`,
    );
  }
  return { ...state as Omit<SavedState, "format">, rounds };
}

/**
 * Returns the schema of a checkpoint, for the server that resumes its run.
 *
 * @returns The schema; `undefined` for a run without one.
 * @throws {TypeError} If it cannot be read.
 */
export function savedSchema({ state: { schema } }: Checkpoint): Schema | undefined {
  return schema === undefined ? undefined : parseSchema(schema);
}

/** Throws a `RangeError` if a server has another schema than the run has begun with. */
function checkSchema(saved: Schema | undefined, own: Schema | undefined, where: string): void {
  // A run of an earlier version has begun without one.
  if (saved === undefined) return;
  if (own === undefined) {
    throw new RangeError(`${where}: expected a server with the schema of its run, got one without`);
  }
  const difference = compareSchemas(saved, own);
  if (difference !== undefined) {
    throw new RangeError(`${where}: its run has another schema: ${difference}`);
  }
}

/**
 * Computes the digest of the description that earlier versions had of a model that starts from
 * zeros: they drew the weights of logistic regression at random. A run that goes on has the weights
 * of its checkpoint, however the first ones were drawn.
 */
async function formerDigest({ model }: ServerBackendHandler): Promise<string> {
  const kernel = (name: string) => `"kernel_initializer":{"class_name":"${name}"`;
  const former = JSON.stringify(model).replaceAll(kernel("Zeros"), kernel("GlorotUniform"));
  return await sha256Hex(new TextEncoder().encode(former));
}

/** Returns `true` for the reports of the rounds from 1 to `last`. */
function isRounds(value: unknown, last: number): value is readonly RoundReport[] {
  const isRanks = (ranks: unknown) => Array.isArray(ranks) && ranks.every(Number.isSafeInteger);
  return Array.isArray(value) && value.length === last && value.every((report: unknown, i) => {
    const { round, cohort, received, losses, lossesOmitted = [] } = Object(report);
    return round === i + 1 && isRanks(cohort) && Number.isSafeInteger(received) &&
      isRanks(lossesOmitted) && Array.isArray(losses) &&
      losses.every((loss) =>
        Number.isSafeInteger(Object(loss).rank) && typeof Object(loss).reason === "string"
      );
  });
}

/** Returns `true` for a list of strings by rank, such as session tokens. */
function isByRank(value: unknown): boolean {
  return Array.isArray(value) &&
    value.every((entry) =>
      Array.isArray(entry) && Number.isSafeInteger(entry[0]) && typeof entry[1] === "string"
    );
}

/** Returns the name of the codec that determines the values: differences are exact. */
function resultOf(codec: string): string {
  const { whole } = splitDelta(codec);
  return whole === "f32" ? "none" : whole;
}
