import net from "node:net";
import { parseAddress } from "../../src/net/mod.ts";
import { isWebSocketAddress } from "../../src/net/websocket/address.ts";
import { type Bytes, concat } from "./frames.ts";
import type { Target } from "./target.ts";

const MOST_REPLY_BYTES = 256 * 1024;

/** Host and port of an address. */
export function placeOf(address: string): { hostname: string; port: number } {
  if (!isWebSocketAddress(address)) return parseAddress(address);
  const { hostname, port } = new URL(address);
  return { hostname, port: Number(port) };
}

/** A connection that is closed when the case's time is over. */
export async function open({ address, signal }: Target): Promise<Deno.TcpConn> {
  signal.throwIfAborted();
  const socket = await Deno.connect({ ...placeOf(address), signal });
  signal.addEventListener("abort", () => close(socket), { once: true });
  return socket;
}

export function close(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch { /* it is closed already */ }
}

/** Whether an error says that the other side has gone. */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.ConnectionAborted;
}

export async function writeAll(socket: Deno.TcpConn, bytes: Bytes): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}

/**
 * Sends the pieces, one write each, and gives what the server says until it closes; with `until`,
 * until that is so of what it has said.
 */
export async function exchange(
  target: Target,
  pieces: readonly Bytes[],
  until?: (heard: Bytes) => boolean,
): Promise<Bytes> {
  const socket = await open(target);
  const heard: Uint8Array[] = [];
  let length = 0;
  try {
    const writing = (async () => {
      for (const piece of pieces) await writeAll(socket, piece);
      if (until === undefined) await socket.closeWrite();
    })();
    writing.catch(() => {});
    const buffer = new Uint8Array(16 * 1024);
    for (;;) {
      const count = await socket.read(buffer);
      if (count === null) break;
      length += count;
      if (length <= MOST_REPLY_BYTES) heard.push(buffer.slice(0, count));
      if (until?.(concat(...heard))) break;
    }
    await writing;
  } catch (error) {
    // The server need not hear a broken frame to its end.
    if (!isGone(error) && !target.signal.aborted) throw error;
  } finally {
    close(socket);
  }
  return concat(...heard);
}

/** Sends the bytes and is gone at once, by a reset. */
export function reset({ address, signal }: Target, bytes: Bytes): Promise<readonly string[]> {
  const { hostname, port } = placeOf(address);
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  const socket = net.connect(port, hostname, () => {
    socket.write(bytes, () => socket.resetAndDestroy());
  });
  socket.on("error", () => {});
  socket.on("close", () => resolve(["reset"]));
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  return promise;
}

/** Resolves after so long. */
export async function pause(millis: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, millis);
  await promise;
}

/** Connects, says nothing for so long, and goes. */
export async function silent(target: Target, millis: number): Promise<readonly string[]> {
  const socket = await open(target);
  await pause(millis);
  close(socket);
  return [];
}

/** Sends one byte after the other, and goes. */
export async function trickle(target: Target, bytes: Bytes): Promise<readonly string[]> {
  const socket = await open(target);
  try {
    for (const byte of bytes) {
      await writeAll(socket, Uint8Array.of(byte));
      await pause(5);
    }
  } catch (error) {
    if (!isGone(error)) throw error;
  } finally {
    close(socket);
  }
  return [];
}

/**
 * Opens so many connections that say nothing, holds all of them for a while, and drops them; gives
 * how many the server took.
 */
export async function holdOpen(address: string, count: number, millis: number): Promise<number> {
  const sockets: Deno.TcpConn[] = [];
  try {
    for (let i = 0; i < count; i++) {
      try {
        sockets.push(await Deno.connect(placeOf(address)));
      } catch (error) {
        if (error instanceof Deno.errors.ConnectionRefused) break;
        if (!isGone(error)) throw error;
      }
    }
    await pause(millis);
    return sockets.length;
  } finally {
    for (const socket of sockets) close(socket);
  }
}
