/**
 * The message `GradientUpdate`.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { v } from "../../plan/deps.ts";
import type { Metrics } from "../../plan/results.ts";
import { finiteNumber, metricsSchema, wholeNumber } from "../../plan/schemas.ts";
import { round, vector } from "./fields.ts";
import { messageType } from "./message_type.ts";

/**
 * Payload of `GradientUpdate`, client to server, in answer to parameters whose plan has the rule
 * `gradient`.
 */
export interface GradientUpdatePayload {
  /** The round, from 1. */
  readonly round: number;
  /** Number of samples that the gradient is the mean over. */
  readonly numSamples: number;
  /** Mean loss over the samples. */
  readonly loss?: number;
  /** Further figures. */
  readonly metrics?: Metrics;
  /** The gradient, laid out as the parameter vector; 0 where nothing is trained. */
  readonly gradient: ParameterVector;
}

/** Gradient of a client. */
export const gradientUpdate = messageType(
  1,
  v.object({
    round,
    numSamples: wholeNumber(1),
    loss: v.exactOptional(finiteNumber),
    metrics: v.exactOptional(metricsSchema),
    gradient: vector,
  }),
  { isBulk: true },
);
