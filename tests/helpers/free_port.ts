/**
 * Ports below those that systems give to outgoing connections (Linux: from 32768), of which
 * a program that starts later cannot be sure: any connection may get such a port meanwhile.
 */
const FIRST_PORT = 15_000, NUM_PORTS = 15_000;

/** Returns a port of this machine that nothing listens at, for a program that starts later. */
export function freePort(): number {
  for (let tries = 0; tries < 100; tries++) {
    const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
    const port = FIRST_PORT + random % NUM_PORTS;
    try {
      using _ = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("Cannot find a free port: each of 100 is in use");
}
