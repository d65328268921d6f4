import { isRecord } from "../base/json.ts";
import { didYouMean } from "../base/did_you_mean.ts";

/** Field of an object that was parsed from JSON. */
export interface Field {
  /** Description of its values, for the error. */
  readonly expected: string;
  /** Returns true for a value that it may have. */
  readonly holds: (value: unknown) => boolean;
  /** Set if it may be absent. */
  readonly isOptional?: boolean;
}

/** Returns the field that may be absent. */
export function optional(field: Field): Field {
  return { ...field, isOptional: true };
}

/** Returns a field with one of some values. */
export function oneOf(values: readonly unknown[]): Field {
  return { expected: `one of ${values.join(", ")}`, holds: (value) => values.includes(value) };
}

/**
 * Returns a value that has the fields, and no others.
 *
 * @param what Name of the value for the error, such as `"the plan"`.
 * @throws {TypeError} If it is no object, or a field is missing, unknown or of another kind.
 */
export function readFields<Value extends object>(
  what: string,
  value: unknown,
  fields: Readonly<Record<string, Field>>,
): Value {
  if (!isRecord(value)) throw new TypeError(`expected ${what} to be an object`);
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(fields, name)) continue;
    throw new TypeError(
      `${what} has the field ${name}, which this version does not know${
        didYouMean(name, Object.keys(fields))
      }`,
    );
  }
  for (const [name, { expected, holds, isOptional = false }] of Object.entries(fields)) {
    const one = value[name];
    if (one === undefined ? isOptional : holds(one)) continue;
    throw new TypeError(
      `${what} needs ${expected} as ${name}, got ${
        one === undefined ? "nothing" : JSON.stringify(one)
      }`,
    );
  }
  return value as Value;
}
