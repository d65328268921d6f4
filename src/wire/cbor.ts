import { lazy } from "../base/lazy.ts";
import type { Encoder } from "./deps.ts";

/** Longest text that is written without cbor-x. */
export const SHORT_TEXT = 64;

let encoder: Encoder | undefined;

/**
 * Loads cbor-x, which encodes nested values and long texts. It takes some 10 ms, since it loads the
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
    typeof value === "string"
      ? !isShortText(value)
      : typeof value === "object" && value !== null && !(value instanceof Float32Array)
  );
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
