import type { Channel } from "./transport.ts";

/** Nobody looks at what is in it, so that all may read into it at once. */
let bin: Uint8Array<ArrayBuffer> | undefined;
const BIN_BYTES = 64 * 1024;

/** Reads what still comes and throws it away, until the other side closes or more than `most` bytes have come. Rejects as the channel does. */
export async function discard(channel: Channel, most = Infinity): Promise<void> {
  bin ??= new Uint8Array(BIN_BYTES);
  for (let left = most; left > 0;) {
    const got = await channel.read(bin);
    if (got === null) return;
    left -= got;
  }
}
