import { concat } from "../base/bytes.ts";
import { label, text, u32 } from "./encoding.ts";
import type { Bytes } from "./primitives.ts";

/**
 * Encodes a value of JSON's types so that equal values have equal bytes, in any language: a letter
 * for the type, then the content. Numbers are float64; fields are sorted by UTF-16, and those that
 * are `undefined` count as absent.
 *
 * @throws {TypeError} If there is a value of another type.
 */
export function canonicalBytes(value: unknown): Bytes {
  switch (typeof value) {
    case "boolean":
      return label(value ? "t" : "f");
    case "number": {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setFloat64(0, value, true);
      return concat([label("d"), bytes]);
    }
    case "string":
      return concat([label("s"), text(value)]);
    case "object":
      break;
    default:
      throw new TypeError(`Cannot encode the settings: expected JSON, got a ${typeof value}`);
  }
  if (value === null) return label("n");
  if (Array.isArray(value)) {
    return concat([label("a"), u32(value.length), ...value.map(canonicalBytes)]);
  }
  const fields = Object.entries(value).filter(([, content]) => content !== undefined)
    .sort(([a], [b]) => a < b ? -1 : 1);
  const parts = fields.flatMap(([name, content]) => [text(name), canonicalBytes(content)]);
  return concat([label("o"), u32(fields.length), ...parts]);
}
