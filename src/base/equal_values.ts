/**
 * Reports whether two values have the same content: numbers and texts, bytes, and lists and objects
 * of them. Fields that are `undefined` count as absent, and the order of fields has no meaning.
 */
export function equalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const fields = new Map(fieldsOf(a)), others = fieldsOf(b);
  return fields.size === others.length &&
    others.every(([name, value]) => fields.has(name) && equalValues(fields.get(name), value));
}

function fieldsOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, content]) => content !== undefined);
}
