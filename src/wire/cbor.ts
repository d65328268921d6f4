import { lazy } from "../base/lazy.ts";
import type { Encoder } from "./deps.ts";

/** Longest text that is written without cbor-x. */
const SHORT_TEXT = 64;

let encoder: Encoder | undefined;

/**
 * Loads cbor-x, which encodes nested maps and long texts. It takes some 10 ms, since it loads the
 * buffers of Node: a client registers before.
 */
export const loadEncoder: () => Promise<void> = lazy(async () => {
  const { Encoder } = await import("./deps.ts");
  encoder = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false });
});

/** Returns `true` for a payload that cannot be encoded before {@linkcode loadEncoder}. */
export function needsEncoder(payload: object): boolean {
  if (encoder !== undefined) return false;
  return Object.values(payload).some((value) =>
    value !== undefined && !ArrayBuffer.isView(value) && !isPlain(value)
  );
}

/** Returns `true` for a value that is written without cbor-x, such as a list of short texts. */
export function isPlain(value: unknown): boolean {
  if (typeof value === "string") return isShortText(value);
  if (Array.isArray(value)) return value.every(isPlain);
  return typeof value === "number" || typeof value === "boolean" || value === null;
}

/** Returns `true` for a text of few characters, all in ASCII. */
export function isShortText(text: string): boolean {
  if (text.length > SHORT_TEXT) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

/**
 * Encodes one data item of CBOR.
 *
 * @throws {Error} If {@linkcode loadEncoder} was not awaited before.
 */
export function encodeItem(value: unknown): Uint8Array {
  if (encoder === undefined) throw new Error("Cannot encode a nested value: cbor-x is not loaded");
  return encoder.encode(value);
}
