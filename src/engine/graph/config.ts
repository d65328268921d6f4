import { field, toCamelCase, toSnakeCase } from "../../train/models/keras_config.ts";
import { UnsupportedModelError } from "./graph.ts";

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/**
 * Configuration of a layer. Keys are given in camelCase. Error messages are one line that names the
 * layer.
 */
export class Config {
  /** Name of the layer. */
  readonly name: string;
  /** Class of the layer. */
  readonly className: string;
  readonly #fields: Record<string, unknown>;

  /** Wraps the fields of a layer's configuration. */
  constructor(className: string, name: string, fields: Record<string, unknown>) {
    this.className = className;
    this.name = name;
    this.#fields = fields;
  }

  /** Returns the keys that have a value. */
  keys(): string[] {
    return Object.keys(this.#fields).filter((key) => this.#fields[key] != null).map(toCamelCase);
  }

  /** Returns the raw value; `undefined` if there is none. */
  get(key: string): unknown {
    return field(this.#fields, key);
  }

  /** Returns true if a key is there and has no value. */
  isNull(key: string): boolean {
    return Object.entries(this.#fields).some(([own, value]) =>
      value === null && toCamelCase(own) === key
    );
  }

  /** Returns the configuration with another value of a key. */
  with(key: string, value: unknown): Config {
    const others = Object.entries(this.#fields).filter(([other]) => toCamelCase(other) !== key);
    return new Config(this.className, this.name, { ...Object.fromEntries(others), [key]: value });
  }

  /** Creates a `TypeError` for a malformed description. */
  malformed(reason: string): TypeError {
    return new TypeError(`Cannot read the model: layer ${JSON.stringify(this.name)}: ${reason}`);
  }

  /** Creates an `UnsupportedModelError` for a description that the engine does not run. */
  unsupported(reason: string): UnsupportedModelError {
    return new UnsupportedModelError(
      `Layer ${JSON.stringify(this.name)} (${this.className}): ${reason}`,
    );
  }

  #wrong(key: string, expected: string): TypeError {
    return this.malformed(
      `expected ${toSnakeCase(key)} to be ${expected}, got ${show(this.get(key))}`,
    );
  }

  /**
   * Returns a finite number, or the fallback.
   *
   * @throws {TypeError} If the value is no finite number, or missing without a fallback.
   */
  number(key: string, fallback?: number): number {
    const value = this.get(key) ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.#wrong(key, "a number");
    return value;
  }

  /** Returns an integer from 1, or the fallback. */
  count(key: string, fallback?: number): number {
    const value = this.get(key) ?? fallback;
    if (!isCount(value)) throw this.#wrong(key, "a whole number from 1");
    return value;
  }

  /** Returns two integers from 1, given as a pair or as one number for both. */
  pair(key: string, fallback?: readonly [number, number]): readonly [number, number] {
    const value = this.get(key) ?? fallback;
    const [first, second, ...more] = Array.isArray(value) ? value : [value, value];
    if (!isCount(first) || !isCount(second) || more.length > 0) {
      throw this.#wrong(key, "one or two whole numbers from 1");
    }
    return [first, second];
  }

  /** Returns a boolean, or the fallback. */
  boolean(key: string, fallback: boolean): boolean {
    const value = this.get(key) ?? fallback;
    if (typeof value !== "boolean") throw this.#wrong(key, "true or false");
    return value;
  }

  /** Returns a string in camelCase, or the fallback. */
  word(key: string, fallback?: string): string {
    const value = this.get(key) ?? fallback;
    if (typeof value !== "string") throw this.#wrong(key, "a string");
    return toCamelCase(value);
  }

  /**
   * Checks that an option is missing or has one of the supported values.
   *
   * @throws {UnsupportedModelError} If it has another value.
   */
  only(key: string, ...harmless: readonly unknown[]): void {
    const value = this.get(key);
    const plain = typeof value === "string" ? toCamelCase(value) : value;
    if (value !== undefined && !harmless.includes(plain)) {
      throw this.unsupported(`${toSnakeCase(key)} ${show(value)} has no kernel`);
    }
  }
}

/** Returns true if a value is an integer from 1. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}

/**
 * Refuses options that any layer may have and the engine does not support.
 *
 * @throws {UnsupportedModelError} If there is one.
 */
export function checkCommon(config: Config): void {
  for (const key of config.keys()) {
    if (/(Regularizer|Constraint)$/.test(key)) throw config.unsupported(`${key} has no kernel`);
  }
  config.only("weights");
  if (config.className === "InputLayer") config.only("dtype", "float32", "int32");
  else config.only("dtype", "float32");
}
