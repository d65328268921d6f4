/** Descriptions of alerts (RFC 8446, section 6.2). */
const UNEXPECTED_MESSAGE = 10, HANDSHAKE_FAILURE = 40, DECODE_ERROR = 50;

/**
 * The alert, unencrypted, for a peer whose first words the TLS library refused with this message:
 * `node:tls` closes without one.
 */
export function alertFor(message: string): Uint8Array<ArrayBuffer> {
  let description = HANDSHAKE_FAILURE;
  if (message.includes("corrupt message")) description = DECODE_ERROR;
  else if (message.includes("unexpected message")) description = UNEXPECTED_MESSAGE;
  // Of TLS 1.2, 2 bytes long, fatal.
  return Uint8Array.of(0x15, 3, 3, 0, 2, 2, description);
}
