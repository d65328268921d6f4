const LINE = 64;

/** Writes bytes in PEM. */
export function toPem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

/**
 * Reads the first block with that label.
 *
 * @throws {SyntaxError} If there is none. The message shows nothing of the text.
 */
export function fromPem(label: string, text: string): Uint8Array<ArrayBuffer> {
  const block = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`);
  const inside = block.exec(text)?.[1];
  try {
    if (inside !== undefined) return Uint8Array.fromBase64(inside);
  } catch { /* the message is the same */ }
  throw new SyntaxError(`expected a block "${label}" in PEM, got none that can be read`);
}
