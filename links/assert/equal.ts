/**
 * Whether two values are equal, deeply: same prototype, same keys, equal values. `NaN` equals itself, `0` equals `-0`, and
 * values that contain themselves are followed once around.
 *
 * Throws a `TypeError` for a `WeakMap` or `WeakSet`, whose contents cannot be seen.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

/** Pairs that are being compared further up: meeting one again means a cycle. */
type Seen = Map<object, Set<object>>;

function compare(a: unknown, b: unknown, seen: Seen): boolean {
  if (same(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (a instanceof Date && b instanceof Date) return Object.is(a.getTime(), b.getTime());
  if (!samePrototype(a, b)) return false;
  if (isElements(a)) return sameElements(a, b as ArrayLike<unknown>);
  if (isBuffer(a)) return sameElements(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  if (a instanceof WeakMap) throw new TypeError("Cannot compare WeakMap instances");
  if (a instanceof WeakSet) throw new TypeError("Cannot compare WeakSet instances");
  if (a instanceof WeakRef) return compare(a.deref(), (b as WeakRef<WeakKey>).deref(), seen);
  if (Object.keys(a).length !== Object.keys(b).length) return false;
  const partners = seen.get(a) ?? new Set();
  if (partners.has(b)) return true;
  seen.set(a, partners.add(b));
  const result = sameContents(a, b, seen);
  partners.delete(b);
  return result;
}

function sameContents(a: object, b: object, seen: Seen): boolean {
  if (a instanceof Set) return sameSet(a, b as Set<unknown>, seen);
  if (a instanceof Map) return sameMap(a, b as Map<unknown, unknown>, seen);
  if (comparableAsText(a)) return String(a) === String(b);
  return sameProperties(a, b, seen);
}

function same(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}

/** An object without a prototype counts as a plain one. */
function samePrototype(a: object, b: object): boolean {
  const prototypeOf = (value: object) => Object.getPrototypeOf(value) ?? Object.prototype;
  return prototypeOf(a) === prototypeOf(b);
}

function isElements(value: object): value is ArrayLike<unknown> & object {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isBuffer(value: object): value is ArrayBuffer | SharedArrayBuffer {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

function sameElements(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  }
  return true;
}

function sameSet(a: Set<unknown>, b: Set<unknown>, seen: Seen): boolean {
  if (a.size !== b.size) return false;
  const unmatched = new Set(b);
  return a.values().every((value) => {
    if (unmatched.delete(value)) return true;
    if (typeof value !== "object") return false;
    const twin = unmatched.values().find((other) => compare(value, other, seen));
    return twin !== undefined && unmatched.delete(twin);
  });
}

function sameMap(a: Map<unknown, unknown>, b: Map<unknown, unknown>, seen: Seen): boolean {
  if (a.size !== b.size) return false;
  return a.entries().every(([key, value]) => {
    if (b.has(key) && compare(value, b.get(key), seen)) return true;
    if (typeof key !== "object") return false;
    return b.entries().some(([otherKey, other]) =>
      compare(key, otherKey, seen) && compare(value, other, seen)
    );
  });
}

/** Objects whose state lies in internal slots and is told whole by their text. */
function comparableAsText(value: object): boolean {
  return [RegExp, URL, URLSearchParams, Intl.Locale].some((type) =>
    Object.getPrototypeOf(value) === type.prototype
  );
}

function sameProperties(a: object, b: object, seen: Seen): boolean {
  for (const key of new Set([...keysOf(a), ...keysOf(b)])) {
    if (key in a !== key in b) return false;
    if (!compare(Reflect.get(a, key), Reflect.get(b, key), seen)) return false;
  }
  return true;
}

/** Own enumerable keys of plain objects and arrays; of a class's instance all keys, its accessors too. */
function keysOf(value: object): (string | symbol)[] {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype || prototype === Array.prototype) {
    return Reflect.ownKeys({ ...value });
  }
  const keys: (string | symbol)[] = [];
  let part: object | null = value;
  while (part !== null && part !== Object.prototype && part !== Array.prototype) {
    keys.push(...Reflect.ownKeys(part));
    part = Object.getPrototypeOf(part);
  }
  return keys;
}
