import type { Rank } from "../../base/rank.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import type { Bytes } from "../../secure/primitives.ts";
import type { RingVector } from "../../secure/quantize.ts";
import type { OpenSum } from "./open_sum.ts";
import type { SecureTerms } from "./terms.ts";

/** Stages of an attempt, in their order; there are votes where members sign. */
export type SecureStage = "keys" | "shares" | "masked" | "votes" | "reveal" | "done";

/** Options of a {@linkcode SecureTraining}. */
export interface SecureTrainingOptions {
  /** Name of the run. */
  readonly run: string;
  /** Number of the attempt, larger than that of any before it at the round. */
  readonly attempt: number;
  /** Terms of the run. */
  readonly terms: SecureTerms;
  /** Values that travel of the parameters that the cohort is sent. */
  readonly vector: ParameterVector;
  /** Encoding of what the cohort is told of the training. */
  readonly told: Bytes;
  /** Memory of the sum, zeros. Default: its own. */
  readonly into?: RingVector | undefined;
  /** Number of masked updates that end their stage. */
  readonly enough: number;
  /** Smallest number of masked updates with which the sum is unmasked. */
  readonly quorum: number;
  /** Sum that the attempt has already, whose members were asked for shares. */
  readonly reopened?: OpenSum | undefined;
  /** Returns the Ed25519 key of a client, 32 bytes, as it has proved it. */
  readonly publicKeyOf?: (rank: Rank) => Uint8Array<ArrayBuffer> | undefined;
}
