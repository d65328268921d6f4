/** Returns the SHA-256 digest of the bytes, as 64 hexadecimal digits. */
export async function sha256Hex(bytes: ArrayBufferView<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
