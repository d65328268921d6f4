import { runtime } from "../../base/runtime/runtime.ts";
import { sha256Hex } from "../../base/hash.ts";
import { schemaDigest } from "../../data/schema/digest.ts";
import type { Schema } from "../../data/schema/schema.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { Checkpoint, Checkpoints } from "../../store/checkpoint/checkpoints.ts";
import type { HandlerState, ServerBackendHandler } from "../handler/server_backend_handler.ts";
import type { EvaluationSummary } from "../report/evaluation_summary.ts";
import { MemberRecords } from "../report/member_records.ts";
import { finalReport, type RoundReport, type RunReport } from "../report/report.ts";
import type { TrainedRound } from "../round_attempts.ts";
import type { RoundResult } from "../run_round.ts";
import {
  modelDigest,
  readSavedRun,
  savedHandlerState,
  type SavedRanks,
  type SavedState,
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

  constructor(handler: ServerBackendHandler, options: RunRecordOptions) {
    this.#handler = handler;
    this.#options = options;
  }

  /** Set when all rounds of the run are completed. */
  get isOver(): boolean {
    return this.rounds.length >= this.#options.rounds;
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
      strategy: handler.strategyName,
      transport,
      worldSize,
      kernels: handler.kernels,
      rounds: [...this.rounds],
      ...(this.members.all.length > 0 && { members: this.members.all }),
      ...(this.final && { final: finalReport(this.final, clients, schema) }),
      modelDigest: await sha256Hex(handler.parameters),
      ...(schema && { schemaDigest: await schemaDigest(schema) }),
      seconds: this.#seconds,
    };
  }

  /**
   * Saves a checkpoint of the run, if the options have a store for it.
   *
   * @param ranks The ranks of the run.
   * @param further Further vectors to save, by name.
   * @param handlerState The handler's state. Default: its current one.
   * @returns The checkpoint's name, such as its file.
   */
  async save(
    { tokens, identities = [] }: SavedRanks,
    further: Readonly<Record<string, ParameterVector>> = {},
    handlerState: HandlerState = this.#handler.saveState(),
  ): Promise<string | undefined> {
    const { checkpoints, notes = {} } = this.#options;
    if (checkpoints === undefined) return undefined;
    const last = this.rounds.at(-1);
    const score = last?.accuracy ?? (last?.loss === undefined ? undefined : -last.loss);
    const { manifest, parameters, seed, strategyName } = this.#handler;
    const model = this.#model ??= await modelDigest(this.#handler);
    const { json, vectors, clients } = handlerState;
    const state: SavedState = {
      format: "fedlab.checkpoint/2",
      run: this.name,
      seed,
      strategy: strategyName,
      ...(model !== undefined && { model }),
      ...(this.#schema && { schema: this.#schema }),
      tokens,
      ...(identities.length > 0 && { identities }),
      ...(this.members.all.length > 0 && { members: this.members.all }),
      ...(this.final && { final: this.final }),
      seconds: this.#seconds,
      strategyState: json,
      clients,
      notes,
    };
    return await checkpoints.save({
      manifest,
      parameters,
      vectors: { ...vectors && withPrefix(vectors), ...further },
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
