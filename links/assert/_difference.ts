import { format } from "./_format.ts";

/** Unchanged lines shown around the ones that differ. */
const CONTEXT_LINES = 5;

/** The two values as text: what only `actual` has is marked `-`, what only `expected` has is marked `+`. */
export function difference(actual: unknown, expected: unknown): string {
  const left = format(actual).split("\n");
  const right = format(expected).split("\n");
  const head = commonLength(left, right);
  const tail = commonLength(left.slice(head).reverse(), right.slice(head).reverse());
  const before = left.slice(Math.max(0, head - CONTEXT_LINES), head);
  const after = left.slice(left.length - tail, left.length - tail + CONTEXT_LINES);
  return [
    "",
    "    - actual / + expected",
    ...firstDifference(actual, expected),
    "",
    ...before.map((line) => `    ${line}`),
    ...left.slice(head, left.length - tail).map((line) => `-   ${line}`),
    ...right.slice(head, right.length - tail).map((line) => `+   ${line}`),
    ...after.map((line) => `    ${line}`),
    "",
  ].join("\n");
}

function commonLength(a: string[], b: string[]): number {
  let length = 0;
  while (length < Math.min(a.length, b.length) && a[length] === b[length]) length++;
  return length;
}

/** Long arrays of numbers are cut in a message, so their first difference is named apart. */
function firstDifference(actual: unknown, expected: unknown): string[] {
  if (!isNumbers(actual) || !isNumbers(expected)) return [];
  if (actual.length !== expected.length) {
    return [`    lengths: ${actual.length} / ${expected.length}`];
  }
  for (let i = 0; i < actual.length; i++) {
    const a = actual[i];
    const b = expected[i];
    if (a !== b && !Object.is(a, b)) return [`    first at index ${i}: ${a} / ${b}`];
  }
  return [];
}

function isNumbers(value: unknown): value is ArrayLike<number | bigint> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}
