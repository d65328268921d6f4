/**
 * The message `EvaluateParams`.
 *
 * @module
 */

import type { ParameterVector } from "../../params/manifest.ts";
import { v } from "../../plan/deps.ts";
import { type MetricSums, metricSumsSchema } from "../../plan/metric_sums.ts";
import type { Metrics } from "../../plan/results.ts";
import { finiteNumber, metricsSchema, textLine, wholeNumber } from "../../plan/schemas.ts";
import { bytes, CODEC_LENGTH, round, trace, vector } from "./fields.ts";
import { messageType } from "./message_type.ts";

/**
 * Payload of `EvaluateParams`: the server sends `parameters` or their encoded form, the client
 * answers with figures.
 */
export interface EvaluateParamsPayload {
  /** The round whose parameters are evaluated. */
  readonly round: number;
  /** From the server: the parameters to evaluate. */
  readonly parameters?: ParameterVector;
  /** From the server, in place of `parameters`: name of the codec, with its settings. */
  readonly codec?: string;
  /** As in `CompressedUpdatePayload`. */
  readonly base?: number;
  /** Scales of the codes. */
  readonly scales?: ParameterVector;
  /** Codes of the values that training changes by gradient. */
  readonly codes?: Uint8Array<ArrayBuffer>;
  /** Values that are not encoded, in their order; absent if there are none. */
  readonly plain?: ParameterVector;
  /** From the server, as in `ParameterUpdatePayload`. */
  readonly taken?: number;
  /** From the server, as in `ParameterUpdatePayload`. */
  readonly trace?: string;
  /** From a client: number of samples the figures are over. */
  readonly numSamples?: number;
  /** From a client: mean loss. */
  readonly loss?: number;
  /** From a client: share of samples classified correctly. */
  readonly accuracy?: number;
  /** From a client: further figures. */
  readonly metrics?: Metrics;
  /** From a client: sums over its samples that metrics are derived from. */
  readonly sums?: MetricSums;
  /** From a client: `true` if these are the samples that it trains on. */
  readonly onTrainingRows?: boolean;
  /** From a client: `true` if it does not share its figures; there are none then. */
  readonly declined?: boolean;
}

/** Parameters to evaluate, and the figures in answer. */
export const evaluateParams = messageType(
  3,
  v.object({
    round,
    parameters: v.exactOptional(vector),
    codec: v.exactOptional(textLine(CODEC_LENGTH)),
    base: v.exactOptional(round),
    scales: v.exactOptional(vector),
    codes: v.exactOptional(bytes),
    plain: v.exactOptional(vector),
    taken: v.exactOptional(wholeNumber(0)),
    trace: v.exactOptional(trace),
    numSamples: v.exactOptional(wholeNumber(1)),
    loss: v.exactOptional(finiteNumber),
    accuracy: v.exactOptional(v.pipe(finiteNumber, v.minValue(0), v.maxValue(1))),
    metrics: v.exactOptional(metricsSchema),
    sums: v.exactOptional(metricSumsSchema),
    onTrainingRows: v.exactOptional(v.boolean()),
    declined: v.exactOptional(v.boolean()),
  }),
  { isBulk: true },
);
