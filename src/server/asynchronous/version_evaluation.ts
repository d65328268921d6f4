import type { ParameterVector } from "../../params/manifest.ts";
import type { EvaluationSummary } from "../../round/report/evaluation_summary.ts";
import type { ModelVersions } from "./model_versions.ts";

/** Evaluation of a version, which tells whether its updates have spoiled the model. */
export class VersionEvaluation {
  readonly #model: ModelVersions;
  /** Loss of the version before, if it was evaluated. */
  readonly #before: number | undefined;
  /** Parameters of the version before, if it was not. */
  readonly #initial: ParameterVector | undefined;

  /** Prepares the evaluation of a version before its first update is accepted. */
  constructor(model: ModelVersions, before: number | undefined) {
    this.#model = model;
    this.#before = before;
    // The model before is evaluated only if the version's updates may have spoiled it.
    this.#initial = before === undefined ? model.parameters : undefined;
  }

  /**
   * Evaluates the version.
   *
   * @param evaluate Evaluates the newest parameters.
   * @returns The figures, and whether the version must be taken back: it evaluates to no number,
   * and the version before does not.
   */
  async run(
    evaluate: () => Promise<EvaluationSummary>,
  ): Promise<{ evaluated: EvaluationSummary; isSpoilt: boolean }> {
    const evaluated = await evaluate();
    const isSpoilt = evaluated.isUnsound === true && await this.#wasSound(evaluate);
    return { evaluated, isSpoilt };
  }

  /** Reports whether the parameters before the version were sound. */
  async #wasSound(evaluate: () => Promise<EvaluationSummary>): Promise<boolean> {
    if (this.#initial === undefined) return Number.isFinite(this.#before);
    const made = this.#model.parameters;
    this.#model.parameters = this.#initial;
    try {
      return !(await evaluate()).isUnsound;
    } finally {
      this.#model.parameters = made;
    }
  }
}
