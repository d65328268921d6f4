import { errorMessage } from "../base/errors.ts";
import { type Span, SpanStatusCode } from "./deps.ts";

/**
 * Ends a span, with the error that its work has ended with, if any.
 *
 * @param isTold Set if the error's message, which may have figures of data, is told.
 */
export function endSpan(span: Span, error: unknown, isTold = true): void {
  if (error !== undefined) {
    const message = isTold ? { message: errorMessage(error) } : {};
    span.setStatus({ code: SpanStatusCode.ERROR, ...message });
  }
  span.end();
}
