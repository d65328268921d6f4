import { runtime } from "../../base/runtime/runtime.ts";
import { sha256Hex } from "../../base/hash.ts";
import { schemaDigest } from "../../data/schema/digest.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { HandlerState, ServerBackendHandler } from "../handler/server_backend_handler.ts";
import { guaranteesOf } from "../report/guarantees.ts";
import { MemberRecords } from "../report/member_records.ts";
import { finalReport, withDisplay } from "../report/make_report.ts";
import type { EarlyStop, PlanChange, RoundReport, RunReport } from "../report/report.ts";
import { type BestModel, BestTracker } from "./best_tracker.ts";
import { changesWith } from "./plan_changes.ts";
import type { RunRecordOptions } from "./run_record_options.ts";
import { addSavedAccount } from "./saved_account.ts";
import { readSavedRun } from "./saved_run.ts";
import {
  modelDigest,
  savedHandlerState,
  type SavedRanks,
  type SavedState,
  stateOf,
  updateFields,
  withPrefix,
} from "./saved_state.ts";

/** Record of a run so far: the content of its report and its checkpoints. */
export class RunRecord {
  /** The run's unique name. */
  name = "";
  /** Reports of the completed rounds. */
  rounds: RoundReport[] = [];
  /**
   * Report of the round of a private run whose model is made, and not evaluated and told yet. A
   * checkpoint that is saved now has it, so that a run that resumes tells of this round, and does
   * not make it again with other noise.
   */
  untold: RoundReport | undefined;
  /** Set if the last checkpoint has all that is known of the rounds. */
  isSaved = false;
  /** Number of releases of a private run that may be told. */
  releasesSaved = 0;
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
   * Saves the model of a closed round, by a function that calls {@linkcode RunRecord.save}, before
   * anything of it is told.
   *
   * @throws The error of saving; the round is then not made.
   */
  async saveRelease(report: RoundReport, save: () => Promise<void>): Promise<void> {
    this.untold = report;
    this.isSaved = false;
    try {
      await save();
    } catch (error) {
      this.untold = undefined;
      throw error;
    }
  }

  /** Number of the last round whose model is made. */
  get lastRound(): number {
    return this.untold?.round ?? this.rounds.length;
  }

  /**
   * Adds the report of a round, whose parameters are the handler's current ones, and returns it
   * with the round's learning rate, where that is scheduled.
   * @throws {RangeError} If the round has no figure of the name to monitor.
   */
  addRound(report: RoundReport): RoundReport {
    const handler = this.#handler, scheduled = handler.schedule && handler.planFor(report.round);
    const whole = scheduled ? { ...report, learningRate: scheduled.learningRate } : report;
    // A release that was saved has nothing new without an evaluation.
    this.isSaved &&= this.untold !== undefined && whole.loss === undefined;
    this.untold = undefined;
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
   * @throws {TypeError} If it is not a server's, or a private run's without its account.
   * @throws {RangeError} If it belongs to another model, schema, seed or strategy.
   */
  async begin(): Promise<SavedRanks | undefined> {
    const { resume } = this.#options, { privacy } = this.#handler;
    const saved = resume && await readSavedRun(resume, this.#handler, this.#schema);
    if (resume && saved) {
      this.#handler.parameters = resume.parameters;
      this.#handler.restoreState(savedHandlerState(resume, saved));
      // What was told after this checkpoint stays told, whatever has become of later ones.
      if (privacy !== undefined) addSavedAccount(privacy, resume);
      // Clients of a saved sum may not come back: it counts for their keys all the same.
      for (const [rank, key] of saved.identities ?? []) privacy?.seat(rank, key);
    }
    this.isSaved = false;
    this.releasesSaved = privacy?.releases ?? 0;
    this.untold = saved?.untold;
    this.name = saved?.run ?? runtime.random.randomUUID();
    this.rounds = [...saved?.rounds ?? []];
    this.#best.replay(this.rounds);
    this.#best.restore(saved?.best, resume?.vectors);
    this.#changes = saved && !this.isOver
      ? changesWith(saved, this.lastRound + 1, this.#handler)
      : saved?.changes ?? [];
    this.hasNewSettings = this.#changes.length > (saved?.changes?.length ?? 0);
    // Older checkpoints may have the evaluation of an earlier model.
    const isKnown = this.untold === undefined && this.rounds.at(-1)?.loss !== undefined;
    this.final = isKnown ? saved?.final : undefined;
    this.#began = runtime.clock.now() - (saved?.seconds ?? 0) * 1000;
    this.members.restore(saved?.members);
    if (saved === undefined) return undefined;
    // The group may be smaller now.
    const isIn = ([rank]: readonly [number, string]) => rank < this.#options.worldSize;
    const { tokens, identities = [] } = saved;
    return { tokens: tokens.filter(isIn), identities: identities.filter(isIn) };
  }

  /** Makes the report of the run so far. */
  async report(): Promise<RunReport> {
    const handler = this.#handler, { transport, worldSize } = this.#options;
    const schema = this.#schema, clients = this.rounds.at(-1)?.clients;
    return withDisplay({
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
    });
  }

  /**
   * Saves a checkpoint of the run, if the options have a store for it.
   *
   * @param ranks Returns the ranks of the run, and its open sum.
   * @param further Further vectors to save, by name.
   * @param handlerState The handler's state. Default: its current one.
   * @returns The checkpoint's name, such as its file.
   */
  async save(
    ranks: () => SavedRanks & Pick<SavedState, "openSum">,
    further: Readonly<Record<string, ParameterVector>> = {},
    handlerState?: HandlerState,
  ): Promise<string | undefined> {
    const { checkpoints, notes = {} } = this.#options, handler = this.#handler;
    if (checkpoints === undefined) return undefined;
    const saved = handlerState ?? handler.saveState();
    const { untold, rounds } = this, last = untold ?? rounds.at(-1), round = this.lastRound;
    const score = last && this.#best.scoreOf(last);
    const { manifest, parameters, privacy } = handler, releases = privacy?.releases ?? 0;
    const { best, vectors: bestVectors } = this.#best.saved;
    const account = this.#options.account?.() ?? privacy?.account;
    const model = this.#model ??= await modelDigest(handler);
    const state = stateOf(handler, saved, {
      ...ranks(),
      run: this.name,
      ...(model !== undefined && { model }),
      ...(this.#schema && { schema: this.#schema }),
      members: this.members.all,
      ...(untold ? { untold } : this.final && { final: this.final }),
      seconds: this.#seconds,
      changes: this.#changes,
      ...(best !== undefined && { best }),
      notes,
    });
    const path = await checkpoints.save({
      manifest,
      parameters,
      vectors: { ...saved.vectors && withPrefix(saved.vectors), ...bestVectors, ...further },
      round,
      state: { ...state },
      history: rounds,
      ...(score !== undefined && { score }),
      ...(account !== undefined && { account }),
    });
    this.releasesSaved = releases;
    this.isSaved = untold === this.untold;
    return path;
  }

  get #schema(): Schema | undefined {
    return this.#options.schema ?? this.#handler.schema;
  }

  /** Wall time of the run so far. */
  get #seconds(): number {
    return (runtime.clock.now() - this.#began) / 1000;
  }
}
