import { type Context, ROOT_CONTEXT, type Span, trace } from "./deps.ts";

/** Form of a trace context: version, trace, span and flags. */
const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * Writes the context of a span as a `traceparent` of W3C Trace Context, 55 characters; `undefined`
 * for a span that is not recorded.
 */
export function traceparentOf(span: Span): string | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext();
  if (!span.isRecording()) return undefined;
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}

/**
 * Reads a `traceparent` as the context of spans that belong to it. A text of another form gives the
 * root context, as the standard says: a peer's mistake must not spoil what is traced here.
 */
export function contextOf(traceparent: string | undefined): Context {
  const [, traceId = "", spanId = "", flags = ""] = FORM.exec(traceparent ?? "") ?? [];
  const spanContext = { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true };
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, spanContext);
}
