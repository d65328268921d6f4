/** A TCP proxy between a client and a server, which a test can cut, slow down and hold up. */
export class Proxy implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #accepting: Promise<void>;
  readonly #pumps = new Set<Promise<void>>();
  #isShut = false;
  #cuts = 0;
  /** Milliseconds that each piece of at most 64 KiB is held back: a slow line. */
  delayMillis = 0;
  /** Bytes after which all is cut. */
  #cutAfter: number | undefined;
  /** Makes a function that is told what goes to the server on a new connection. */
  watch: (() => (bytes: Uint8Array) => void) | undefined;
  /** While it is set, nothing goes through though all stays open: a half-open connection. */
  #held: Promise<void> | undefined;

  /** Forwards to a port of this machine. */
  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept();
  }

  /** Where to connect. */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Number of connections that are open, in pairs. */
  get connections(): number {
    return this.#open.size / 2;
  }

  /**
   * Ends every connection at once, in the middle of whatever was going through, and those that are
   * being made.
   */
  cut(): void {
    this.#cuts++;
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  /**
   * Ends every connection once so many more bytes have gone through, from 1: inside a frame, if
   * that is longer.
   */
  cutAfter(bytes: number): void {
    this.#cutAfter = bytes;
  }

  /** While it is shut, new connections are ended at once. */
  set isShut(isShut: boolean) {
    this.#isShut = isShut;
    if (isShut) this.cut();
  }

  /** Holds everything up until the promise resolves. */
  hold(until: Promise<void>): void {
    this.#held = until.finally(() => this.#held = undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#accepting;
    await Promise.all(this.#pumps);
  }

  async #accept(): Promise<void> {
    for (;;) {
      let near: Deno.TcpConn;
      try {
        near = await this.#listener.accept();
      } catch {
        return;
      }
      if (this.#isShut) {
        near.close();
        continue;
      }
      const pump = this.#join(near).finally(() => this.#pumps.delete(pump));
      this.#pumps.add(pump);
    }
  }

  async #join(near: Deno.TcpConn): Promise<void> {
    const cuts = this.#cuts;
    let far: Deno.TcpConn;
    try {
      far = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    } catch {
      return close(near);
    }
    if (this.#cuts !== cuts) {
      close(near);
      return close(far);
    }
    this.#open.add(near).add(far);
    await Promise.all([this.#pump(near, far, this.watch?.()), this.#pump(far, near)]);
    for (const connection of [near, far]) {
      this.#open.delete(connection);
      close(connection);
    }
  }

  async #pump(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    seen?: (bytes: Uint8Array) => void,
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (this.delayMillis > 0) {
          await new Promise((resolve) => setTimeout(resolve, this.delayMillis));
        }
        await this.#held;
        if (count === null) return await to.closeWrite();
        const most = Math.min(count, this.#cutAfter ?? count);
        const isLast = most === this.#cutAfter;
        if (isLast) this.#cutAfter = undefined;
        else if (this.#cutAfter !== undefined) this.#cutAfter -= most;
        seen?.(buffer.subarray(0, most));
        for (let at = 0; at < most;) at += await to.write(buffer.subarray(at, most));
        if (isLast) return this.cut();
      }
    } catch {
      /* one side is gone: so is the other */
      close(from);
      close(to);
    }
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch { /* it is closed */ }
}
