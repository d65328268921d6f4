import type { Rank } from "../base/rank.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { TrainingExchange } from "./cohort/training_exchange.ts";
import { NonFiniteResultError } from "./handler/result_check.ts";
import type { SyncServerBackendHandler } from "./handler/sync_server_backend_handler.ts";
import { DEFAULT_ROUND_TRIES } from "./limits.ts";
import { evaluationFields, type EvaluationSummary } from "./report/evaluation_summary.ts";
import { type Openness, toldLosses } from "./report/private_events.ts";
import type { RoundReport } from "./report/report.ts";
import { RoundAttempts, type TrainedRound } from "./round_attempts.ts";
import type { RoundHost } from "./round_host.ts";

/** Result of a round. */
export interface RoundResult {
  readonly trained: TrainedRound;
  readonly evaluated: EvaluationSummary;
  /** Error of the evaluation, if it failed. The model is the round's all the same. */
  readonly failure?: unknown;
}

/**
 * Has a cohort train, makes the new model and evaluates it. A round with too few updates is tried
 * again with a new cohort. A round that one update spoils, by its size or by its effect on the
 * model, is tried again without that update.
 *
 * The model of a private round is saved before anything of it is told.
 *
 * @throws {DeadlineError} If the round has too few updates too often.
 * @throws {Error} If the model stays unusable, whichever update is left out, or the model of a
 * private round cannot be saved.
 */
export async function runRound(round: number, host: RoundHost): Promise<RoundResult> {
  const { handler, limits: { roundTries = DEFAULT_ROUND_TRIES } } = host;
  const attempts = new RoundAttempts(round, host);
  const isPrivate = handler.privacy !== undefined;
  // The model before the round is evaluated only when the new one turns out to be bad, and comes
  // back where that of a private round cannot be saved.
  let initial: ParameterVector | undefined;
  for (let spoiled = 0;; spoiled++) {
    const trained = await attempts.train();
    const { training } = trained;
    const isKept = handler.parametersBefore !== undefined;
    if (isPrivate || (host.lossBefore() === undefined && !isKept)) {
      initial ??= handler.parameters.slice();
    }
    const endFold = host.tracer?.begin({ name: "fold", round });
    try {
      handler.updateModel();
      endFold?.();
    } catch (error) {
      endFold?.(error);
      if (!(error instanceof NonFiniteResultError) || !handler.revertModel()) throw error;
      const problem = "the round's result is not finite";
      const suspect = spoiled < roundTries ? attempts.suspect(training, problem) : undefined;
      if (suspect === undefined) throw error;
      attempts.revoke(training, [suspect]);
      continue;
    }
    host.onModelUpdated(training);
    // Clients that have revealed shares do not so again: a round that is lost cannot be made anew.
    if (isPrivate || training.revealed.length > 0) {
      await host.saveRelease(trained).catch((error) => {
        // A model that is not in the account must not be told, by its digest either.
        if (initial) handler.parameters = initial;
        host.onModelReverted();
        throw error;
      });
    }
    let evaluated: EvaluationSummary;
    let isSpoiled: boolean;
    try {
      evaluated = await host.evaluate(training);
      // What a private round has released stays released.
      isSpoiled = !isPrivate && evaluated.isUnsound === true &&
        await wasSound(training, initial ?? handler.parametersBefore, host);
    } catch (failure) {
      return { trained, evaluated: {}, failure };
    }
    if (!isSpoiled || !handler.revertModel()) return { trained, evaluated };
    host.onModelReverted();
    const problem = "the round's model evaluates to no number";
    const suspect = spoiled < roundTries ? attempts.suspect(training, problem) : undefined;
    if (suspect === undefined) {
      throw new Error(`Cannot end round ${round}: ${problem}, whichever update is left out`);
    }
    attempts.revoke(training, [suspect]);
  }
}

/**
 * Returns `true` when the model before the round evaluates to a finite loss, so that the round's
 * updates are to blame if the new one does not.
 */
async function wasSound(
  training: TrainingExchange,
  initial: ParameterVector | undefined,
  { handler, evaluate, lossBefore }: RoundHost,
): Promise<boolean> {
  if (lossBefore() !== undefined) return Number.isFinite(lossBefore());
  if (initial === undefined) return false;
  const updated = handler.parameters.slice();
  handler.parameters = initial;
  try {
    return !(await evaluate(training)).isUnsound;
  } finally {
    handler.parameters = updated;
  }
}

/**
 * Chooses the ranks that evaluate after a round: those present that neither were silent in it nor
 * are paused.
 */
export function selectEvaluators(
  present: readonly Rank[],
  { collector }: TrainingExchange,
  handler: SyncServerBackendHandler,
): Rank[] {
  const paused = new Set(handler.paused(collector.round));
  return present.filter((rank) => collector.outcome(rank) !== "dropped" && !paused.has(rank));
}

/** Makes the report of a round. */
export function roundReport(
  round: number,
  { training: { collector, report }, ...tried }: TrainedRound,
  evaluated: EvaluationSummary,
  spent: Pick<RoundReport, "refused" | "bytesUp" | "bytesDown" | "bytesSpilled" | "seconds">,
  { privacy }: Openness,
): RoundReport {
  if (privacy) {
    // Figures of the clients' data would tell what the noise hides.
    const { tries, dropped, losses } = tried;
    const { isCohortSecret } = privacy;
    return {
      round,
      cohort: isCohortSecret ? [] : collector.cohort,
      received: isCohortSecret ? privacy.cohort : collector.count("received"),
      tries,
      dropped: isCohortSecret ? 0 : dropped,
      losses: isCohortSecret ? [] : toldLosses(losses, privacy),
      ...evaluationFields(evaluated),
      // Figures that follow from the size of a secret cohort are not given.
      ...(isCohortSecret ? { refused: 0, bytesUp: 0, bytesDown: 0, seconds: 0 } : spent),
    };
  }
  return {
    round,
    cohort: collector.cohort,
    received: collector.count("received"),
    ...tried,
    ...evaluationFields(evaluated),
    ...report,
    ...spent,
  };
}
