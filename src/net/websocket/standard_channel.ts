import { runtime } from "../../base/runtime/runtime.ts";
import { ConnectionClosedError, ProtocolError } from "../../base/errors.ts";
import { ChunkQueue } from "../chunk_queue.ts";
import type { Channel } from "../transport.ts";
import { Credit } from "./credit.ts";
import {
  BadMessageError,
  checkLength,
  HEAD_BYTES,
  LEAST_COST,
  MESSAGE_BYTES,
  PROMPT_SUBPROTOCOL,
  SEGMENT_BYTES,
  textMessage,
} from "./message.ts";

/**
 * Deno's client writes the head of a WebSocket message above this apart from its content, which
 * then waits for the acknowledgement of the head (Nagle's algorithm): 40 ms, if the server has
 * nothing to say. A server with the prompt subprotocol answers such a head at once. For another one
 * a client cuts what is small into messages that go out whole, which a server answers by a grant.
 */
const PROMPT_BYTES = 1024 - HEAD_BYTES;
/** Time in milliseconds for the other side to answer a close. */
const LINGER_MILLIS = 1000;

/** Buffer in which each message is assembled; `send` copies it before it returns. */
let staging: DataView<ArrayBuffer> | undefined;

/** Ends of the WebSockets that were closed here and wait for the other side. */
const closing = new Set<Promise<string>>();

/** Resolves when every WebSocket that this isolate has closed so far is gone. */
export async function webSocketsClosed(): Promise<void> {
  await Promise.all(closing);
}

/**
 * Stream of bytes over an open WebSocket.
 *
 * A WebSocket delivers messages whether or not they are read, and cannot be closed on one side
 * alone. So each side sends only as much as the other has granted, and announces when it will send
 * no more. A message is a grant and data; a message without either is the end.
 */
export class WebSocketChannel implements Channel {
  readonly remote: string;
  /**
   * Resolves with the reason when the WebSocket is closed on both sides, or was closed here and the
   * peer does not answer.
   */
  readonly ended: Promise<string>;
  readonly #end: (reason: string) => void;
  readonly #socket: WebSocket;
  readonly #isClient: boolean;
  /** Data that were not read yet; their tag is the cost of their message. */
  readonly #chunks = new ChunkQueue<number>();
  readonly #credit = new Credit();
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  #hasEnded = false;
  #peerHasEnded = false;
  #isClosed = false;
  #fault: ProtocolError | undefined;
  #lost: string | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  /** Takes over a WebSocket that is open or about to be; what comes in is heard from now on. */
  constructor(remote: string, socket: WebSocket, side: "client" | "server") {
    this.remote = remote;
    this.#isClient = side === "client";
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    this.#end = resolve;
    let words = "the other side closed it";
    socket.onmessage = ({ data }: MessageEvent<unknown>) => this.#take(data);
    socket.onerror = (event) => {
      if (event instanceof ErrorEvent && event.message !== "") words = event.message;
    };
    socket.onclose = () => {
      runtime.timers.clearTimeout(this.#lingering);
      this.#lost = words;
      this.#wake();
      this.#end(words);
    };
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    while (this.#chunks.isEmpty) {
      if (this.#isClosed) throw this.#closedHere();
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#peerHasEnded) return null;
      if (this.#lost !== undefined) throw this.#lostError();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeReader = resolve;
      await promise;
    }
    let isPrompt = false;
    const count = this.#chunks.take(into, (cost, _count, isWhole) => {
      if (!isWhole) return;
      isPrompt ||= !this.#isClient && cost <= LEAST_COST;
      this.#credit.consume(cost);
    });
    this.#grant(isPrompt);
    return count;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const left = bytes.length - at;
      const most = left < SEGMENT_BYTES && this.#mustBePrompt ? PROMPT_BYTES : MESSAGE_BYTES;
      const length = Math.min(left, most, this.#credit.mostData);
      this.#checkWritable();
      if (!this.#credit.allows(length)) {
        // No grant is heard any more.
        if (this.#fault !== undefined) throw this.#fault;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wakeWriter = resolve;
        await promise;
        continue;
      }
      this.#credit.spend(length);
      this.#send(this.#credit.grant(), bytes.subarray(at, at + length));
      at += length;
    }
  }

  closeWrite(): Promise<void> {
    if (this.#hasEnded) return Promise.resolve();
    if (this.#isClosed) return Promise.reject(this.#closedHere());
    if (this.#lost !== undefined) return Promise.reject(this.#lostError());
    this.#hasEnded = true;
    this.#send(0);
    this.#wakeWriter?.();
    return Promise.resolve();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#chunks.clear();
    if (this.#lost === undefined) {
      closing.add(this.ended);
      this.ended.then(() => closing.delete(this.ended));
      this.#socket.close(1000);
      this.#lingering = runtime.timers.setTimeout(
        () => this.#end("the other side does not close"),
        LINGER_MILLIS,
      );
    }
    this.#wake();
  }

  /** True if the peer may wait before it acknowledges the head of a message. */
  get #mustBePrompt(): boolean {
    return this.#isClient && this.#socket.protocol !== PROMPT_SUBPROTOCOL;
  }

  #take(data: unknown): void {
    if (this.#isClosed || this.#fault !== undefined) return;
    try {
      if (!(data instanceof ArrayBuffer)) throw textMessage();
      checkLength(data.byteLength, true);
      this.#act(new Uint8Array(data));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fault = error;
    }
    this.#wake();
  }

  #act(message: Uint8Array<ArrayBuffer>): void {
    const grant = new DataView(message.buffer).getUint32(0, true);
    const data = message.subarray(HEAD_BYTES);
    this.#credit.addGrant(grant);
    if (data.length === 0) {
      this.#peerHasEnded ||= grant === 0;
      return;
    }
    if (this.#peerHasEnded) {
      throw new BadMessageError("no data after the end", `${data.length} bytes`);
    }
    this.#chunks.add(data, this.#credit.charge(data.length));
  }

  /**
   * Lets the peer send more before it has to wait; as long as it has half of the window, the grant
   * goes along with this side's next data.
   */
  #grant(isPrompt: boolean): void {
    if (this.#peerHasEnded || this.#isClosed || this.#lost !== undefined) return;
    if (this.#credit.owes(isPrompt)) this.#send(this.#credit.grant());
  }

  #send(grant: number, data = new Uint8Array()): void {
    staging ??= new DataView(new ArrayBuffer(HEAD_BYTES + MESSAGE_BYTES));
    staging.setUint32(0, grant, true);
    const message = new Uint8Array(staging.buffer, 0, HEAD_BYTES + data.length);
    message.set(data, HEAD_BYTES);
    this.#socket.send(message);
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }

  #checkWritable(): void {
    if (this.#isClosed || this.#hasEnded) throw this.#closedHere();
    if (this.#lost !== undefined) throw this.#lostError();
  }

  #closedHere(): Error {
    return new ConnectionClosedError(
      `Lost the connection to ${this.remote}: it was closed on this side`,
    );
  }

  #lostError(): Error {
    return new ConnectionClosedError(`Lost the connection to ${this.remote}: ${this.#lost}`);
  }
}
