import { DeadlineError } from "../errors.ts";
import type { Rank } from "../net/process_group.ts";
import { type Evaluated, figuresOf } from "./_evaluated.ts";
import { Training } from "./_exchange.ts";
import { Missing } from "./_missing.ts";
import type { ServerEvent } from "./events.ts";
import type { ParameterServerBackendHandler } from "./handler.ts";
import type { RoundReport } from "./report.ts";
import { DEFAULT_QUORUM, DEFAULT_ROUND_TRIES } from "./topology.ts";

/** Whose round it is, and how a cohort is had to train. */
export interface RoundParts {
  readonly handler: ParameterServerBackendHandler;
  /** Number of clients of the group. */
  readonly numClients: number;
  /** How many rounds there are, which share of a cohort has to answer, and how often a round is tried. */
  readonly limits: {
    readonly rounds: number;
    readonly quorum?: number | undefined;
    readonly roundTries?: number | undefined;
  };
  /** The ranks that are there, at least one. */
  available(): Promise<readonly Rank[]>;
  /** Has the cohort train, until each of its ranks has been settled. */
  attempt(training: Training): Promise<void>;
  tell(event: ServerEvent): void;
  warn(text: string): void;
}

/** What a round's training came to. */
export type TrainedRound =
  & { readonly training: Training }
  & Pick<RoundReport, "tries" | "dropped" | "losses" | "lossesOmitted">;

/** Has a cohort train, and a fresh one again while too few have answered. Throws a `DeadlineError` when it was tried often enough. */
export async function trainRound(round: number, parts: RoundParts): Promise<TrainedRound> {
  const { handler, numClients, limits } = parts;
  const { rounds, quorum: share = DEFAULT_QUORUM, roundTries = DEFAULT_ROUND_TRIES } = limits;
  const missing = new Missing();
  for (let tries = 1;; tries++) {
    const cohort = handler.selectClients(round, await parts.available(), numClients, tries - 1);
    parts.tell({ type: "round-started", round, rounds, cohort });
    handler.beginRound(round, numClients);
    const enough = Math.min(cohort.length, handler.updatesWanted(numClients));
    const training = new Training(round, cohort, handler.staging.size, enough);
    await parts.attempt(training);
    const { intake } = training;
    for (const { rank } of intake.losses) handler.onDrop(rank, round);
    missing.add(intake);
    const received = intake.count("received");
    const quorum = Math.max(1, Math.ceil(enough * share));
    if (received >= quorum) return { training, tries, ...missing.report };
    const trouble =
      `Round ${round} has ${received} of ${enough} updates, below the quorum of ${quorum}`;
    if (tries === roundTries) {
      const [loss] = intake.losses;
      throw new DeadlineError(
        `${trouble}, after ${tries} tries${loss ? `: rank ${loss.rank}: ${loss.reason}` : ""}`,
      );
    }
    parts.warn(`${trouble}: trying again`);
    parts.tell({ type: "round-retried", round, received, quorum });
  }
}

/** What the round's report says. */
export function roundReport(
  round: number,
  { training: { intake, trainLoss }, ...tried }: TrainedRound,
  evaluated: Evaluated,
  spent: Pick<RoundReport, "refused" | "bytesUp" | "bytesDown" | "seconds">,
): RoundReport {
  return {
    round,
    cohort: intake.cohort,
    received: intake.count("received"),
    ...tried,
    ...figuresOf(evaluated),
    ...(trainLoss !== undefined && { trainLoss }),
    ...spent,
  };
}
