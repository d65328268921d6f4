import { runtime } from "../../base/runtime/runtime.ts";
import { startDeadline } from "../../base/time/start_deadline.ts";
import type { Duplex, DuplexOptions } from "node:stream";
import type { TLSSocket } from "node:tls";
import { ConnectionClosedError, DeadlineError, errorMessage } from "../../base/errors.ts";
import { ChunkQueue } from "../chunk_queue.ts";
import { alertFor } from "./alert.ts";
import type { Channel } from "../transport.ts";

/** Time in seconds for the TLS handshake. */
export const TLS_HANDSHAKE_SECONDS = 10;

/** Most bytes that are read at once, later and at first: a silent peer costs no more. */
const READ_BYTES = 64 * 1024, FIRST_READ_BYTES = 2 * 1024;

/**
 * Most bytes that are written at once. The TLS library keeps a copy of them until the peer has
 * received them.
 */
const WRITE_BYTES = 128 * 1024;

/**
 * Time in seconds for a peer that does not speak TLS to read the alert, and most bytes of it that
 * are discarded meanwhile.
 */
const LINGER_SECONDS = 1, MOST_DISCARDED_BYTES = 64 * 1024;

/** Parts of `node:stream` and `node:tls` that a channel needs. */
export interface TlsParts {
  /** Creates a stream. */
  stream(options: DuplexOptions): Duplex;
  /** Creates the server's end of TLS over a stream. */
  secure(stream: Duplex): TLSSocket;
}

/**
 * Server's end of TLS over a channel.
 *
 * The handshake begins at once; the first read and write wait for it.
 *
 * It does not use `Deno.listenTls`: a connection of that one, closed before its handshake is
 * complete or while its peer does not read, keeps its socket until the peer closes it. Here `close`
 * closes the channel below, in any state of TLS, at about twice the processor time per byte. It
 * does not use the listener of `node:net`, which accepts no more connections, without an error,
 * once it has run out of file descriptors.
 */
export class SecureChannel implements Channel {
  readonly remote: string;
  readonly #channel: Channel;
  readonly #words: (cause: unknown) => string;
  readonly #stream: Duplex;
  readonly #socket: TLSSocket;
  readonly #secured = Promise.withResolvers<void>();
  readonly #endDeadline: () => void;
  #into = new Uint8Array(FIRST_READ_BYTES);
  /** Decrypted bytes that were not read yet. */
  readonly #decrypted = new ChunkQueue();
  /** True if the stream below asks for bytes; it does so whether or not anything reads. */
  #isAsked = false;
  #reading: Promise<void> | undefined;
  /** Continues the read that waits. */
  #wake: (() => void) | undefined;
  #failWrite: ((reason: Error) => void) | undefined;
  #isSecure = false;
  #hasAnswered = false;
  #hasFinished = false;
  #channelEnded = false;
  #peerEnded = false;
  #isClosed = false;
  #refusal: { alert: Uint8Array<ArrayBuffer>; reason: Error } | undefined;
  #lost: Error | undefined;

