export {
  type Attributes,
  type Context,
  context,
  type Meter,
  metrics,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  trace,
  type Tracer as SpanMaker,
} from "npm:@opentelemetry/api@1.9.0";
