/** Most bytes of a text that is kept. */
const MOST_KEPT_BYTES = 32;
/** Number of places for texts that are kept; a power of two. */
const PLACES = 256;
/** Most bytes of a text that is read here, byte by byte. */
const SHORT_BYTES = 64;

// The constants of the hash function FNV-1a.
const FNV_BASIS = 0x811C9DC5, FNV_PRIME = 0x01000193;

/**
 * Reader of texts. It keeps short ones, one for each place of a table, because the keys of messages
 * come again and again.
 */
export class TextReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #kept: string[] = new Array(PLACES).fill("");

  /** Reads the text from `start` to `end`; `undefined` if it is not UTF-8. */
  read(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): string | undefined {
    if (end - start > SHORT_BYTES) return this.#decode(bytes.subarray(start, end));
    let hash = FNV_BASIS;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] ?? 0;
      if (byte >= 0x80) return this.#decode(bytes.subarray(start, end));
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
    const place = (hash ^ hash >>> 16) & PLACES - 1;
    const kept = this.#kept[place] ?? "";
    if (isSame(kept, bytes, start, end)) return kept;
    const text = String.fromCharCode(...bytes.subarray(start, end));
    if (text.length <= MOST_KEPT_BYTES) this.#kept[place] = text;
    return text;
  }

  #decode(bytes: Uint8Array<ArrayBuffer>): string | undefined {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      return undefined;
    }
  }
}

function isSame(
  text: string,
  bytes: Uint8Array<ArrayBuffer>,
  start: number,
  end: number,
): boolean {
  if (text.length !== end - start) return false;
  for (let i = start; i < end; i++) if (text.charCodeAt(i - start) !== bytes[i]) return false;
  return true;
}
