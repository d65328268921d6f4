import type { ClientTelemetry, RunTelemetry, TelemetryOptions } from "./telemetry.ts";

/** Name by which OpenTelemetry's API finds what exports its data. */
const PROVIDERS = Symbol.for("opentelemetry.js.api.1");

/** Reports whether data are exported: Deno was started with `OTEL_DENO=true`. */
export function isTelemetryOn(): boolean {
  return PROVIDERS in globalThis;
}

/**
 * Opens the telemetry of a server or a simulation, where data are exported. OpenTelemetry's API is
 * loaded only then.
 *
 * @example A server of your own
 * ```ts ignore
 * import { openTelemetry } from "@fedlab/core/telemetry";
 * import { ServerSyncTop } from "@fedlab/core";
 *
 * const telemetry = await openTelemetry({ run: "ward-7" });
 * const server = new ServerSyncTop(handler, {
 *   ...(telemetry && {
 *     tracer: telemetry.tracer,
 *     onEvent: (event) => telemetry.show(event),
 *   }),
 * });
 * ```
 *
 * @returns `undefined` where no data are exported.
 */
export async function openTelemetry(options: TelemetryOptions): Promise<RunTelemetry | undefined> {
  if (!isTelemetryOn()) return undefined;
  const { runTelemetry } = await import("./telemetry.ts");
  return runTelemetry(options);
}

/**
 * Opens the telemetry of a client, where data are exported.
 *
 * @returns `undefined` where no data are exported.
 */
export async function openClientTelemetry(): Promise<ClientTelemetry | undefined> {
  if (!isTelemetryOn()) return undefined;
  const { clientTelemetry } = await import("./telemetry.ts");
  return clientTelemetry();
}
