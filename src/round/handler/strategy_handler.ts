/**
 * Base class of the server handlers that apply a strategy.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import { checkSeed } from "../../base/check.ts";
import { parseSchema } from "../../data/schema/parse.ts";
import type { Schema } from "../../data/schema/schema.ts";
import { BufferPool } from "../../params/buffer_pool.ts";
import { Kernels, stats } from "../../params/kernels.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { AllowedSettings } from "../../plan/own_settings.ts";
import { learningRateAt, type LearningRateSchedule } from "../../plan/schedule.ts";
import type { TrainSettings } from "../../plan/settings.ts";
import type { Spans, StrategyState } from "../../strategy/strategy.ts";
import type { Aggregation } from "../../strategy/sums/sums.ts";
import { untrainedSpans } from "../../strategy/untrained.ts";
import { travellingPart } from "../../train/models/travelling_part.ts";
import { workingVector } from "../../strategy/working.ts";
import type { ModelDescription } from "../../train/handler.ts";
import type { ParameterUpdatePayload } from "../../wire/messages.ts";
import { SecureTerms } from "../secure/terms.ts";
import { withExactSums } from "./aggregation.ts";
import { frozenSettings } from "./frozen_settings.ts";
import { codecsOf, type ServerCodecs } from "./server_codecs.ts";
import { stagingBuffers, stagingBytes } from "./staging.ts";
import type { ServerHandlerOptions } from "./options.ts";
import { type HandlerState, ServerBackendHandler } from "./server_backend_handler.ts";
import type { ServerStrategy } from "./server_strategy.ts";
import { checkedUpdateBound, DEFAULT_UPDATE_BOUND } from "./update_bound.ts";
import { checkUpdate } from "./update_check.ts";

/** Maximum relative error of a norm. */
const NORM_ERROR = 1e-5;
/** Alignment and bookkeeping of the arena, for each allocation in it. */
const ARENA_SLACK_BYTES = 4096;

