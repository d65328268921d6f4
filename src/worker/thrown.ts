import {
  ConnectionClosedError,
  DeadlineError,
  OvertakenError,
  ProtocolError,
  RunStoppedError,
} from "../base/errors.ts";
import { isDeno, runtime } from "../base/runtime/runtime.ts";

/**
 * Thrown value in a form that can be posted. A posted error itself would lose the name of its class
 * and its own fields, and could not be posted at all when one of them cannot be cloned.
 */
export type ThrownRecord =
  | { readonly kind: "value"; readonly value: unknown }
  | {
    readonly kind: "error";
    /** Name of the nearest class in {@linkcode CLASSES}. */
    readonly type: string;
    readonly name: string;
    readonly message: string;
    readonly stack: string | undefined;
    readonly cause: ThrownRecord | undefined;
    /** Errors of an `AggregateError`. */
    readonly errors: readonly ThrownRecord[] | undefined;
    /** Further fields of the error. */
    readonly fields: Readonly<Record<string, unknown>>;
  };

/** Fields of an error that are not among {@linkcode ThrownRecord}'s `fields`. */
const KNOWN_FIELDS = ["name", "message", "stack", "cause", "errors"];

type ErrorType = abstract new (...args: never[]) => Error;

/** Classes of the errors that {@linkcode reviveThrown} makes. */
const CLASSES: ReadonlyMap<string, ErrorType> = new Map<string, ErrorType>([
  AggregateError,
  DOMException,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  ConnectionClosedError,
  DeadlineError,
  ProtocolError,
  RunStoppedError,
  OvertakenError,
  ...(isDeno() ? Object.values(runtime.errors) : []),
].map((type) => [type.name, type]));

/** Records a thrown value. Never throws. */
export function recordThrown(thrown: unknown): ThrownRecord {
  return record(thrown, new Set());
}

function record(thrown: unknown, above: Set<unknown>): ThrownRecord {
  if (!(thrown instanceof Error)) return { kind: "value", value: cloneable(thrown) };
  const within = new Set(above).add(thrown);
  return {
    kind: "error",
    type: typeOf(thrown),
    name: String(thrown.name),
    message: String(thrown.message),
    stack: typeof thrown.stack === "string" ? thrown.stack : undefined,
    cause: thrown.cause === undefined || within.has(thrown.cause)
      ? undefined
      : record(thrown.cause, within),
    errors: thrown instanceof AggregateError
      ? thrown.errors.filter((error) => !within.has(error)).map((error) => record(error, within))
      : undefined,
    fields: fieldsOf(thrown),
  };
}

function typeOf(error: Error): string {
  for (let part = Object.getPrototypeOf(error); part !== null; part = Object.getPrototypeOf(part)) {
    for (const [name, type] of CLASSES) if (type.prototype === part) return name;
  }
  return Error.name;
}

function fieldsOf(error: Error): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(error)) {
    if (!KNOWN_FIELDS.includes(key) && isCloneable(value)) fields[key] = value;
  }
  return fields;
}

function cloneable(value: unknown): unknown {
  return isCloneable(value) ? value : isDeno() ? runtime.process.inspect(value) : String(value);
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes a recorded value again: an error with the nearest known class, and its name, message,
 * stack, cause and fields.
 */
export function reviveThrown(thrown: ThrownRecord): unknown {
  if (thrown.kind === "value") return thrown.value;
  const { type, name, message, stack, cause, errors, fields } = thrown;
  // A DOMException keeps its state where its prototype cannot set it: only its constructor can.
  const error = type === DOMException.name ? new DOMException(message, name) : new Error(message);
  const prototype = CLASSES.get(type)?.prototype;
  if (prototype !== undefined) Object.setPrototypeOf(error, prototype);
  if (error.name !== name) hide(error, "name", name);
  hide(error, "stack", stack);
  if (cause !== undefined) hide(error, "cause", reviveThrown(cause));
  if (errors !== undefined) hide(error, "errors", errors.map(reviveThrown));
  for (const [key, value] of Object.entries(fields)) {
    Object.defineProperty(error, key, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return error;
}

/**
 * Sets a field as an error's constructor does: not enumerable, so that it is not printed with the
 * error's data.
 */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true });
}
