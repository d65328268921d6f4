import type { Rank } from "../base/rank.ts";
import type { Intake, Outcome } from "./intake.ts";
import { lossesOf } from "./reason.ts";
import type { RoundReport } from "./report.ts";

/** Who was missing in a round, over all its tries. */
export class Missing {
  readonly #last = new Map<Rank, { outcome: Outcome | undefined; reason: string }>();

  /** Takes in how a try went: what a rank's last try came to counts. */
  add(intake: Intake): void {
    for (const rank of intake.cohort) this.#last.delete(rank);
    for (const { rank, reason } of intake.losses) {
      this.#last.set(rank, { outcome: intake.outcome(rank), reason });
    }
  }

  /** What the round's report says of it. */
  get report(): Pick<RoundReport, "dropped" | "losses" | "lossesOmitted"> {
    const ranks = [...this.#last].sort(([a], [b]) => a - b);
    return {
      dropped: ranks.filter(([, { outcome }]) => outcome === "dropped").length,
      ...lossesOf(ranks.map(([rank, { reason }]) => ({ rank, reason }))),
    };
  }
}