  /**
   * Takes over a channel that was accepted, and begins the handshake. `words` explains an error of
   * TLS.
   */
  constructor(channel: Channel, parts: TlsParts, words: (cause: unknown) => string = errorMessage) {
    this.remote = channel.remote;
    this.#channel = channel;
    this.#words = words;
    this.#endDeadline = startDeadline(TLS_HANDSHAKE_SECONDS * 1000, () => this.#giveUp());
    // Reads and writes reject with it.
    this.#secured.promise.catch(() => {});
    this.#stream = parts.stream({
      read: () => {
        this.#isAsked = true;
        this.#pull();
      },
      write: (bytes: Uint8Array<ArrayBuffer>, _encoding, done) => {
        this.#hasAnswered = true;
        channel.write(bytes).then(() => done(), (error) => done(this.#fail(error)));
      },
      final: (done) => {
        channel.closeWrite().then(() => done(), (error) => done(this.#fail(error)));
      },
    });
    this.#stream.on("error", (error) => this.#fail(this.#because(this.#words(error))));
    this.#socket = parts.secure(this.#stream);
    this.#socket.on("secure", () => {
      this.#isSecure = true;
      this.#endDeadline();
      this.#secured.resolve();
    });
    this.#socket.on("data", (bytes: Uint8Array) => {
      if (bytes.length > 0) this.#decrypted.add(bytes, undefined);
      this.#wake?.();
    });
    this.#socket.on("end", () => {
      if (!this.#isSecure) this.#fail(this.#because("it was closed during the TLS handshake"));
      else if (this.#channelEnded) {
        // An attacker may have cut the connection.
        this.#fail(this.#because("the other side ended it without closing TLS"));
      } else this.#peerEnded = true;
      this.#wake?.();
    });
    this.#socket.on("error", (cause: Error) => {
      const reason = this.#because(this.#words(cause));
      if (this.#isSecure || this.#hasAnswered) this.#fail(reason);
      else this.#refusal = { alert: alertFor(cause.message), reason };
    });
    this.#socket.on("close", async () => {
      if (this.#refusal !== undefined && this.#lost === undefined) {
        await this.#refuse(this.#refusal);
      }
      this.#fail(this.#because("the other side closed it"));
      channel.close();
    });
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    await this.#secured.promise;
    for (;;) {
      if (!this.#decrypted.isEmpty) return this.#decrypted.take(into);
      if (this.#isClosed) throw this.#closedHere();
      if (this.#peerEnded) return null;
      if (this.#lost !== undefined) throw this.#lost;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#pull();
      await promise;
      this.#wake = undefined;
    }
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#secured.promise;
    for (let at = 0; at < bytes.length; at += WRITE_BYTES) {
      const share = bytes.subarray(at, at + WRITE_BYTES);
      await this.#written((done) => this.#socket.write(share, done));
    }
  }

  async closeWrite(): Promise<void> {
    await this.#secured.promise;
    if (this.#hasFinished) return;
    this.#hasFinished = true;
    await this.#written((done) => this.#socket.end(done));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#fail(this.#closedHere());
    this.#decrypted.clear();
    this.#channel.close();
    this.#socket.destroy();
  }

  /**
   * Reads from the channel if the stream asks for bytes and a call waits for them. Reading ahead of
   * that would use memory without limit.
   */
  #pull(): void {
    const isWanted = !this.#isSecure || this.#wake !== undefined && this.#decrypted.isEmpty;
    if (!this.#isAsked || !isWanted || this.#reading !== undefined) return;
    if (this.#lost !== undefined) return;
    this.#isAsked = false;
    this.#reading = this.#channel.read(this.#into).then((count) => {
      this.#reading = undefined;
      const isEnd = count === null;
      const bytes = isEnd ? null : this.#into.slice(0, count);
      if (isEnd) this.#channelEnded = true;
      else if (count === this.#into.length) this.#into = new Uint8Array(READ_BYTES);
      this.#stream.push(bytes);
    }, (error) => {
      this.#reading = undefined;
      this.#fail(error);
      this.#socket.destroy();
    });
  }

  /** Resolves when `done` is called, and rejects as soon as the connection is lost. */
  async #written(begin: (done: (error?: Error | null) => void) => void): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#failWrite = reject;
    begin((error) => error ? reject(this.#lost ?? this.#because(error.message)) : resolve());
    await promise;
    this.#failWrite = undefined;
  }

  /** Sends an alert to a peer that does not speak TLS, before reads reject. Never rejects. */
  async #refuse(
    { alert, reason }: { alert: Uint8Array<ArrayBuffer>; reason: Error },
  ): Promise<void> {
    const channel = this.#channel;
    const timer = runtime.timers.setTimeout(() => channel.close(), LINGER_SECONDS * 1000);
    try {
      await channel.write(alert);
      await channel.closeWrite();
      await this.#reading;
      // A channel that is closed over unread bytes would discard the alert.
      for (let left = MOST_DISCARDED_BYTES; left > 0;) {
        const got = await channel.read(this.#into);
        if (got === null) break;
        left -= got;
      }
    } catch { /* it is closed all the same */ }
    runtime.timers.clearTimeout(timer);
    this.#fail(reason);
  }

  #giveUp(): void {
    this.#fail(
      new DeadlineError(
        `Lost the connection to ${this.remote}: it did not finish its TLS handshake within ${TLS_HANDSHAKE_SECONDS} seconds`,
      ),
    );
    this.#channel.close();
    this.#socket.destroy();
  }

  /** Rejects pending calls. The first reason counts. */
  #fail(reason: Error): Error {
    this.#lost ??= reason;
    this.#endDeadline();
    this.#secured.reject(this.#lost);
    this.#failWrite?.(this.#lost);
    this.#wake?.();
    return reason;
  }

  #because(why: string): Error {
    return new ConnectionClosedError(`Lost the connection to ${this.remote}: ${why}`);
  }

  #closedHere(): Error {
    return this.#because("it was closed on this side");
  }
}