/** Handler that applies a strategy to one global vector: the vector, its memory and its checks. */
export abstract class StrategyServerHandler<S extends ServerStrategy = ServerStrategy>
  extends ServerBackendHandler {
  /** Names and shapes of the tensors in the parameter vector. */
  override readonly manifest: Manifest;
  /** The model's description for the clients, if the server has one. */
  override readonly model: ModelDescription | undefined;
  /** Way in which updates are added up. */
  override readonly aggregation: Aggregation;
  /** The run's seed. */
  override readonly seed: number;
  /** Codecs of updates and parameters, if there are any. */
  override readonly codecs: ServerCodecs | undefined;
  /** Terms of secure aggregation, where updates are masked. */
  override readonly secure: SecureTerms | undefined;
  /** Buffers that updates are read into, in the arena of the global vector. */
  override readonly staging: BufferPool;
  /** Build of the kernels: `"simd128"` or `"relaxed-simd"`. */
  override readonly kernels: string;
  /** Evaluates the global vector by the `evaluator` of the options. */
  override readonly evaluate: ((signal?: AbortSignal) => Promise<EvaluateResult>) | undefined;
  /** The algorithm. */
  readonly strategy: S;
  readonly #plan: TrainSettings;
  readonly #schedule: LearningRateSchedule | undefined;
  readonly #allows: AllowedSettings | undefined;
  /** Limit of an update's change, as a multiple of the median of the changes of others. */
  readonly updateBound: number;
  /** Positions of the vector that no gradient trains. */
  protected readonly untrained: Spans;
  /** Positions of the vector that do not travel, which no round changes. */
  protected readonly fixed: Spans;
  /**
   * The L2 norm of a change that is never out of bounds: as large as the vector with which the run
   * began, or as one in which every value moves by 1. It does not grow with the model, so that a
   * member cannot drive the two up by turns.
   */
  protected readonly harmlessNorm: number;
  readonly #schema: Schema | undefined;
  readonly #vector: ParameterVector;
  /** The vector before it last changed, a view, and the strategy's state then. */
  parametersBefore: ParameterVector | undefined;
  #state: StrategyState | undefined;

  /**
   * Makes a handler from its options.
   *
   * @throws {RangeError} If the vector does not fit the manifest or is not finite, no value is
   * trainable, an option is out of range, or the plan does not suit the strategy.
   * @throws {TypeError} If the schema is no schema.
   */
  constructor(options: ServerHandlerOptions, strategy: S) {
    super();
    const { manifest, parameters, evaluator } = options;
    if (!manifest.tensors.some(({ trainable }) => trainable)) {
      throw new RangeError("Cannot train the model: none of its values is trainable");
    }
    this.manifest = manifest;
    this.model = options.model;
    this.#schema = options.schema && parseSchema(options.schema);
    this.strategy = strategy;
    const settings = frozenSettings(options, strategy, manifest);
    this.aggregation = options.aggregation ?? "running";
    this.#plan = settings.plan;
    this.#schedule = settings.schedule;
    this.#allows = settings.allows;
    this.updateBound = checkedUpdateBound(options.updateBound ?? DEFAULT_UPDATE_BOUND);
    this.seed = checkSeed(options.seed ?? 0);
    const { secure } = settings.plan;
    this.secure = secure && new SecureTerms(options.secureAggregation ?? {}, secure);
    this.codecs = codecsOf(options, settings.plan.rule, this.seed);
    const bodyBytes = stagingBytes(manifest, this.codecs);
    const buffers = options.stagingBuffers ?? stagingBuffers(bodyBytes);
    const vectors = 2 + strategy.workingVectors; // The vector and its value before a change.
    const bytes = vectors * manifest.byteLength + buffers * bodyBytes +
      (vectors + buffers) * ARENA_SLACK_BYTES;
    const arena = Kernels.create(withExactSums(bytes, options, strategy));
    this.kernels = arena.build;
    this.#vector = arena.alloc(manifest.length);
    this.staging = new BufferPool(buffers, () => arena.allocBytes(bodyBytes));
    this.parameters = parameters;
    this.untrained = untrainedSpans(manifest);
    this.fixed = travellingPart(manifest, options.model, this.#plan.rule)?.others ?? [];
    this.evaluate = evaluator && ((signal) => evaluator(this.parameters, signal));
    const norm = Math.max(stats(parameters).norm, Math.sqrt(parameters.length));
    // A change by exactly 1 is harmless, and norms are only this exact.
    this.harmlessNorm = norm * (1 + NORM_ERROR);
  }

  /** Schema of the data, if the server has one. */
  override get schema(): Schema | undefined {
    return this.#schema;
  }

  /**
   * Settings of the clients' training. They are frozen; a learning rate that changes is a
   * `schedule`.
   */
  override get plan(): TrainSettings {
    return this.#plan;
  }

  /** Schedule of the learning rate, frozen, if there is one. */
  override get schedule(): LearningRateSchedule | undefined {
    return this.#schedule;
  }

  /** Settings that clients may choose themselves, frozen. */
  override get allows(): AllowedSettings | undefined {
    return this.#allows;
  }

  /** Returns the plan with the schedule's learning rate of a round. */
  override planFor(round: number): TrainSettings {
    const plan = this.#plan, schedule = this.#schedule;
    if (schedule === undefined) return plan;
    const learningRate = learningRateAt(schedule, plan.learningRate, round);
    return Object.freeze({ ...plan, learningRate });
  }

  /** Name of the strategy. */
  override get strategyName(): string {
    return this.strategy.name;
  }

  /** The global vector itself. Setting it copies finite values of the manifest's length. */
  override get parameters(): ParameterVector {
    return this.#vector;
  }

  override set parameters(vector: ParameterVector) {
    this.manifest.check(vector);
    const { nonFinite } = stats(vector);
    if (nonFinite > 0) {
      throw new RangeError(
        `Cannot use the parameters: expected finite values, got ${nonFinite} that are not`,
      );
    }
    this.#vector.set(vector);
  }

  /** Returns the strategy's state and the knowledge about the clients. */
  override saveState(): HandlerState {
    return { ...this.strategy.save?.(), clients: this.saveClients() };
  }

  /**
   * Restores the state that {@linkcode saveState} returned.
   *
   * @throws {TypeError} If it is not such a state.
   */
  override restoreState({ clients, ...state }: HandlerState): void {
    if (state.json !== undefined || state.vectors !== undefined) this.strategy.restore?.(state);
    // Older checkpoints of asynchronous servers have no knowledge about the clients.
    if (clients !== undefined) this.restoreClients(clients);
  }

  /** Returns the knowledge about the clients, as JSON. */
  protected abstract saveClients(): unknown;

  /** Restores the knowledge about the clients; throws a `TypeError` if it is not valid. */
  protected abstract restoreClients(saved: unknown): void;

  /**
   * Checks an update.
   *
   * @param base The vector that the client started from. Default: the global vector.
   * @param plan The settings that the client had.
   * @returns The L2 norm of the update's change from `base`, or of the gradient.
   * @throws {ProtocolError} "shape-mismatch", "invalid-field", "non-finite" or "out-of-bounds".
   */
  protected checkUpdate(
    sender: Rank,
    payload: ParameterUpdatePayload,
    base: ParameterVector = this.#vector,
    plan: TrainSettings = this.plan,
  ): number {
    const { manifest, strategy, allows } = this;
    return checkUpdate(sender, payload, base, { manifest, strategy, plan, allows });
  }

  /** Remembers the vector and the strategy's state before they change. */
  protected snapshot(): void {
    this.#snapshotState();
    const before = this.parametersBefore = workingVector(this.parametersBefore, this.#vector);
    before.set(this.#vector);
  }

  /** Restores the last snapshot. */
  protected revert(): void {
    if (this.parametersBefore !== undefined) this.#vector.set(this.parametersBefore);
    if (this.#state !== undefined) this.strategy.restore?.(this.#state);
  }

  #snapshotState(): void {
    if (this.strategy.save === undefined) return;
    const { json, vectors } = this.strategy.save();
    const copies = Object.entries(vectors ?? {}).map(([name, vector]) => {
      const last = this.#state?.vectors?.[name];
      // Outside the arena, which has room only for the vectors that the strategy counts itself.
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
