import type { EvaluateResult } from "../plan/results.ts";
import type { ClientFigures } from "./distribution.ts";
import type { RoundReport } from "./report.ts";

/** What an evaluation came to: nothing where nobody evaluates. */
export interface Evaluated {
  readonly evaluation?: EvaluateResult | undefined;
  /**
   * Whether the loss is no finite number: the server's own, or that of more than half of the
   * clients that evaluate.
   */
  readonly isUnsound?: boolean;
  /** How the clients' figures are spread, where it is they that evaluate. */
  readonly clients?: ClientFigures | undefined;
}

/** Whether more than half of the losses are no finite numbers. */
export function isUnsound(results: readonly EvaluateResult[]): boolean {
  return results.filter(({ loss }) => !Number.isFinite(loss)).length > results.length / 2;
}

/** The figures of an evaluation in a round's report. */
export function figuresOf(
  { evaluation, clients }: Evaluated,
): Pick<RoundReport, "loss" | "accuracy" | "clients"> {
  const { loss, accuracy } = evaluation ?? {};
  return {
    ...(loss !== undefined && Number.isFinite(loss) && { loss }),
    ...(accuracy !== undefined && { accuracy }),
    ...(clients && { clients }),
  };
}
