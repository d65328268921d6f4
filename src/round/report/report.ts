/**
 * What a run says of itself at the end.
 *
 * @module
 */

import type { Rank } from "../../base/rank.ts";
import type { EvaluateResult } from "../../plan/results.ts";
import type { ClientFigures } from "./distribution.ts";

/** One round, as it went. */
export interface RoundReport {
  /** The round, from 1. */
  readonly round: number;
  /** Ranks that were chosen; of an asynchronous run, ranks whose updates went in. */
  readonly cohort: readonly Rank[];
  /** Number of updates that went into the new parameters. */
  readonly received: number;
  /** Number of those chosen, in any try, that did not answer. */
  readonly dropped: number;
  /** Number of updates that were refused: late, second, or not sound. */
  readonly refused: number;
  /** How often the round was tried. */
  readonly tries: number;
  /**
   * Why, for each of those chosen, in any try, that did not answer or was refused: what its last
   * try came to, in at most 200 characters. Of more than 100 of them the first.
   */
  readonly losses: readonly { readonly rank: Rank; readonly reason: string }[];
  /** The ranks of the others, without their reasons; absent where there are none. */
  readonly lossesOmitted?: readonly Rank[];
  /** Loss after the round; absent when nobody evaluates, or it is not finite. */
  readonly loss?: number;
  /** Accuracy after the round, 0 to 1; absent when nobody evaluates or the model does not classify. */
  readonly accuracy?: number;
  /** What the clients' own evaluations after the round came to; absent when they do not evaluate. */
  readonly clients?: ClientFigures;
  /** Ranks that were there and left out, since they had missed rounds or were refused: the first hundred. Absent for none. */
  readonly paused?: readonly Rank[];
  /** Updates that went in although their change was far larger than the others', since the strategy is robust: whose, and how large. Absent for none. */
  readonly outliers?: readonly { readonly rank: Rank; readonly reason: string }[];
  /** Mean of the clients' training losses, by samples: of those that tell one. */
  readonly trainLoss?: number;
  /**
   * Of an asynchronous run, where a round is a version of the model and its cohort those whose updates went into it in their order: of each
   * update, the number of versions made since its client began.
   */
  readonly staleness?: readonly number[];
  /** Bytes from clients to the server. */
  readonly bytesUp: number;
  /** Bytes from the server to clients. */
  readonly bytesDown: number;
  /** Wall time of the round. */
  readonly seconds: number;
}

/** The evaluation of a run's final parameters. */
export interface FinalReport {
  /** Mean loss over the samples; absent when it is not finite. */
  readonly loss?: number;
  /** Accuracy, 0 to 1; absent when the model does not classify. */
  readonly accuracy?: number;
  /** Number of the samples. */
  readonly samples: number;
  /** How often a sample of each true class, a row, was taken for each class, a column; absent when the clients evaluate. */
  readonly confusion?: readonly (readonly number[])[];
  /** Accuracy on the samples of each class; `null` for a class without samples. */
  readonly perClass?: readonly (number | null)[];
  /** What the clients' own evaluations came to; absent when they do not evaluate. */
  readonly clients?: ClientFigures;
}

/** A client of a run: a rank, and who had it. */
export interface MemberReport {
  /** The rank. */
  readonly rank: Rank;
  /**
   * Who it has proven to be: its key's fingerprint (`"SHA256:…"`), `"token"`, or `"open"` where
   * nobody was asked.
   */
  readonly identity: string;
  /** The name of its key on the server's list. */
  readonly name?: string;
  /** Where it last came from, such as `"tcp 10.0.0.7:5123"`. */
  readonly address?: string;
  /** Number of its training samples, as it last said. */
  readonly samples: number;
  /** Number of its updates that went into the model. */
  readonly received: number;
  /** Number of its messages that were refused without an end to its part in the run. */
  readonly refused: number;
  /** Number of rounds that went on without it, of those that it was chosen for. */
  readonly dropped: number;
}

/** A run: the machine-readable report. */
export interface RunReport {
  /** Name and version of this format. */
  readonly schema: "fedlab.run/1";
  /** The run's seed. */
  readonly seed: number;
  /** Name of the strategy. */
  readonly strategy: string;
  /** Name of the transport. */
  readonly transport: string;
  /** Size of the group, the server included. */
  readonly worldSize: number;
  /** Build of the WASM kernels: the two may differ by rounding. */
  readonly kernels: string;
  /** The rounds, in order. */
  readonly rounds: readonly RoundReport[];
  /** The clients that have had a rank, by rank; absent where nobody joins, as in a simulation. */
  readonly members?: readonly MemberReport[];
  /** Evaluation of the final parameters; absent when nobody has evaluated them, as in a run that was stopped between two evaluations. */
  readonly final?: FinalReport;
  /** SHA-256 of the final vector's bytes, in hexadecimal. */
  readonly modelDigest: string;
  /** Wall time of the run. */
  readonly seconds: number;
}

/** Makes the report of the evaluation after the last round. */
export function finalReport(
  { loss, accuracy, numSamples, confusion }: EvaluateResult,
  clients?: ClientFigures,
): FinalReport {
  return {
    ...(Number.isFinite(loss) && { loss }),
    ...(accuracy !== undefined && { accuracy }),
    samples: numSamples,
    ...(confusion && { confusion, perClass: confusion.map(shareOfRight) }),
    ...(clients && { clients }),
  };
}

/** The share of a class's samples that were taken for it. */
function shareOfRight(row: readonly number[], label: number): number | null {
  const total = row.reduce((sum, count) => sum + count, 0);
  return total === 0 ? null : (row[label] ?? 0) / total;
}
