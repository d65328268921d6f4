import { connect, type Socket } from "node:net";

/** The beginning of a frame's prefix. */
const FRAME_BEGINNING = new TextEncoder().encode("FLab");

/** How many strangers come at once. */
const AT_ONCE = 100;
const FRAGMENT_BYTES = 64 * 1024;

/**
 * What strangers do to a server: the first of these to one that speaks TCP, the others to one that
 * speaks WebSocket.
 */
export const ATTACKS = {
  "half frames": (socket: Socket) => {
    socket.write(FRAME_BEGINNING);
    return Promise.resolve();
  },
  "half TLS handshakes": (socket: Socket) => {
    socket.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3));
    return Promise.resolve();
  },
  "half requests": (socket: Socket, { pathname }: URL) => {
    socket.write(`GET ${pathname} HTTP/1.1\r\nHo`);
    return Promise.resolve();
  },
  "endless fragments": async (socket: Socket, url: URL, most: number) => {
    await upgrade(socket, url);
    await fragments(socket, FRAGMENT_BYTES, most);
  },
  "empty fragments": async (socket: Socket, url: URL, most: number) => {
    await upgrade(socket, url);
    await fragments(socket, 0, most);
  },
  "large frames": async (socket: Socket, url: URL, most: number) => {
    await upgrade(socket, url);
    await write(socket, frameHead(0x02, 60_000_000));
    const piece = new Uint8Array(FRAGMENT_BYTES);
    // All but the end of it.
    for (let at = piece.length; at < Math.min(60_000_000, most); at += piece.length) {
      await write(socket, piece);
    }
  },
};

/** Name of an attack. */
export type Attack = keyof typeof ATTACKS;

/**
 * Most bytes that one stranger sends, and all of them together: a server that keeps them is to be
 * measured, not the machine filled.
 */
const MOST_BYTES = 100_000_000, MOST_BYTES_IN_ALL = 1_000_000_000;

/** Strangers that a server bears at once, and how long it has to close the others. */
const UNREGISTERED = 256, PATIENCE_MILLIS = 15_000;

/**
 * Lets so many strangers come, a hundred at once; each stays until the server closes it or all have
 * come. Returns how many it closed meanwhile.
 */
export async function attack(
  url: URL,
  { kind, count, held, addresses }: {
    kind: Attack;
    count: number;
    held: number;
    addresses: number;
  },
): Promise<number> {
  const open = new Set<Socket>();
  const most = Math.min(MOST_BYTES, MOST_BYTES_IN_ALL / count);
  let closed = 0, next = 0;
  const one = async () => {
    while (next < count) {
      const localAddress = `127.0.0.${2 + next++ % addresses}`;
      const socket = connect({ host: url.hostname, port: Number(url.port), localAddress });
      // What is not read tells of no end either.
      socket.resume();
      open.add(socket);
      const over = new Promise<void>((resolve) => {
        socket.on("error", () => socket.destroy());
        socket.on("end", () => socket.destroy());
        socket.on("close", () => {
          open.delete(socket);
          closed++;
          resolve();
        });
      });
      await Promise.race([over, ATTACKS[kind](socket, url, most).catch(() => {})]);
      // Where the server closes nothing, the strangers' own descriptors are the limit.
      while (open.size > held) await Promise.race([over, new Promise((r) => setTimeout(r, 10))]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, one));
  // The server has not accepted all of them yet.
  const patience = performance.now() + PATIENCE_MILLIS;
  while (open.size > UNREGISTERED && performance.now() < patience) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const result = closed;
  for (const socket of open) socket.destroy();
  return result;
}

async function upgrade(socket: Socket, { pathname, host }: URL): Promise<void> {
  const lines = [
    `GET ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: fedlab.v1",
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await new Promise((resolve) => socket.once("data", resolve));
}

async function fragments(socket: Socket, bytes: number, most: number): Promise<void> {
  const payload = new Uint8Array(bytes);
  const batch = Buffer.concat(
    Array.from(
      { length: bytes === 0 ? 5000 : 1 },
      () => Buffer.concat([frameHead(0, bytes), payload]),
    ),
  );
  await write(socket, frameHead(0x02, 0));
  for (let sent = 0; sent < most && socket.writable; sent += batch.length) {
    await write(socket, batch);
  }
}

/** A frame that is not the last of its message; its mask is zeros. */
function frameHead(opcode: number, length: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(14));
  head.setUint8(0, opcode);
  head.setUint8(1, 0x80 | 127);
  head.setBigUint64(2, BigInt(length));
  if (length > 0xffff) return new Uint8Array(head.buffer);
  head.setUint8(1, 0x80 | (length < 126 ? length : 126));
  if (length >= 126) head.setUint16(2, length);
  head.setUint32(length < 126 ? 2 : 4, 0);
  return new Uint8Array(head.buffer, 0, length < 126 ? 6 : 8);
}

async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.write(bytes, (error) => error ? reject(error) : resolve());
  });
}
