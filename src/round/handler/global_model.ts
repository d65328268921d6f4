import { errorMessage, ProtocolError } from "../../base/errors.ts";
import type { Rank } from "../../base/rank.ts";
import { checkedSeed } from "../../base/seed.ts";
import { BufferPool } from "../../params/buffer_pool.ts";
import { Kernels, squaredDistance, stats } from "../../params/kernels.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import { sendsGradient } from "../../plan/rules/rules.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { ClientUpdate, Spans, StrategyState } from "../../strategy/strategy.ts";
import { untrainedSpans } from "../../strategy/untrained.ts";
import { workingVector } from "../../strategy/working.ts";
import { FIELDS_BYTES } from "../../wire/frame.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import { type PlanningAlgorithm, resolvePlan } from "./client_plan.ts";
import type { ServerHandlerOptions } from "./options.ts";
import { checkedUpdateBound, DEFAULT_UPDATE_BOUND } from "./update_bound.ts";

/** Memory for staging buffers. Small models have more of them, large ones at least four. */
const STAGING_BYTES = 64 * 2 ** 20;
const MIN_STAGING_BUFFERS = 4;
const MAX_STAGING_BUFFERS = 64;
/** Alignment and bookkeeping of the arena, for each allocation in it. */
const ARENA_SLACK_BYTES = 4096;

/** Part of an algorithm that matters to the model and its checks. */
interface Algorithm extends PlanningAlgorithm {
  readonly countsSteps?: boolean;
  readonly workingVectors: number;
  check?(update: ClientUpdate): void;
  save?(): StrategyState;
  restore?(state: StrategyState): void;
}

/** State that the handlers of all servers have in common: the global vector, its arena and its checks. */
export class GlobalModel {
  /** Settings of the clients' training. */
  readonly plan: TrainSettings;
  readonly seed: number;
  readonly updateBound: number;
  /** The global vector. */
  readonly vector: ParameterVector;
  /** Buffers that updates are read into, in the vector's arena. */
  readonly staging: BufferPool;
  /** Name of the kernels' build. */
  readonly kernels: string;
  /** Positions of the vector that no gradient trains. */
  readonly untrained: Spans;
  readonly evaluate: ((signal?: AbortSignal) => Promise<EvaluateResult>) | undefined;
  /**
   * The L2 norm of a change that is never out of bounds: as large as the vector with which the run
   * began, or as one in which every value moves by 1. It does not grow with the model, so that a
   * member cannot drive the two up by turns.
   */
  readonly harmlessNorm: number;
  readonly #algorithm: Algorithm;
  readonly #manifest: Manifest;
  /** The vector before it last changed, and the algorithm's state then. */
  #before: ParameterVector | undefined;
  #state: StrategyState | undefined;

  constructor(options: ServerHandlerOptions, algorithm: Algorithm) {
    const { manifest, parameters, evaluator } = options;
    this.#algorithm = algorithm;
    this.#manifest = manifest;
    this.plan = resolvePlan(options.plan ?? {}, algorithm, manifest);
    this.updateBound = checkedUpdateBound(options.updateBound ?? DEFAULT_UPDATE_BOUND);
    this.seed = checkedSeed(options.seed ?? 0);
    const bodyBytes = manifest.byteLength + FIELDS_BYTES;
    const buffers = options.stagingBuffers ??
      Math.min(
        MAX_STAGING_BUFFERS,
        Math.max(MIN_STAGING_BUFFERS, Math.floor(STAGING_BYTES / bodyBytes)),
      );
    // The vector, and its value before the last change.
    const vectors = 2 + algorithm.workingVectors;
    const arena = Kernels.create(
      vectors * manifest.byteLength + buffers * bodyBytes + (vectors + buffers) * ARENA_SLACK_BYTES,
    );
    this.kernels = arena.build;
    this.vector = arena.alloc(manifest.length);
    this.staging = new BufferPool(buffers, () => arena.allocBytes(bodyBytes));
    this.set(parameters);
    this.untrained = untrainedSpans(manifest);
    this.evaluate = evaluator && ((signal) => evaluator(this.vector, signal));
    const norm = Math.max(stats(parameters).norm, Math.sqrt(parameters.length));
    // Norms are only this exact, and a change by exactly 1 is harmless.
    this.harmlessNorm = norm * (1 + NORM_ERROR);
  }

