import type { EvaluateResult } from "../train/handler.ts";
import type { ClientFigures } from "./distribution.ts";
import type { RoundReport } from "./report.ts";

/** What an evaluation came to: nothing where nobody evaluates. */
export interface Evaluated {
  readonly evaluation?: EvaluateResult | undefined;
  /** How the clients' figures are spread, where it is they that evaluate. */
  readonly clients?: ClientFigures | undefined;
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
