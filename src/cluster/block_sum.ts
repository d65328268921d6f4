/**
 * Sum of the updates of a block, on the machine that has trained them.
 *
 * @module
 */

import { Kernels, squaredDistance, stats } from "../params/kernels.ts";
import type { ParameterVector } from "../params/manifest.ts";
import { sendsGradient } from "../plan/rules/rules.ts";
import { checkFigures, toClientUpdate } from "../round/handler/update_check.ts";
import type { ClientJob, ClientPoolOptions, JobOutcome, RoundInput } from "../sim/client_pool.ts";
import { checkUpdate, updatePayload } from "../sim/update_payload.ts";
import { parseStrategy } from "../strategy/registry.ts";
import type { Strategy } from "../strategy/strategy.ts";
import { ExactSums } from "../strategy/sums/exact_sums.ts";
import type { SumRound, SumShape } from "../strategy/sums/sums.ts";
import { untrainedSpans } from "../strategy/untrained.ts";
import { loadEncoder } from "../wire/cbor.ts";

/**
 * Most bytes of a sum. The coordinator has a received sum beside its own, and those of large models
 * would be most of its memory.
 */
const MOST_SUM_BYTES = 2 ** 26;
/** Alignment and bookkeeping of an arena, for each vector. */
const SLACK_BYTES = 4096;

type Trained = JobOutcome & { readonly kind: "trained" };
type Summed = JobOutcome & { readonly kind: "summed" };

/**
 * Adds up the updates of blocks as a server with exact sums would: the same checks on the same
 * figures, and the same contributions, by the kernels of the coordinator's build.
 */
export class BlockSum {
  readonly #options: ClientPoolOptions;
  readonly #strategy: Strategy;
  readonly #sums: ExactSums;
  /** Parameters of the round, and the place of an update, in one arena with the sums. */
  readonly #global: ParameterVector;
  readonly #update: ParameterVector;
  #round: SumRound | undefined;
  #input: RoundInput | undefined;

  private constructor(options: ClientPoolOptions, strategy: Strategy, shape: SumShape) {
    const { manifest: { length, byteLength }, build } = options;
    const vectors = 2 + strategy.workingVectors;
    const sums = ExactSums.bytesOf(shape, length);
    const slack = SLACK_BYTES * (vectors + Object.keys(shape.vectors).length);
    const arena = Kernels.create(vectors * byteLength + sums + slack, { build });
    this.#options = options;
    this.#strategy = strategy;
    this.#global = arena.alloc(length);
    this.#update = arena.alloc(length);
    this.#sums = new ExactSums(shape, length, this.#global);
  }

  /** Number of jobs from which a sum is shorter than the updates; `Infinity` for no sums. */
  static leastJobs({ sums, manifest }: Pick<ClientPoolOptions, "sums" | "manifest">): number {
    const shape = sums && parseStrategy(sums.strategy).sums;
    if (shape === undefined) return Infinity;
    const bytes = ExactSums.bytesOf(shape, manifest.length);
    return bytes > MOST_SUM_BYTES ? Infinity : Math.floor(bytes / manifest.byteLength) + 1;
  }

  /** Makes the sum of a session. */
  static async create(options: ClientPoolOptions): Promise<BlockSum | undefined> {
    const { sums } = options;
    if (sums === undefined) return undefined;
    await loadEncoder();
    const strategy = parseStrategy(sums.strategy);
    return strategy.sums && new BlockSum(options, strategy, strategy.sums);
  }

  /** Begins the sum of a block. */
  begin(input: RoundInput): void {
    this.#sums.clear();
    if (input === this.#input) return;
    this.#input = input;
    this.#global.set(input.parameters);
    const { manifest, sums: { numClients = 0 } = {} } = this.#options, { plan } = input;
    const untrained = untrainedSpans(manifest), aggregation = "exact";
    const info = { round: plan.round, numClients, plan, untrained, aggregation } as const;
    this.#round = this.#strategy.sumRound?.(this.#global, info);
  }

  /**
   * Adds an update, unless the server has to see it: one that it would refuse, or for which the sum
   * has no room.
   *
   * @returns The outcome without the update, or the outcome as it was.
   */
  add(job: ClientJob, outcome: Trained): Trained | Summed {
    const { plan } = this.#input ?? {};
    if (job.kind !== "train" || plan === undefined || this.#round === undefined) return outcome;
    try {
      this.#update.set(outcome.update);
      const update = { ...outcome, update: this.#update };
      const payload = checkUpdate(updatePayload(job.round, update));
      const norm = sendsGradient(plan.rule)
        ? stats(this.#update).norm
        : Math.sqrt(squaredDistance(this.#update, this.#global));
      if (!Number.isFinite(norm)) return outcome;
      const { allows } = this.#options.sums ?? {}, strategy = this.#strategy;
      checkFigures(job.rank, payload, { plan, strategy, allows });
      this.#sums.add(this.#round.contribution(toClientUpdate(job.rank, payload)));
      const { result, own } = outcome;
      return { kind: "summed", result, norm, ...(own && { own }) };
    } catch {
      return outcome;
    }
  }

  /** Number of updates in the sum. */
  get count(): number {
    return this.#sums.count;
  }

  /** Returns the sum as bytes. */
  save(): Uint8Array {
    return this.#sums.save();
  }
}
