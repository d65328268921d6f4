import { ConnectionClosedError, ProtocolError } from "../errors.ts";
import {
  badMessage,
  checkMessage,
  FIRST_CREDIT,
  HEAD_BYTES,
  LEAST_COST,
  MESSAGE_BYTES,
  MOST_CREDIT,
} from "./_websocket_message.ts";
import type { Channel } from "./transport.ts";

/**
 * Deno's client writes the head of a WebSocket message above this apart from its content, which then waits for the acknowledgement of the head (Nagle's
 * algorithm): 40 ms, if the server has nothing to say. So a client cuts what is small into messages that go out whole, and a server answers them by a
 * grant at once.
 */
const PROMPT_BYTES = 1024 - HEAD_BYTES;
/** As much as this fills a segment even of the loopback interface, and does not wait. */
const SEGMENT_BYTES = 64 * 1024;
/** How long the other side has to answer a close. */
const LINGER_MILLIS = 1000;

/** Every message is put together here; `send` takes a copy before it returns. */
let staging: DataView<ArrayBuffer> | undefined;

/** The ends of those that were closed here and wait for the other side's answer. */
const closing = new Set<Promise<string>>();

/** Resolves when every WebSocket that this isolate has closed so far is gone. */
export async function webSocketsClosed(): Promise<void> {
  await Promise.all(closing);
}

/** Bytes that came, and what their message cost. */
interface Chunk {
  bytes: Uint8Array<ArrayBuffer>;
  readonly cost: number;
}

/**
 * A stream of bytes over an open WebSocket.
 *
 * A WebSocket hands over whatever comes, read or not, and cannot be closed on one side alone. So each side sends only what the other has granted, and says
 * itself when it will send no more. A message is what it grants and data; one without either is the end.
 */
export class WebSocketChannel implements Channel {
  readonly remote: string;
  /** Resolves with the reason when the WebSocket is closed on both sides, or was closed here and the peer does not answer. */
  readonly ended: Promise<string>;
  readonly #end: (reason: string) => void;
  readonly #socket: WebSocket;
  readonly #isClient: boolean;
  /** What came and is not read yet. */
  readonly #chunks: Chunk[] = [];
  #queuedCost = 0;
  #consumed = 0;
  /** Credit that the peer has left. */
  #granted = FIRST_CREDIT;
  /** Credit that this side has left. */
  #credit = FIRST_CREDIT;
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
      clearTimeout(this.#lingering);
      this.#lost = words;
      this.#wake();
      this.#end(words);
    };
  }

  async read(into: Uint8Array<ArrayBuffer>): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#isClosed) throw this.#closedHere();
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#peerHasEnded) return null;
      if (this.#lost !== undefined) throw this.#lostError();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeReader = resolve;
      await promise;
    }
    let count = 0;
    let isPrompt = false;
    for (
      let chunk = this.#chunks[0];
      chunk !== undefined && count < into.length;
      chunk = this.#chunks[0]
    ) {
      const part = chunk.bytes.subarray(0, into.length - count);
      into.set(part, count);
      count += part.length;
      chunk.bytes = chunk.bytes.subarray(part.length);
      if (chunk.bytes.length > 0) break;
      this.#chunks.shift();
      isPrompt ||= !this.#isClient && chunk.cost <= LEAST_COST;
      this.#queuedCost -= chunk.cost;
      this.#consumed += chunk.cost;
    }
    this.#grant(isPrompt);
    return count;
  }

  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const left = bytes.length - at;
      const most = this.#isClient && left < SEGMENT_BYTES ? PROMPT_BYTES : MESSAGE_BYTES;
      const length = Math.min(left, most, Math.max(this.#credit, LEAST_COST));
      const cost = Math.max(length, LEAST_COST);
      this.#checkWritable();
      if (cost > this.#credit) {
        // No grant is heard any more.
        if (this.#fault !== undefined) throw this.#fault;
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wakeWriter = resolve;
        await promise;
        continue;
      }
      this.#credit -= cost;
      this.#send(this.#due, bytes.subarray(at, at + length));
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
    this.#chunks.length = 0;
    if (this.#lost === undefined) {
      closing.add(this.ended);
      this.ended.then(() => closing.delete(this.ended));
      this.#socket.close(1000);
      this.#lingering = setTimeout(() => this.#end("the other side does not close"), LINGER_MILLIS);
    }
    this.#wake();
  }

  #take(data: unknown): void {
    if (this.#isClosed || this.#fault !== undefined) return;
    try {
      this.#act(checkMessage(data));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fault = error;
    }
    this.#wake();
  }

  #act(message: Uint8Array<ArrayBuffer>): void {
    const grant = new DataView(message.buffer).getUint32(0, true);
    const data = message.subarray(HEAD_BYTES);
    if (this.#credit + grant > MOST_CREDIT) {
      throw badMessage(`a credit of at most ${MOST_CREDIT}`, `${grant} more than ${this.#credit}`);
    }
    this.#credit += grant;
    if (data.length === 0) {
      this.#peerHasEnded ||= grant === 0;
      return;
    }
    const cost = Math.max(data.length, LEAST_COST);
    if (this.#peerHasEnded) throw badMessage("no data after the end", `${data.length} bytes`);
    if (cost > this.#granted) {
      throw badMessage(`at most the ${this.#granted} bytes granted`, String(cost));
    }
    this.#granted -= cost;
    this.#queuedCost += cost;
    this.#chunks.push({ bytes: data, cost });
  }

  /** Most that may wait here, grants that are not used yet included: it grows with what was read so far. */
  get #window(): number {
    return Math.min(MOST_CREDIT, FIRST_CREDIT + this.#consumed);
  }

  /** What can be granted. */
  get #due(): number {
    return Math.max(0, this.#window - this.#granted - this.#queuedCost);
  }

  /** Lets the peer send more before it has to wait; as long as it has half of the window, the grant goes along with this side's next data. */
  #grant(isPrompt: boolean): void {
    if (this.#peerHasEnded || this.#isClosed || this.#lost !== undefined) return;
    const due = this.#due;
    const isNeeded = this.#granted < this.#window / 2 && due >= this.#window / 4;
    if (isNeeded || isPrompt && due > 0) this.#send(due);
  }

  #send(grant: number, data = new Uint8Array()): void {
    staging ??= new DataView(new ArrayBuffer(HEAD_BYTES + MESSAGE_BYTES));
    staging.setUint32(0, grant, true);
    const message = new Uint8Array(staging.buffer, 0, HEAD_BYTES + data.length);
    message.set(data, HEAD_BYTES);
    this.#granted += grant;
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
