import { runtime, type Timer } from "../base/runtime/runtime.ts";
import type { RunMessage, ShownRun } from "./run_source.ts";

/** Bytes that a slow page may lag behind before it is given up; it then asks anew. */
const MAX_LAG = 2 ** 24;

/** Time in milliseconds between two comments that keep a quiet connection open. */
const KEEP_OPEN_MILLIS = 15_000;

/**
 * Server-sent events of a run: `view` with the whole view first, then `change`. A page that does
 * not read them is cut off, and its browser connects again.
 */
export class RunEvents {
  /** Body of the answer to the page. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #onEnd: () => void;
  readonly #timer: Timer;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #following: Disposable | undefined;
  #isOver = false;

  /**
   * Begins to follow a run.
   *
   * @param onEnd Called once when the page has gone or was given up.
   */
  constructor(run: ShownRun, onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#timer = runtime.timers.setInterval(() => this.#send(": open\n\n"), KEEP_OPEN_MILLIS);
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#controller = controller;
        return this.#follow(run);
      },
      cancel: () => this.#leave(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_LAG }));
  }

  /** Ends the stream after what was told until now. */
  end(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#controller?.close();
  }

  async #follow(run: ShownRun): Promise<void> {
    try {
      this.#following = await run.follow((message) => this.#send(asEvent(message)));
      if (this.#isOver) this.#following[Symbol.dispose]();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #send(text: string): void {
    if (this.#isOver) return;
    this.#controller?.enqueue(new TextEncoder().encode(text));
    if ((this.#controller?.desiredSize ?? 0) < 0) this.end();
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    runtime.timers.clearInterval(this.#timer);
    this.#following?.[Symbol.dispose]();
    this.#onEnd();
  }
}

function asEvent(message: RunMessage): string {
  const [[name, value] = ["", undefined]] = Object.entries(message);
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
