import { sha256Hex } from "../params/digest.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { EvaluateResult } from "../plan/results.ts";
import type { SavedSeats } from "../server/sessions/seats.ts";
import type { Checkpoint, Checkpoints } from "../store/checkpoint/checkpoints.ts";
import type { Evaluated } from "./evaluated.ts";
import type { HandlerState, ServerBackendHandler } from "./handler.ts";
import { Members } from "./members.ts";
import { finalOf, type RoundReport, type RunReport } from "./report.ts";
import { handlerStateOf, readSavedRun, type SavedState, withPrefix } from "./saved_run.ts";
import type { MadeRound, TrainedRound } from "./train_round.ts";

/** What a record is of. */
export interface RecordOptions {
  /** Name of the transport. */
  readonly transport: string;
  readonly worldSize: number;
  readonly rounds: number;
  /** Where the run is kept. */
  readonly checkpoints?: Checkpoints | undefined;
  /** What to go on from. */
  readonly resume?: Checkpoint | undefined;
  readonly notes?: Readonly<Record<string, unknown>> | undefined;
}

/** What a run has come to so far: what its report tells and its checkpoints keep. */
export class RunRecord {
  /** The run's name. */
  name = "";
  /** The rounds that are over. */
  rounds: RoundReport[] = [];
  /** The evaluation of the handler's parameters as they are. */
  final: EvaluateResult | undefined;
  /** The clients. */
  readonly members = new Members();
  readonly #handler: ServerBackendHandler;
  readonly #options: RecordOptions;
  #began = performance.now();

  constructor(handler: ServerBackendHandler, options: RecordOptions) {
    this.#handler = handler;
    this.#options = options;
  }

  /** Whether all of the run's rounds are over. */
  get isOver(): boolean {
    return this.rounds.length >= this.#options.rounds;
  }

  /**
   * Begins a run, or goes on with the one of the checkpoint in the options, whose parameters the
   * handler takes; gives that one's seats.
   */
  async begin(): Promise<SavedSeats | undefined> {
    const { resume } = this.#options;
    const saved = resume && await readSavedRun(resume, this.#handler);
    if (resume && saved) {
      this.#handler.parameters = resume.parameters;
      this.#handler.restoreState(handlerStateOf(resume, saved));
    }
    this.name = saved?.run ?? crypto.randomUUID();
    this.rounds = [...saved?.rounds ?? []];
    // Older checkpoints have one of an older model too.
    this.final = this.rounds.at(-1)?.loss === undefined ? undefined : saved?.final;
    this.#began = performance.now() - (saved?.seconds ?? 0) * 1000;
    this.members.restore(saved?.members);
    if (saved === undefined) return undefined;
    // A smaller group has no seats for the rest.
    const isIn = ([rank]: readonly [number, string]) => rank < this.#options.worldSize;
    const { tokens, identities = [] } = saved;
    return { tokens: tokens.filter(isIn), identities: identities.filter(isIn) };
  }

  /**
   * Makes a round, and ends it by what came of it: also where its evaluation fails, as the model is
   * the round's all the same.
   */
  async endRound(
    make: () => Promise<MadeRound>,
    end: (trained: TrainedRound, evaluated: Evaluated) => void,
  ): Promise<void> {
    const { trained, evaluated, failure } = await make();
    this.final = evaluated.evaluation;
    end(trained, evaluated);
    if (failure !== undefined) throw failure;
  }

  /** What there is to report. */
  async report(): Promise<RunReport> {
    const handler = this.#handler, { transport, worldSize } = this.#options;
    return {
      schema: "fedlab.run/1",
      seed: handler.seed,
      strategy: handler.strategyName,
      transport,
      worldSize,
      kernels: handler.kernels,
      rounds: [...this.rounds],
      ...(this.members.all.length > 0 && { members: this.members.all }),
      ...(this.final && { final: finalOf(this.final, this.rounds.at(-1)?.clients) }),
      modelDigest: await sha256Hex(handler.parameters),
      seconds: this.#seconds,
    };
  }

  /**
   * Keeps the run as it stands, with further vectors by name, where that was asked for; gives the file. `handlerState` is what the handler kept, if that is
   * not what it has now.
   */
  async keep(
    { tokens, identities = [] }: SavedSeats,
    further: Readonly<Record<string, ParameterVector>> = {},
    handlerState: HandlerState = this.#handler.saveState(),
  ): Promise<string | undefined> {
    const { checkpoints, notes = {} } = this.#options;
    if (checkpoints === undefined) return undefined;
    const last = this.rounds.at(-1);
    const score = last?.accuracy ?? (last?.loss === undefined ? undefined : -last.loss);
    const { manifest, parameters, seed, strategyName } = this.#handler;
    const { json, vectors, clients } = handlerState;
    const state: SavedState = {
      format: "fedlab.checkpoint/2",
      run: this.name,
      seed,
      strategy: strategyName,
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

  /** Wall time of the run so far. */
  get #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }
}
