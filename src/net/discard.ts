import type { Channel } from "./transport.ts";

/** Buffer of discarded bytes, shared by all reads. */
let bin: Uint8Array<ArrayBuffer> | undefined;
const BIN_BYTES = 64 * 1024;

/**
 * Reads and discards bytes until the other side closes or more than `most` bytes have arrived.
 * Rejects as the channel does.
 */
export async function discard(channel: Channel, most = Infinity): Promise<void> {
  bin ??= new Uint8Array(BIN_BYTES);
  for (let left = most; left > 0;) {
    const got = await channel.read(bin);
    if (got === null) return;
    left -= got;
  }
}
