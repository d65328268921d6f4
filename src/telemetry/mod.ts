/**
 * Telemetry: traces, metrics and logs of runs by OpenTelemetry, which Deno exports.
 *
 * Without `OTEL_DENO=true` nothing is loaded, and nothing is observed.
 *
 * @module
 */

export { isTelemetryOn, openClientTelemetry, openTelemetry } from "./open.ts";
export type { ClientTelemetry, RunTelemetry, TelemetryOptions } from "./telemetry.ts";
export type { JoinedRun } from "./client_spans.ts";
export type { EndStep, Step, StepName, Tracer } from "../base/tracer.ts";
