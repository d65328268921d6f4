import { assertEquals } from "./equals.ts";

/** Asserts that `actual` has at least what `expected` has, deeply; what else it has does not matter. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(pick(actual, expected, new Map()), pick(expected, expected, new Map()), msg);
}

/** What was picked already, so that values that contain themselves end. */
type Seen = Map<object, { pattern: object; part: unknown }>;

/** The part of `value` that `pattern` speaks of, in plain objects, so that classes do not matter. */
function pick(value: unknown, pattern: unknown, seen: Seen): unknown {
  if (!isObject(value) || !isObject(pattern)) return value;
  const known = seen.get(value);
  if (known?.pattern === pattern) return known.part;
  if (Array.isArray(value) && Array.isArray(pattern)) {
    const items: unknown[] = [];
    seen.set(value, { pattern, part: items });
    for (let i = 0; i < Math.min(value.length, pattern.length); i++) {
      items.push(pick(value[i], pattern[i], seen));
    }
    return items;
  }
  if (value instanceof Map && pattern instanceof Map) {
    const entries = new Map<unknown, unknown>();
    seen.set(value, { pattern, part: entries });
    for (const [key, entry] of value) {
      if (pattern.has(key)) entries.set(key, pick(entry, pattern.get(key), seen));
    }
    return entries;
  }
  if (value instanceof Set && pattern instanceof Set) return value.intersection(pattern);
  if (!isPlain(value)) return value;
  const fields: Record<PropertyKey, unknown> = {};
  seen.set(value, { pattern, part: fields });
  for (const key of Reflect.ownKeys(value)) {
    if (Object.hasOwn(pattern, key)) {
      fields[key] = pick(Reflect.get(value, key), Reflect.get(pattern, key), seen);
    }
  }
  return fields;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether the value is told by its fields, and not by a state behind them. */
function isPlain(value: object): boolean {
  return !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer) &&
    !(value instanceof RegExp) && !(value instanceof Date);
}