  /**
   * Copies a vector into the global one.
   *
   * @throws {RangeError} If a value is not finite, or the length is not the manifest's.
   */
  set(vector: ParameterVector): void {
    this.#manifest.check(vector);
    const { nonFinite } = stats(vector);
    if (nonFinite > 0) {
      throw new RangeError(
        `Cannot use the parameters: expected finite values, got ${nonFinite} that are not`,
      );
    }
    this.vector.set(vector);
  }

  /**
   * Checks an update.
   *
   * @param base The vector that the client started from. Default: the global vector.
   * @returns The L2 norm of the update's change from `base`, or of the gradient.
   * @throws {ProtocolError} "shape-mismatch", "invalid-field", "non-finite" or "out-of-bounds".
   */
  check(sender: Rank, payload: ParameterUpdatePayload, base = this.vector): number {
    const { parameters, numSamples } = payload;
    const algorithm = this.#algorithm;
    const where = `Cannot take the update of rank ${sender}`;
    if (parameters.length !== this.#manifest.length) {
      throw new ProtocolError(
        "shape-mismatch",
        `${where}: expected ${this.#manifest.length} values, got ${parameters.length}`,
      );
    }
    if (numSamples === undefined) {
      throw new ProtocolError("invalid-field", `${where}: expected the field numSamples, got none`);
    }
    const isGradient = sendsGradient(algorithm.clientSettings?.rule);
    // The distance is finite exactly when all values are.
    const norm = isGradient ? stats(parameters).norm : Math.sqrt(squaredDistance(parameters, base));
    if (!Number.isFinite(norm)) {
      const { nonFinite } = stats(parameters);
      throw new ProtocolError(
        "non-finite",
        `${where}: expected finite values, got ${nonFinite} that are not`,
      );
    }
    try {
      algorithm.check?.(toClientUpdate(sender, payload));
    } catch (cause) {
      throw new ProtocolError("invalid-field", errorMessage(cause), { cause });
    }
    if (algorithm.countsSteps) checkSteps(where, payload, this.plan);
    return norm;
  }

  /** Remembers the vector and the algorithm's state before they change. */
  snapshot(): void {
    this.#snapshotState();
    const before = this.#before = workingVector(this.#before, this.vector);
    before.set(this.vector);
  }

  /** Restores the last snapshot. */
  revert(): void {
    if (this.#before !== undefined) this.vector.set(this.#before);
    if (this.#state !== undefined) this.#algorithm.restore?.(this.#state);
  }

  #snapshotState(): void {
    if (this.#algorithm.save === undefined) return;
    const { json, vectors } = this.#algorithm.save();
    const copies = Object.entries(vectors ?? {}).map(([name, vector]) => {
      const last = this.#state?.vectors?.[name];
      // Outside the arena, which has room only for the vectors that the algorithm counts itself.
      const copy = last?.length === vector.length ? last : new Float32Array(vector.length);
      copy.set(vector);
      return [name, copy] as const;
    });
    this.#state = {
      ...(json !== undefined && { json: structuredClone(json) }),
      ...(vectors && { vectors: Object.fromEntries(copies) }),
    };
  }
}

/** Converts an update to the form that algorithms take. */
export function toClientUpdate(
  rank: Rank,
  { parameters, numSamples = 1, steps, loss, metrics }: ParameterUpdatePayload,
): ClientUpdate {
  return {
    rank,
    parameters,
    numSamples,
    ...(steps !== undefined && { steps }),
    ...(loss !== undefined && { loss }),
    ...(metrics !== undefined && { metrics }),
  };
}

/** Maximum relative error of a norm. */
const NORM_ERROR = 1e-5;

/**
 * Limit of the steps that a client may report, as a multiple of those in the plan. A custom handler
 * may take more steps than planned, but none takes that many.
 */
const MAX_STEPS_FACTOR = 10;

/** Throws a `ProtocolError` for far more steps than the plan implies for the number of samples. */
function checkSteps(
  where: string,
  { numSamples = 1, steps = NaN }: ParameterUpdatePayload,
  { epochs, batchSize }: TrainSettings,
): void {
  const expected = epochs * (batchSize === 0 ? 1 : Math.ceil(numSamples / batchSize));
  const most = MAX_STEPS_FACTOR * expected;
  if (steps <= most) return;
  throw new ProtocolError(
    "out-of-bounds",
    `${where}: expected at most ${most} steps on ${numSamples} samples, got ${steps}`,
  );
}
