import { errorMessage, ProtocolError } from "../base/errors.ts";
import type { Rank } from "../base/rank.ts";
import { BufferPool } from "../params/buffer_pool.ts";
import { Kernels, squaredDistance, stats } from "../params/kernels.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { checkRule, type LocalRule, ruleOf, sendsGradient } from "../plan/rules/rules.ts";
import { checkSettings, type TrainSettings } from "../plan/settings.ts";
import type { ClientSettings, ClientUpdate, StrategyState } from "../strategy/strategy.ts";
import { workingVector } from "../strategy/working.ts";
import { FIELDS_BYTES } from "../wire/frame.ts";
import type { ParameterUpdatePayload } from "../wire/messages.ts";

/** Room for staging buffers: for small models there are more of them, for large ones at least four. */
const STAGING_BYTES = 64 * 2 ** 20;
const LEAST_STAGING_BUFFERS = 4;
const MOST_STAGING_BUFFERS = 64;
/** Alignment and bookkeeping of the arena, for each piece in it. */
const ARENA_SLACK_BYTES = 4096;

/** One epoch of plain SGD a round: batches of 10, learning rate 0.1. */
export const DEFAULT_PLAN: TrainSettings = {
  epochs: 1,
  batchSize: 10,
  learningRate: 0.1,
  momentum: 0,
  weightDecay: 0,
  keepMomentum: false,
};

const NO_SERVER = "Cannot make a server";

/** What of an algorithm matters to the plan and to the checks. */
interface Algorithm {
  readonly name: string;
  readonly clientSettings?: ClientSettings;
  readonly countsSteps?: boolean;
  check?(update: ClientUpdate): void;
}

/** What an algorithm keeps, and takes up again. */
interface StateKeeper {
  save?(): StrategyState;
  restore?(state: StrategyState): void;
}

/**
 * The clients' settings: the defaults, the ones that are given, and those of the algorithm, each before the ones before it.
 *
 * Throws a `RangeError` for a setting out of range, for a rule that does not go with the other settings, the model or the algorithm, and for a setting that
 * is given and that the algorithm sets otherwise.
 */
export function planOf(
  given: Partial<TrainSettings>,
  { name, clientSettings = {} }: Algorithm,
  manifest: Manifest,
): TrainSettings {
  const { defaults, ...settings } = clientSettings;
  checkStrategy(given.rule, settings.rule, name);
  // A plan without a pull says so by 0.
  const { proximal, ...rest } = given;
  const wanted = { ...rest, ...(proximal !== undefined && proximal !== 0 && { proximal }) };
  checkAgreed("rule", wanted, settings, name);
  checkAgreed("proximal", wanted, settings, name);
  const plan = { ...DEFAULT_PLAN, ...defaults, ...wanted, ...settings };
  checkSettings(plan, NO_SERVER);
  if (plan.learningRate === 0) {
    throw new RangeError(`${NO_SERVER}: expected a learning rate above 0, got 0`);
  }
  checkRule(plan, manifest);
  return plan;
}

/** Throws a `RangeError` if the rule is one half of an algorithm and the strategy is not the other. */
function checkStrategy(
  given: LocalRule | undefined,
  ofStrategy: LocalRule | undefined,
  name: string,
): void {
  if (!given || !ruleOf(given).needsStrategy || ofStrategy?.name === given.name) return;
  throw new RangeError(
    `${NO_SERVER}: expected a strategy ${
      sendsGradient(given)
        ? "that takes gradients"
        : `with the server's half of the rule ${given.name}`
    }, got ${name}`,
  );
}

/** Throws a `RangeError` when two say what a setting is, and not the same. */
function checkAgreed(
  key: "rule" | "proximal",
  given: Partial<TrainSettings>,
  settings: Partial<TrainSettings>,
  name: string,
): void {
  const [mine, theirs] = [given[key], settings[key]].map((value) => JSON.stringify(value));
  if (mine === undefined || theirs === undefined || mine === theirs) return;
  throw new RangeError(
    `${NO_SERVER}: expected the plan's ${key} to be that of ${name}, ${theirs}, got ${mine}`,
  );
}

/** The global vector with the arena that it lies in, and the buffers that updates are read to. */
export class GlobalModel {
  readonly vector: ParameterVector;
  readonly staging: BufferPool;
  readonly kernels: string;
  /**
   * The L2 norm of a change that is never out of bounds: as large as the vector with which the run
   * began, or as one in which every value moves by 1. It does not grow with the model, so that a
   * member cannot drive the two up by turns.
   */
  readonly harmlessNorm: number;
  readonly #manifest: Manifest;
  /** The vector as it was before it last changed, and what the algorithm kept. */
  #before: ParameterVector | undefined;
  #kept: StrategyState | undefined;

