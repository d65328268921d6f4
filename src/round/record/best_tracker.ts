import type { ParameterVector } from "../../params/manifest.ts";
import type { BestRound, EarlyStop, RoundReport } from "../report/report.ts";
import { RunMonitor, type StoppingOptions } from "./run_monitor.ts";

/** Name of the vector of the best model in a checkpoint. */
const VECTOR = "best/parameters";

/** Model of the best round of a run. */
export interface BestModel extends BestRound {
  /** Parameters after that round, a copy. */
  readonly parameters: ParameterVector;
}

/** Best round of a run and, where that was asked for, its parameters. */
export class BestTracker {
  readonly #options: StoppingOptions;
  #monitor: RunMonitor;
  #kept: { readonly round: number; readonly parameters: ParameterVector } | undefined;

  constructor(options: StoppingOptions = {}) {
    this.#options = options;
    this.#monitor = new RunMonitor(options);
  }

  /** Best round so far. */
  get best(): BestRound | undefined {
    return this.#monitor.best;
  }

  /** Set if the run stops after the last round that was added. */
  get stopped(): EarlyStop | undefined {
    return this.#monitor.stopped;
  }

  /** Best model, where it is kept. */
  get model(): BestModel | undefined {
    const { best } = this, kept = this.#kept;
    return best && kept?.round === best.round
      ? { ...best, parameters: kept.parameters }
      : undefined;
  }

  /** Round and vector of the kept model, for a checkpoint. */
  get saved(): { readonly best?: number; readonly vectors: Record<string, ParameterVector> } {
    const kept = this.#kept;
    return kept ? { best: kept.round, vectors: { [VECTOR]: kept.parameters } } : { vectors: {} };
  }

  /** Returns the score of a round for the retention of checkpoints; higher is better. */
  scoreOf(report: RoundReport): number | undefined {
    const { loss, accuracy } = report;
    return this.#monitor.scoreOf(report) ?? accuracy ?? (loss === undefined ? undefined : -loss);
  }

  /**
   * Adds a round with its parameters.
   *
   * @throws {RangeError} If the round has no figure of the name to monitor.
   */
  add(report: RoundReport, parameters: ParameterVector): void {
    this.#monitor.add(report);
    if (!this.#options.keepBest || this.best?.round !== report.round) return;
    const copy = this.#kept?.parameters ?? new Float32Array(parameters.length);
    copy.set(parameters);
    this.#kept = { round: report.round, parameters: copy };
  }

  /** Starts anew after these rounds. The kept model stays, if there is one. */
  replay(rounds: readonly RoundReport[]): void {
    this.#monitor = new RunMonitor(this.#options);
    for (const round of rounds) this.#monitor.add(round);
  }

  /** Takes over the kept model of a checkpoint, or forgets the one there is. */
  restore(round?: number, vectors: Readonly<Record<string, ParameterVector>> = {}): void {
    const vector = vectors[VECTOR];
    this.#kept = this.#options.keepBest && round !== undefined && vector
      ? { round, parameters: vector.slice() }
      : undefined;
  }
}
