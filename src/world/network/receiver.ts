import { ChunkQueue } from "../../net/chunk_queue.ts";

/** Read that waits for bytes. */
interface PendingRead {
  readonly into: Uint8Array;
  readonly resolve: (count: number | null) => void;
  readonly reject: (error: Error) => void;
}

/** Connection of a receiver. */
export interface ReceiverParts {
  /** Called with the number of bytes that were read. */
  readonly onTaken: (count: number) => void;
  /** Takes the error of the connection, which is told once. */
  readonly takeError: () => Error | undefined;
}

/** Receiving half of an end of a connection: the buffer of the machine, and the reads from it. */
export class Receiver {
  readonly #parts: ReceiverParts;
  readonly #unread = new ChunkQueue();
  #pending: PendingRead | undefined;
  #isAtEnd = false;
  #isOver = false;

  /** Creates an empty receiver. */
  constructor(parts: ReceiverParts) {
    this.#parts = parts;
  }

  /** True if bytes wait to be read. */
  get hasUnread(): boolean {
    return !this.#unread.isEmpty;
  }

  /** True if the other end has ended its stream. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /** True if a read waits. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /** Keeps bytes that have arrived. */
  add(bytes: Uint8Array): void {
    this.#unread.add(bytes, undefined);
  }

  /** Notes that the other end has ended its stream. */
  end(): void {
    this.#isAtEnd = true;
  }

  /** Notes that nothing more arrives. What has arrived can still be read, as on Linux. */
  stop(): void {
    this.#isOver = true;
  }

  /** Reads what has arrived; resolves with `null` at the end of the stream. */
  read(into: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => {
      this.#pending = { into, resolve, reject };
      this.serve();
    });
  }

  /** Settles the read that waits if it can be, in a turn of the reader. */
  serve(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    if (!this.#unread.isEmpty || pending.into.length === 0) {
      this.#pending = undefined;
      const count = this.#unread.take(pending.into);
      pending.resolve(count);
      this.#parts.onTaken(count);
    } else if (this.#isAtEnd) this.#settle(null);
    else if (this.#isOver) this.#settle(this.#parts.takeError() ?? null);
  }

  /** Rejects the read that waits. */
  reject(error: Error): void {
    this.#settle(error);
  }

  #settle(outcome: Error | null): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (outcome === null) pending?.resolve(null);
    else pending?.reject(outcome);
  }
}
