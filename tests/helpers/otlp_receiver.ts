/** A receiver of OpenTelemetry's protocol over HTTP, with JSON. */

type Value = string | number | boolean | undefined;

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, Value>>;
}

/** Span as it was received. */
export interface ReceivedSpan {
  readonly service: Value;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, Value>>;
  /** Time of its start and its end. */
  readonly from: bigint;
  readonly to: bigint;
}

/** Metric as it was received, of one set of attributes. */
export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, Value>>;
  /** Value, or the number of values of a histogram. */
  readonly value: number;
}

/** Log record as it was received. */
export interface ReceivedLog {
  readonly traceId: string;
  readonly severity: string;
  readonly text: string;
}

function attributesOf(attributes: readonly Attribute[]): Record<string, Value> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
  );
}

// deno-lint-ignore no-explicit-any -- the protocol's JSON
type Json = any;

/** Receives what processes export, on a port of its own. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  readonly metrics: ReceivedMetric[] = [];
  readonly logs: ReceivedLog[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      this.#take(await request.json());
      return Response.json({});
    },
  );

  /** Environment of a process that exports to it. */
  env(service: string): Record<string, string> {
    return otlpEnv(this.#server.addr.port, service);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #take(body: Json): void {
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      const { "service.name": service } = attributesOf(resource.attributes);
      for (const span of scopeSpans.flatMap(({ spans }: Json) => spans)) {
        const { name, traceId, spanId, parentSpanId } = span;
        const attributes = attributesOf(span.attributes);
        const [from, to] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
        this.spans.push({ service, name, traceId, spanId, parentSpanId, attributes, from, to });
      }
    }
    for (const { scopeMetrics } of body.resourceMetrics ?? []) {
      for (const metric of scopeMetrics.flatMap(({ metrics }: Json) => metrics)) {
        const { name, unit, sum, gauge, histogram } = metric;
        for (const point of (sum ?? gauge ?? histogram).dataPoints) {
          const value = Number(point.asDouble ?? point.asInt ?? point.count);
          this.metrics.push({ name, unit, attributes: attributesOf(point.attributes), value });
        }
      }
    }
    for (const { scopeLogs } of body.resourceLogs ?? []) {
      for (const record of scopeLogs.flatMap(({ logRecords }: Json) => logRecords)) {
        const { traceId, severityText: severity, body: { stringValue: text } } = record;
        this.logs.push({ traceId, severity, text: text.trimEnd() });
      }
    }
  }
}

/** Environment of a process that exports to a port of this machine. */
export function otlpEnv(port: number, service: string): Record<string, string> {
  return {
    OTEL_DENO: "true",
    OTEL_DENO_CONSOLE: "replace",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_SERVICE_NAME: service,
  };
}
