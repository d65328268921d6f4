import { runtime } from "../../base/runtime/runtime.ts";
import { sha256Hex } from "../../base/hash.ts";
import { schemaDigest } from "../../data/schema/digest.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { Checkpoint, Checkpoints } from "../../store/checkpoint/checkpoints.ts";
import type { HandlerState, ServerBackendHandler } from "../handler/server_backend_handler.ts";
import type { EvaluationSummary } from "../report/evaluation_summary.ts";
import { guaranteesOf } from "../report/guarantees.ts";
import { MemberRecords } from "../report/member_records.ts";
import {
  type EarlyStop,
  finalReport,
  type PlanChange,
  type RoundReport,
  type RunReport,
} from "../report/report.ts";
import type { TrainedRound } from "../round_attempts.ts";
import type { RoundResult } from "../run_round.ts";
import { type BestModel, BestTracker } from "./best_tracker.ts";
import { changesWith } from "./plan_changes.ts";
import type { StoppingOptions } from "./run_monitor.ts";
import {
  modelDigest,
  readSavedRun,
  savedHandlerState,
  type SavedRanks,
  type SavedState,
  updateFields,
  withPrefix,
} from "./saved_run.ts";

/** Options of a {@linkcode RunRecord}. */
export interface RunRecordOptions {
  /** Name of the transport. */
  readonly transport: string;
  readonly worldSize: number;
  readonly rounds: number;
  /** Schema of the data. Default: the handler's. */
  readonly schema?: Schema | undefined;
  /** Store of the checkpoints. */
  readonly checkpoints?: Checkpoints | undefined;
  /** Checkpoint to continue from. */
  readonly resume?: Checkpoint | undefined;
  readonly notes?: Readonly<Record<string, unknown>> | undefined;
  /** Early stopping, and the best model. */
  readonly stopping?: StoppingOptions | undefined;
}

/** Record of a run so far: the content of its report and its checkpoints. */
export class RunRecord {
  /** The run's unique name. */
  name = "";
  /** Reports of the completed rounds. */
  rounds: RoundReport[] = [];
  /** Evaluation of the handler's current parameters. */
  final: EvaluateResult | undefined;
  /** The clients that have had a rank. */
  readonly members = new MemberRecords();
  readonly #handler: ServerBackendHandler;
  readonly #options: RunRecordOptions;
  #began = runtime.clock.now();
  #model: string | undefined;
  readonly #best: BestTracker;
  #changes: readonly PlanChange[] = [];
  /** Set when the run was resumed with other settings of training than it had. */
  hasNewSettings = false;

  constructor(handler: ServerBackendHandler, options: RunRecordOptions) {
    this.#handler = handler;
    this.#options = options;
    this.#best = new BestTracker(options.stopping);
  }

  /** Set when all rounds of the run are completed, or the run has stopped early. */
  get isOver(): boolean {
    return this.rounds.length >= this.#options.rounds || this.stopped !== undefined;
  }

  /** Reason for which the run has stopped early. */
  get stopped(): EarlyStop | undefined {
    // A run whose last round is done has not stopped early.
    const { rounds, worldSize } = this.#options, round = this.rounds.length;
    if (round >= rounds) return undefined;
    const reason = this.#handler.privacy?.stopReason(worldSize - 1);
    return this.#best.stopped ?? (reason === undefined ? undefined : { round, reason });
  }

  /** Model of the best round, where it is kept; `undefined` if it is not known. */
  get best(): BestModel | undefined {
    return this.#best.model;
  }

  /**
   * Adds the report of a round, whose parameters are the handler's current ones, and returns it
   * with the round's learning rate, where that is scheduled.
   * @throws {RangeError} If the round has no figure of the name to monitor.
   */
  addRound(report: RoundReport): RoundReport {
    const handler = this.#handler, scheduled = handler.schedule && handler.planFor(report.round);
    const whole = scheduled ? { ...report, learningRate: scheduled.learningRate } : report;
    this.rounds.push(whole);
    this.#best.add(whole, handler.parameters);
    return whole;
  }

  /** Replaces the report of the last round, which was evaluated later. */
  replaceLast(report: RoundReport): void {
    this.rounds.pop();
    this.#best.replay(this.rounds);
    this.addRound(report);
  }

