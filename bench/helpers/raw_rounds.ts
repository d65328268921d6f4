import { withProcess } from "./process.ts";
import { readAll, writeAll } from "./raw.ts";

/** Bytes of a message besides its vector. */
const FIELD_BYTES = 100;

/** Returns the bytes of a message with a vector. */
export function messageBytes(values: number): number {
  return values * Float32Array.BYTES_PER_ELEMENT + FIELD_BYTES;
}

/**
 * Moves the bytes of rounds over raw sockets: a buffer to each client, all at once, and one back.
 * The clients share a process.
 *
 * @returns Milliseconds of each round but the first fifth.
 */
export async function rawRounds(
  { clients, values, rounds, signal }: {
    readonly clients: number;
    readonly values: number;
    readonly rounds: number;
    readonly signal: AbortSignal;
  },
): Promise<number[]> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const module = new URL("../processes/raw_clients.ts", import.meta.url);
  const args = [(listener.addr as Deno.NetAddr).port, clients, values];
  return await withProcess(module, args, { signal }, async ({ signal }) => {
    const sockets: Deno.TcpConn[] = [];
    try {
      while (sockets.length < clients) {
        const socket = await listener.accept();
        socket.setNoDelay(true);
        sockets.push(socket);
      }
      const sent = new Uint8Array(messageBytes(values)).fill(1);
      const received = sockets.map(() => new Uint8Array(sent.length));
      const times: number[] = [];
      for (let round = 0; round < rounds; round++) {
        signal.throwIfAborted();
        const began = performance.now();
        await Promise.all(sockets.map(async (socket, i) => {
          await writeAll(socket, sent);
          await readAll(socket, received[i] ?? sent);
        }));
        times.push(performance.now() - began);
      }
      return times.slice(Math.floor(rounds / 5));
    } finally {
      for (const socket of sockets) socket.close();
    }
  });
}
