const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Bytes up to which ASCII is decoded here: a call of a decoder costs more. */
const SHORT = 48;

/**
 * Decodes a field in UTF-8.
 *
 * @throws {TypeError} If the bytes are not UTF-8.
 */
export function decodeField(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > SHORT) return STRICT.decode(bytes.subarray(start, end));
  let text = "";
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte > 0x7F) return STRICT.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
