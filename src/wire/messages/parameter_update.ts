/**
 * The message `ParameterUpdate`.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { v } from "../../plan/deps.ts";
import type { Metrics } from "../../plan/results.ts";
import { finiteNumber, metricsSchema, wholeNumber } from "../../plan/schemas.ts";
import { type TrainSettings, trainSettingsSchema } from "../../plan/settings.ts";
import { round, trace, vector } from "./fields.ts";
import { messageType } from "./message_type.ts";

/** Payload of `ParameterUpdate`, both ways. */
export interface ParameterUpdatePayload {
  /** The round, from 1. */
  readonly round: number;
  /** From the server: settings for this round alone, in place of the assignment's. */
  readonly plan?: TrainSettings;
  /** From a client: number of samples it trained on. */
  readonly numSamples?: number;
  /** From a client: number of SGD steps. */
  readonly steps?: number;
  /** From a client: mean training loss of the last local epoch. */
  readonly loss?: number;
  /** From a client: further figures. */
  readonly metrics?: Metrics;
  /** The parameter vector. */
  readonly parameters: ParameterVector;
  /**
   * From the server, if the round's rule takes it: the control variate, laid out as the parameter
   * vector.
   */
  readonly control?: ParameterVector;
  /**
   * From the server, if the client keeps a vector: the round of the last update of this client that
   * is in the model; 0 for none.
   */
  readonly taken?: number;
  /**
   * From the server, if it makes traces: context of the round's trace, a `traceparent` of W3C Trace
   * Context.
   */
  readonly trace?: string;
}

/** Fields of parameters beside the vector, encoded or not. */
export const updateFields = {
  round,
  plan: v.exactOptional(trainSettingsSchema),
  numSamples: v.exactOptional(wholeNumber(1)),
  steps: v.exactOptional(wholeNumber(0)),
  loss: v.exactOptional(finiteNumber),
  metrics: v.exactOptional(metricsSchema),
  trace: v.exactOptional(trace),
};

/** Parameters: the server's to train on, or a client's after training. */
export const parameterUpdate = messageType(
  2,
  v.object({
    ...updateFields,
    parameters: vector,
    control: v.exactOptional(vector),
    taken: v.exactOptional(wholeNumber(0)),
  }),
  { isBulk: true },
);
