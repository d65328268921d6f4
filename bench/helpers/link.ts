/** Properties of a {@linkcode Line}. */
export interface LineOptions {
  /** Rate in bits per second. */
  readonly bitsPerSecond: number;
  /** Time that each byte takes from one end to the other, in milliseconds. */
  readonly delayMillis: number;
  /** Bytes that may wait at the beginning of the line; a sender of more waits itself. */
  readonly queueBytes: number;
}

/** Bytes that are read and sent at a time. Connections that share a line take turns after them. */
const PACKET_BYTES = 16 * 1024;

/** One direction of a link: passes bytes on at a rate, after a delay. */
export class Line {
  readonly #bytesPerMilli: number;
  readonly #queueMillis: number;
  readonly #delayMillis: number;
  /** Time at which the last byte that was accepted leaves the queue. */
  #freeAt = 0;

  /** Bytes that may be on the line, and have not been taken by the other end. */
  readonly windowBytes: number;

  /** Creates an idle line. */
  constructor({ bitsPerSecond, delayMillis, queueBytes }: LineOptions) {
    this.#bytesPerMilli = bitsPerSecond / 8000;
    this.#queueMillis = queueBytes / this.#bytesPerMilli;
    this.#delayMillis = delayMillis;
    this.windowBytes = 2 * delayMillis * this.#bytesPerMilli + queueBytes;
  }

  /**
   * Accepts bytes, once there is room for them in the queue.
   *
   * @returns Time at which they arrive at the other end.
   */
  async accept(bytes: number): Promise<number> {
    const now = performance.now();
    this.#freeAt = Math.max(now, this.#freeAt) + bytes / this.#bytesPerMilli;
    const arrivesAt = this.#freeAt + this.#delayMillis;
    await sleep(this.#freeAt - now - this.#queueMillis);
    return arrivesAt;
  }
}

/** Link of two lines to a server, over which any number of connections go. */
export class Link implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: Deno.ConnectOptions;
  readonly #up: Line;
  readonly #down: Line;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;

  /** Listens at a free port of this machine, and connects to a port of it for each connection. */
  constructor(port: number, up: Line, down: Line) {
    this.#target = { hostname: "127.0.0.1", port };
    this.#up = up;
    this.#down = down;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  /** Address to connect to. */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Ends all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const joined: Promise<void>[] = [];
    try {
      for (;;) joined.push(this.#join(await this.#listener.accept()));
    } catch {
      await Promise.all(joined);
    }
  }

  async #join(near: Deno.TcpConn): Promise<void> {
    this.#open.add(near);
    let far: Deno.TcpConn | undefined;
    try {
      far = await Deno.connect(this.#target);
      this.#open.add(far);
      await Promise.all([pump(near, far, this.#up), pump(far, near, this.#down)]);
    } catch { /* one side is gone: so is the other */ }
    for (const connection of [near, far]) {
      if (connection === undefined) continue;
      close(connection);
      this.#open.delete(connection);
    }
  }
}

/** Passes all bytes of a connection on over a line. */
async function pump(from: Deno.TcpConn, to: Deno.TcpConn, line: Line): Promise<void> {
  let written: Promise<unknown> = Promise.resolve();
  let onTheWay = 0;
  try {
    for (;;) {
      // A receiver that does not read stops the sender.
      while (onTheWay > line.windowBytes) await written;
      const packet = new Uint8Array(PACKET_BYTES);
      const count = await from.read(packet);
      if (count === null) break;
      const arrivesAt = await line.accept(count);
      const before = written;
      onTheWay += count;
      written = (async () => {
        await before;
        await sleep(arrivesAt - performance.now());
        for (let at = 0; at < count;) at += await to.write(packet.subarray(at, count));
        onTheWay -= count;
      })();
      written.catch(() => close(from));
    }
    await written;
    await to.closeWrite();
  } catch {
    close(from);
    close(to);
  }
}

async function sleep(millis: number): Promise<void> {
  if (millis > 0) await new Promise((resolve) => setTimeout(resolve, millis));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch { /* it is closed */ }
}
