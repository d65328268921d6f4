/** Elements of an array that a failure message shows at most. */
const MAX_SHOWN_ELEMENTS = 1000;

/** The value as text over several lines, keys sorted, so that two values can be compared line by line. */
export function format(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: MAX_SHOWN_ELEMENTS,
    strAbbreviateSize: Infinity,
    getters: true,
  });
}

/** How every message ends: with the caller's own words, or a period. */
export function suffix(msg: string | undefined): string {
  return msg ? `: ${msg}` : ".";
}
