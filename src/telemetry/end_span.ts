import { errorMessage } from "../base/errors.ts";
import { type Span, SpanStatusCode } from "./deps.ts";

/** Ends a span, with the error that its work has ended with, if any. */
export function endSpan(span: Span, error: unknown): void {
  if (error !== undefined) {
    span.setStatus({ code: SpanStatusCode.ERROR, message: errorMessage(error) });
  }
  span.end();
}
