// The fastest sizes from 64 KiB to whole messages, tried with 1 MB and 100 MB over loopback.
const WRITE_BYTES = 768 * 1024;
const READ_BYTES = 256 * 1024;

/** Writes all the bytes to a socket. */
export async function writeAll(socket: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += await socket.write(bytes.subarray(at, at + WRITE_BYTES));
  }
}

/** Fills the buffer from a socket; returns false when the other end has closed it. */
export async function readAll(socket: Deno.Conn, into: Uint8Array): Promise<boolean> {
  for (let at = 0; at < into.length;) {
    const count = await socket.read(into.subarray(at, at + READ_BYTES));
    if (count === null) return false;
    at += count;
  }
  return true;
}
