/** Converts a snake_case name of a key or a value, such as `channels_last`, to camelCase. */
export function toCamelCase(word: string): string {
  return word.replaceAll(/_+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Converts a camelCase key to snake_case. */
export function toSnakeCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * Returns the field with a camelCase key, or its snake_case form; `undefined` if missing or null.
 */
export function field(record: Record<string, unknown>, key: string): unknown {
  for (const name of [toSnakeCase(key), key]) {
    if (Object.hasOwn(record, name) && record[name] !== null) return record[name];
  }
  return undefined;
}
