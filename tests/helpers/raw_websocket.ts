const UPGRADE = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: fedlab.v1",
];

/**
 * The lines of a request that is upgraded, with others in their place or besides; `undefined`
 * leaves one out.
 */
export function requestOf(
  path: string,
  headers: Record<string, string | undefined> = {},
  first = `GET ${path} HTTP/1.1`,
): string {
  const all: Record<string, string | undefined> = { Host: "127.0.0.1" };
  for (const line of UPGRADE) all[line.split(": ")[0] ?? ""] = line.split(": ")[1];
  const lines = Object.entries({ ...all, ...headers }).filter(([, value]) => value !== undefined);
  return [first, ...lines.map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
}

/** A frame as a client sends it. */
export interface RawFrame {
  opcode: number;
  payload?: Uint8Array;
  isFinal?: boolean;
  reserved?: number;
  isMasked?: boolean;
  /** Length that the head says, and in how many bytes. */
  length?: number;
  lengthBytes?: 0 | 2 | 8;
}

/** The bytes of a frame, by RFC 6455, section 5.2. */
export function frameBytes(frame: RawFrame): Uint8Array<ArrayBuffer> {
  const { opcode, payload = new Uint8Array(), isFinal = true, reserved = 0, isMasked = true } =
    frame;
  const length = frame.length ?? payload.length;
  const lengthBytes = frame.lengthBytes ?? (length < 126 ? 0 : length <= 0xffff ? 2 : 8);
  const key = isMasked ? [0x12, 0xfe, 0x80, 0x07] : [];
  const bytes = new Uint8Array(2 + lengthBytes + key.length + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = (isFinal ? 0x80 : 0) | (reserved << 4) | opcode;
  bytes[1] = (isMasked ? 0x80 : 0) |
    (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) view.setUint16(2, length);
  if (lengthBytes === 8) view.setBigUint64(2, BigInt(length));
  bytes.set(key, 2 + lengthBytes);
  payload.forEach((byte, i) => bytes[2 + lengthBytes + key.length + i] = byte ^ (key[i % 4] ?? 0));
  return bytes;
}

/** A client that speaks WebSocket by hand, over TCP. */
export class RawPeer implements Disposable {
  readonly connection: Deno.TcpConn;
  #ahead = new Uint8Array();

  private constructor(connection: Deno.TcpConn) {
    this.connection = connection;
  }

  /** Connects to the server of that URL, and says nothing. */
  static async connect(address: string): Promise<RawPeer> {
    const { hostname, port } = new URL(address);
    return new RawPeer(await Deno.connect({ hostname, port: Number(port) }));
  }

  /** Connects and has the connection upgraded. */
  static async open(address: string): Promise<RawPeer> {
    const peer = await RawPeer.connect(address);
    await peer.send(requestOf(new URL(address).pathname));
    const answer = await peer.head();
    if (!answer.startsWith("HTTP/1.1 101 ")) throw new Error(`The server answers ${answer}`);
    return peer;
  }

  async send(bytes: string | Uint8Array): Promise<void> {
    let rest = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
    while (rest.length > 0) rest = rest.subarray(await this.connection.write(rest));
  }

  frame(frame: RawFrame): Promise<void> {
    return this.send(frameBytes(frame));
  }

  /** The head of the server's answer. */
  async head(): Promise<string> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#ahead);
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#ahead = this.#ahead.slice(end + 4);
        return text.slice(0, end);
      }
      if (!await this.#more()) throw new Error(`The server closed after ${JSON.stringify(text)}`);
    }
  }

  /** The server's next frame; `undefined` when it has closed the connection. */
  async next(): Promise<{ opcode: number; payload: Uint8Array } | undefined> {
    for (;;) {
      const [first = 0, short = 0] = this.#ahead;
      const extra = short < 126 ? 0 : short === 126 ? 2 : 8;
      if (this.#ahead.length >= 2 + extra) {
        const view = new DataView(this.#ahead.buffer);
        const length = extra === 0
          ? short
          : extra === 2
          ? view.getUint16(2)
          : Number(view.getBigUint64(2));
        if (this.#ahead.length >= 2 + extra + length) {
          const payload = this.#ahead.slice(2 + extra, 2 + extra + length);
          this.#ahead = this.#ahead.slice(2 + extra + length);
          return { opcode: first & 0x0f, payload };
        }
      }
      if (!await this.#more()) return undefined;
    }
  }

  /** The status that the server closes with, whatever it says before. */
  async closeCode(): Promise<number | undefined> {
    for (let frame = await this.next(); frame !== undefined; frame = await this.next()) {
      if (frame.opcode === 8 && frame.payload.length >= 2) {
        return new DataView(frame.payload.buffer).getUint16(0);
      }
    }
    return undefined;
  }

  /** Resolves when the server has closed the connection, whatever it says before. */
  async closed(): Promise<void> {
    while (await this.#more());
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }

  async #more(): Promise<boolean> {
    const piece = new Uint8Array(64 * 1024);
    const got = await this.connection.read(piece).catch((error) => {
      if (error instanceof Deno.errors.ConnectionReset) return null;
      throw error;
    });
    if (got === null) return false;
    const ahead = new Uint8Array(this.#ahead.length + got);
    ahead.set(this.#ahead);
    ahead.set(piece.subarray(0, got), this.#ahead.length);
    this.#ahead = ahead;
    return true;
  }
}