  /**
   * Begins a run, or continues the one of the checkpoint in the options, whose parameters and state
   * the handler takes over.
   *
   * @returns The ranks of the continued run.
   * @throws {TypeError} If the checkpoint is not a server's.
   * @throws {RangeError} If it belongs to another model, schema, seed or strategy.
   */
  async begin(): Promise<SavedRanks | undefined> {
    const { resume } = this.#options;
    const saved = resume && await readSavedRun(resume, this.#handler, this.#schema);
    if (resume && saved) {
      this.#handler.parameters = resume.parameters;
      this.#handler.restoreState(savedHandlerState(resume, saved));
    }
    this.name = saved?.run ?? runtime.random.randomUUID();
    this.rounds = [...saved?.rounds ?? []];
    this.#best.replay(this.rounds);
    this.#best.restore(saved?.best, resume?.vectors);
    this.#changes = saved && !this.isOver
      ? changesWith(saved, this.rounds.length + 1, this.#handler)
      : saved?.changes ?? [];
    this.hasNewSettings = this.#changes.length > (saved?.changes?.length ?? 0);
    // Older checkpoints may have the evaluation of an earlier model.
    this.final = this.rounds.at(-1)?.loss === undefined ? undefined : saved?.final;
    this.#began = runtime.clock.now() - (saved?.seconds ?? 0) * 1000;
    this.members.restore(saved?.members);
    if (saved === undefined) return undefined;
    // The group may be smaller now.
    const isIn = ([rank]: readonly [number, string]) => rank < this.#options.worldSize;
    const { tokens, identities = [] } = saved;
    return { tokens: tokens.filter(isIn), identities: identities.filter(isIn) };
  }

  /**
   * Runs a round and completes it, also when its evaluation fails: the model is the round's all the
   * same.
   *
   * @throws The error of the evaluation.
   */
  async completeRound(
    run: () => Promise<RoundResult>,
    complete: (trained: TrainedRound, evaluated: EvaluationSummary) => void,
  ): Promise<void> {
    const { trained, evaluated, failure } = await run();
    this.final = evaluated.evaluation;
    complete(trained, evaluated);
    if (failure !== undefined) throw failure;
  }

  /** Makes the report of the run so far. */
  async report(): Promise<RunReport> {
    const handler = this.#handler, { transport, worldSize } = this.#options;
    const schema = this.#schema, clients = this.rounds.at(-1)?.clients;
    return {
      schema: "fedlab.run/1",
      seed: handler.seed,
      ...{ strategy: handler.strategyName, transport, worldSize, kernels: handler.kernels },
      ...guaranteesOf(handler, transport),
      ...updateFields(handler),
      rounds: [...this.rounds],
      ...(this.members.all.length > 0 && !handler.privacy && { members: this.members.all }),
      plan: handler.plan,
      ...(handler.schedule && { schedule: handler.schedule }),
      ...(this.#changes.length > 0 && { changes: [...this.#changes] }),
      ...(this.#best.best && { best: this.#best.best }),
      ...(this.stopped && { stopped: this.stopped }),
      ...(this.final && { final: finalReport(this.final, clients, schema) }),
      modelDigest: await sha256Hex(handler.parameters),
      ...(schema && { schemaDigest: await schemaDigest(schema) }),
      seconds: this.#seconds,
    };
  }

  /**
   * Saves a checkpoint of the run, if the options have a store for it.
   *
   * @param ranks Returns the ranks of the run.
   * @param further Further vectors to save, by name.
   * @param handlerState The handler's state. Default: its current one.
   * @returns The checkpoint's name, such as its file.
   */
  async save(
    ranks: () => SavedRanks,
    further: Readonly<Record<string, ParameterVector>> = {},
    handlerState?: HandlerState,
  ): Promise<string | undefined> {
    const { checkpoints, notes = {} } = this.#options;
    if (checkpoints === undefined) return undefined;
    const { tokens, identities = [] } = ranks();
    const { json, vectors, clients } = handlerState ?? this.#handler.saveState();
    const last = this.rounds.at(-1);
    const score = last && this.#best.scoreOf(last);
    const { manifest, parameters, seed, strategyName, plan, schedule } = this.#handler;
    const { best, vectors: bestVectors } = this.#best.saved;
    const model = this.#model ??= await modelDigest(this.#handler);
    const state: SavedState = {
      format: "fedlab.checkpoint/2",
      run: this.name,
      seed,
      strategy: strategyName,
      ...updateFields(this.#handler),
      ...(model !== undefined && { model }),
      ...(this.#schema && { schema: this.#schema }),
      tokens,
      ...(identities.length > 0 && { identities }),
      ...(this.members.all.length > 0 && { members: this.members.all }),
      ...(this.final && { final: this.final }),
      seconds: this.#seconds,
      settings: { plan, ...(schedule && { schedule }) },
      ...(this.#changes.length > 0 && { changes: this.#changes }),
      ...(best !== undefined && { best }),
      strategyState: json,
      clients,
      notes,
    };
    return await checkpoints.save({
      manifest,
      parameters,
      vectors: { ...vectors && withPrefix(vectors), ...bestVectors, ...further },
      round: this.rounds.length,
      state: { ...state },
      history: this.rounds,
      ...(score !== undefined && { score }),
    });
  }

  get #schema(): Schema | undefined {
    return this.#options.schema ?? this.#handler.schema;
  }

  /** Wall time of the run so far. */
  get #seconds(): number {
    return (runtime.clock.now() - this.#began) / 1000;
  }
}
