import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { Spans } from "./strategy.ts";

/** Finds the places of a vector that no gradient trains, such as moving statistics. */
export function untrainedSpans({ tensors }: Manifest): Spans {
  return tensors.filter(({ trainable }) => !trainable)
    .map(({ offset, length }) => [offset, offset + length]);
}

/** Finds the places of some spans that others, which are whole tensors too, do not have. */
export function spansWithout(spans: Spans, others: Spans): Spans {
  const starts = new Set(others.map(([from]) => from));
  return spans.filter(([from, to]) => from < to && !starts.has(from));
}

/** Changes a vector in place, except in the spans. */
export function sparing(spans: Spans = [], vector: ParameterVector, change: () => void): void {
  const spared = spans.map(([from, to]) => vector.slice(from, to));
  change();
  spans.forEach(([from], i) => vector.set(spared[i] ?? [], from));
}

/** Copies the values in the spans to the same places of another vector. */
export function copySpans(
  spans: Spans = [],
  vector: ParameterVector,
  into: ParameterVector,
): void {
  for (const [from, to] of spans) into.set(vector.subarray(from, to), from);
}