  constructor({ manifest, parameters, workingVectors, stagingBuffers }: {
    manifest: Manifest;
    parameters: ParameterVector;
    workingVectors: number;
    stagingBuffers: number | undefined;
  }) {
    const bodyBytes = manifest.byteLength + FIELDS_BYTES;
    const buffers = stagingBuffers ??
      Math.min(
        MOST_STAGING_BUFFERS,
        Math.max(LEAST_STAGING_BUFFERS, Math.floor(STAGING_BYTES / bodyBytes)),
      );
    // The vector, and as it was before.
    const vectors = 2 + workingVectors;
    const arena = Kernels.create(
      vectors * manifest.byteLength + buffers * bodyBytes + (vectors + buffers) * ARENA_SLACK_BYTES,
    );
    this.#manifest = manifest;
    this.kernels = arena.build;
    this.vector = arena.alloc(manifest.length);
    this.staging = new BufferPool(buffers, () => arena.allocBytes(bodyBytes));
    this.set(parameters);
    const norm = Math.max(stats(parameters).norm, Math.sqrt(parameters.length));
    // Norms are as exact as this, and a change by 1 is one.
    this.harmlessNorm = norm * (1 + NORM_ERROR);
  }

  /** Copies finite values of the manifest's length in, or throws a `RangeError`. */
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
   * Gives the L2 norm of the change that an update is from the vector that its client began with, by
   * default the global one, or of the gradient. Throws a `ProtocolError` "shape-mismatch",
   * "invalid-field", "non-finite" or "out-of-bounds" for an update that cannot be taken in.
   */
  check(
    sender: Rank,
    payload: ParameterUpdatePayload,
    algorithm: Algorithm,
    { plan, base = this.vector }: { plan: TrainSettings; base?: ParameterVector },
  ): number {
    const { parameters, numSamples } = payload;
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
    // From finite values there comes a finite distance, and from others none.
    const norm = isGradient ? stats(parameters).norm : Math.sqrt(squaredDistance(parameters, base));
    if (!Number.isFinite(norm)) {
      const { nonFinite } = stats(parameters);
      throw new ProtocolError(
        "non-finite",
        `${where}: expected finite values, got ${nonFinite} that are not`,
      );
    }
    try {
      algorithm.check?.(clientUpdateOf(sender, payload));
    } catch (cause) {
      throw new ProtocolError("invalid-field", errorMessage(cause), { cause });
    }
    if (algorithm.countsSteps) checkSteps(where, payload, plan);
    return norm;
  }

  /** Notes what an algorithm keeps, before it changes that. */
  noteState(algorithm: StateKeeper): void {
    if (algorithm.save === undefined) return;
    const { json, vectors } = algorithm.save();
    const copies = Object.entries(vectors ?? {}).map(([name, vector]) => {
      const last = this.#kept?.vectors?.[name];
      // Outside the arena, where there is room for what the algorithm counts itself.
      const copy = last?.length === vector.length ? last : new Float32Array(vector.length);
      copy.set(vector);
      return [name, copy] as const;
    });
    this.#kept = {
      ...(json !== undefined && { json: structuredClone(json) }),
      ...(vectors && { vectors: Object.fromEntries(copies) }),
    };
  }

  /** Notes the vector, before it is changed. */
  noteVector(): void {
    const before = this.#before = workingVector(this.#before, this.vector);
    before.set(this.vector);
  }

  /** Goes back to what was noted last. */
  revert(algorithm: StateKeeper): void {
    if (this.#before !== undefined) this.vector.set(this.#before);
    if (this.#kept !== undefined) algorithm.restore?.(this.#kept);
  }
}

/** An update in the words of the algorithms. */
export function clientUpdateOf(
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

/** Relative error of a norm, at most. */
const NORM_ERROR = 1e-5;

/** How many times the plan's number of steps a client may tell of: own handlers may go further than the plan, and none that far. */
const MOST_STEPS = 10;

/** Throws a `ProtocolError` for far more steps than the plan makes of the number of samples. */
function checkSteps(
  where: string,
  { numSamples = 1, steps = NaN }: ParameterUpdatePayload,
  { epochs, batchSize }: TrainSettings,
): void {
  const expected = epochs * (batchSize === 0 ? 1 : Math.ceil(numSamples / batchSize));
  const most = MOST_STEPS * expected;
  if (steps <= most) return;
  throw new ProtocolError(
    "out-of-bounds",
    `${where}: expected at most ${most} steps on ${numSamples} samples, got ${steps}`,
  );
}
