/** Returns true if an address is one of this transport, rather than of TCP. */
export function isWebSocketAddress(address: string): boolean {
  return /^wss?:\/\//i.test(address);
}

/** Reads `"ws://HOST:PORT/PATH"` or `wss:`. Throws a `SyntaxError` for anything else. */
export function parseWebSocketAddress(address: string): URL {
  if (!isWebSocketAddress(address) || !URL.canParse(address) || address.includes("#")) {
    throw new SyntaxError(
      `Cannot read the address: expected ws://HOST:PORT/PATH or wss://HOST:PORT/PATH, got ${
        JSON.stringify(address)
      }`,
    );
  }
  return new URL(address);
}
