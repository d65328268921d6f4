/**
 * What a run says of itself at the end.
 *
 * @module
 */

import type { Rank } from "../net/process_group.ts";
import type { EvaluateResult } from "../train/handler.ts";

/** One round, as it went. */
export interface RoundReport {
  /** The round, from 1. */
  readonly round: number;
  /** Ranks that were chosen; of an asynchronous run, ranks whose updates went in. */
  readonly cohort: readonly Rank[];
  /** Number of updates that went into the new parameters. */
  readonly received: number;
  /** Number of the cohort that did not answer. */
  readonly dropped: number;
  /** Number of updates that were refused: late, second, or not sound. */
  readonly refused: number;
  /** How often the round was tried. */
  readonly tries: number;
  /** Why, for each of the cohort that did not answer or was refused. */
  readonly losses: readonly { readonly rank: Rank; readonly reason: string }[];
  /** Loss after the round; absent when nobody evaluates. */
  readonly loss?: number;
  /** Accuracy after the round, 0 to 1; absent when nobody evaluates or the model does not classify. */
  readonly accuracy?: number;
  /** Mean of the clients' training losses, by samples. */
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
  /** Evaluation of the final parameters; absent when nobody evaluates. */
  readonly final?: { readonly loss: number; readonly accuracy?: number; readonly samples: number };
  /** SHA-256 of the final vector's bytes, in hexadecimal. */
  readonly modelDigest: string;
  /** Wall time of the run. */
  readonly seconds: number;
}

/** An evaluation in the words of the report. */
export function finalOf(
  { loss, accuracy, numSamples }: EvaluateResult,
): NonNullable<RunReport["final"]> {
  return { loss, ...(accuracy !== undefined && { accuracy }), samples: numSamples };
}
