/**
 * Outcomes of a block of jobs, as they travel.
 *
 * @module
 */

import { errorMessage } from "../base/errors.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { v } from "../plan/deps.ts";
import { metricSumsSchema } from "../plan/metric_sums.ts";
import type { ClientJob, ClientPoolOptions, JobOutcome } from "../sim/client_pool.ts";
import { ClusterError } from "./cluster_error.ts";

/** Properties that the outcomes of a session's jobs share. */
export type OutcomeShape = Pick<ClientPoolOptions, "manifest" | "keepsOwn" | "counts">;

/** A number of JSON, which has no others than finite ones. */
const number = v.union([v.number(), v.picklist(["NaN", "Infinity", "-Infinity"])]);
const figures = v.record(v.string(), v.number());

const trainResult = v.object({
  numSamples: v.number(),
  steps: v.number(),
  loss: number,
  metrics: figures,
});

const outcomeSchema = v.variant("kind", [
  v.object({ kind: v.literal("joined"), numSamples: v.number() }),
  v.object({
    kind: v.literal("trained"),
    result: trainResult,
    hasOwn: v.boolean(),
  }),
  v.object({
    kind: v.literal("summed"),
    result: trainResult,
    norm: v.pipe(v.number(), v.minValue(0)),
    hasOwn: v.boolean(),
  }),
  v.object({
    kind: v.literal("evaluated"),
    result: v.object({
      numSamples: v.number(),
      loss: number,
      accuracy: v.exactOptional(v.number()),
      metrics: v.exactOptional(figures),
      sums: v.exactOptional(metricSumsSchema),
      onTrainingRows: v.exactOptional(v.boolean()),
    }),
    hasCounts: v.boolean(),
  }),
  v.object({ kind: v.literal("failed"), reason: v.string(), stays: v.boolean() }),
]);

/** Kind of the outcome of a job that has not failed. */
const KIND_OF = { join: "joined", train: "trained", evaluate: "evaluated", test: "evaluated" };

/** Outcomes of a block, with copies of their vectors. */
export class OutcomeWriter {
  /** Outcomes without their vectors, for JSON. */
  readonly heads: unknown[] = [];
  /** Vectors, in the order of the outcomes. */
  readonly views: ArrayBufferView[] = [];

  /** Adds an outcome, whose vectors may be overwritten after the call. */
  add(outcome: JobOutcome): void {
    switch (outcome.kind) {
      case "trained": {
        const { kind, result, update, own } = outcome;
        this.views.push(update.slice(), ...own ? [own.slice()] : []);
        const hasOwn = own !== undefined;
        return void this.heads.push({ kind, result: withText(result), hasOwn });
      }
      case "summed": {
        const { kind, result, norm, own } = outcome, hasOwn = own !== undefined;
        if (own) this.views.push(own.slice());
        return void this.heads.push({ kind, result: withText(result), norm, hasOwn });
      }
      case "evaluated": {
        const { kind, result, counts } = outcome, hasCounts = counts !== undefined;
        if (counts) this.views.push(counts.slice());
        return void this.heads.push({ kind, result: withText(result), hasCounts });
      }
      default:
        this.heads.push(outcome);
    }
  }
}

/** Most bytes of the vectors of a number of outcomes. */
export function mostBytes({ manifest, keepsOwn, counts }: OutcomeShape, jobs: number): number {
  return jobs * (manifest.byteLength * (keepsOwn ? 2 : 1) + 4 * counts);
}

/** Outcomes of a block that were read. */
export interface ReadOutcomes {
  readonly outcomes: readonly JobOutcome[];
  /** Sum of the updates of those that are `summed`; none where no outcome is. */
  readonly sum: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Reads the outcomes of a block; their vectors are views of `body`.
 *
 * @param sumBytes Number of bytes of a sum; 0 where none was asked for.
 * @throws {ClusterError} "bad-message" if they are not those of the jobs.
 */
export function readOutcomes(
  heads: unknown,
  body: Uint8Array<ArrayBuffer>,
  jobs: readonly ClientJob[],
  shape: OutcomeShape,
  sumBytes: number,
): ReadOutcomes {
  const { manifest: { length }, counts } = shape;
  let at = body.byteOffset;
  const end = at + body.byteLength;
  const take = (values: number) => {
    if (at + 4 * values > end) throw new RangeError(`expected ${values} values, got fewer`);
    return [body.buffer, (at += 4 * values) - 4 * values, values] as const;
  };
  const vector = (): ParameterVector => new Float32Array(...take(length));
  try {
    const outcomes = v.parse(v.array(outcomeSchema), heads).map((head, i): JobOutcome => {
      const kind = jobs[i]?.kind;
      const isSummed = kind === "train" && sumBytes > 0 && head.kind === "summed";
      if (
        kind === undefined ||
        (head.kind !== "failed" && head.kind !== KIND_OF[kind] && !isSummed)
      ) {
        throw new RangeError(`expected an outcome of ${kind ?? "no job"}, got ${head.kind}`);
      }
      switch (head.kind) {
        case "trained": {
          const update = vector(), own = head.hasOwn && shape.keepsOwn ? vector() : undefined;
          return { kind: head.kind, result: withNumbers(head.result), update, ...own && { own } };
        }
        case "summed": {
          const own = head.hasOwn && shape.keepsOwn ? vector() : undefined;
          const { kind, norm } = head;
          return { kind, result: withNumbers(head.result), norm, ...own && { own } };
        }
        case "evaluated": {
          const more = head.hasCounts ? { counts: new Uint32Array(...take(counts)) } : {};
          return { kind: head.kind, result: withNumbers(head.result), ...more };
        }
        default:
          return head;
      }
    });
    if (outcomes.length !== jobs.length) {
      throw new RangeError(`expected ${jobs.length} outcomes, got ${outcomes.length}`);
    }
    const hasSum = outcomes.some(({ kind }) => kind === "summed");
    const sum = hasSum ? new Uint8Array(body.buffer, take(sumBytes / 4)[1], sumBytes) : undefined;
    if (at !== end) throw new RangeError(`expected the vectors of ${jobs.length} outcomes`);
    return { outcomes, sum };
  } catch (cause) {
    throw new ClusterError(
      "bad-message",
      `Cannot read the outcomes of a block: ${errorMessage(cause)}`,
      { cause },
    );
  }
}

/** Spells a loss that JSON has no number for. */
function withText<T extends { readonly loss: number }>(result: T): object {
  const { loss } = result;
  return Number.isFinite(loss) ? result : { ...result, loss: `${loss}` };
}

function withNumbers<T extends { readonly loss: number | string }>(
  result: T,
): Omit<T, "loss"> & { readonly loss: number } {
  return { ...result, loss: Number(result.loss) };
}
