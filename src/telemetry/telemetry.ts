import type { LogOptions } from "../base/log/log.ts";
import type { Tracer } from "../base/tracer.ts";
import { VERSION } from "../base/version.ts";
import type { ServerEvent } from "../round/report/events.ts";
import { ClientSpans, type JoinedRun } from "./client_spans.ts";
import { metrics, trace } from "./deps.ts";
import { lineExporter } from "./log_lines.ts";
import { RunMetrics } from "./run_metrics.ts";
import { RunSpans } from "./run_spans.ts";

/** Name of the instrumentation. */
const SCOPE = "fedlab";

/** Options of the telemetry of a run. */
export interface TelemetryOptions {
  /** Name of the run. */
  readonly run: string;
  /** Name of the command, such as `"server"`. */
  readonly command?: string;
  /** Returns the ε that is spent. Called after each round. Default: there is no guarantee. */
  readonly epsilon?: () => number | undefined;
}

/** Telemetry of a server or a simulation. */
export interface RunTelemetry {
  /** Observer of the run's steps: the option `tracer`. */
  readonly tracer: Tracer;
  /** Exporter of log lines: the option `onLine` of a log; `undefined` where they are not. */
  readonly onLine: LogOptions["onLine"];
  /** Takes an event: the option `onEvent`. */
  show(event: ServerEvent): void;
}

/** Telemetry of a client. */
export interface ClientTelemetry {
  /** Observer of the client's steps: the option `tracer`. */
  readonly tracer: Tracer;
  /**
   * Exporter of log lines: the option `onLine` of a log. The lines of a closed run, and those from
   * before the client has joined, are not exported: they may have figures of its data.
   */
  readonly onLine: LogOptions["onLine"];
  /** Takes the event that the client has joined. */
  joined(run: JoinedRun): void;
}

/** Makes the telemetry of a server or a simulation. */
export function runTelemetry(
  { run, command, epsilon = () => undefined }: TelemetryOptions,
): RunTelemetry {
  const attributes = {
    "fedlab.run": run,
    ...(command !== undefined && { "fedlab.command": command }),
  };
  const spans = new RunSpans(trace.getTracer(SCOPE, VERSION), attributes);
  const figures = new RunMetrics(metrics.getMeter(SCOPE, VERSION), attributes, epsilon);
  return {
    tracer: spans,
    onLine: lineExporter(() => spans.current),
    show: (event) => {
      spans.show(event);
      figures.show(event);
    },
  };
}

/** Makes the telemetry of a client. */
export function clientTelemetry(): ClientTelemetry {
  const spans = new ClientSpans(
    trace.getTracer(SCOPE, VERSION),
    metrics.getMeter(SCOPE, VERSION),
  );
  return {
    tracer: spans,
    onLine: lineExporter(() => spans.isOpen ? spans.current : undefined),
    joined: (run) => spans.joined(run),
  };
}
