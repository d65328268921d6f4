import { errorMessage } from "../base/errors.ts";
import { runtime, type Timer } from "../base/runtime/runtime.ts";
import type { RunMessage, ShownRun } from "./run_source.ts";

/** Bytes of changes that wait for a slow page; it is then sent the whole view in their place. */
const MAX_LAG = 2 ** 20;

/** Time in milliseconds between two comments that keep a quiet connection open. */
const KEEP_OPEN_MILLIS = 15_000;

type Bytes = Uint8Array<ArrayBuffer>;

/** Messages as they are sent: one for all pages that are sent it. */
const WRITTEN = new WeakMap<RunMessage, Bytes>();

/**
 * Server-sent events of a run: `view` with the whole view first, then `change`; or `fault` with the
 * reason why it cannot be shown, and the end. A page that reads
 * too slowly misses changes, and is sent the view as it is by then once it has read the rest.
 */
export class RunEvents {
  /** Body of the answer to the page. */
  readonly body: ReadableStream<Bytes>;
  readonly #run: ShownRun;
  readonly #onEnd: () => void;
  readonly #timer: Timer;
  #controller: ReadableStreamDefaultController<Bytes> | undefined;
  #following: Disposable | undefined;
  #hasMissed = false;
  #isOver = false;

  /**
   * Begins to follow a run.
   *
   * @param onEnd Called once when the page has gone or the stream was ended.
   */
  constructor(run: ShownRun, onEnd: () => void) {
    this.#run = run;
    this.#onEnd = onEnd;
    this.#timer = runtime.timers.setInterval(() => this.#keepOpen(), KEEP_OPEN_MILLIS);
    this.body = new ReadableStream<Bytes>({
      start: (controller) => {
        this.#controller = controller;
        return this.#follow();
      },
      pull: () => this.#catchUp(),
      cancel: () => this.#leave(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_LAG }));
  }

  /** Ends the stream after what was told until now. */
  end(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#controller?.close();
  }

  async #follow(): Promise<void> {
    try {
      this.#following = await this.#run.follow((message) => this.#tell(message));
      if (this.#isOver) this.#following[Symbol.dispose]();
    } catch (error) {
      this.#send(written("fault", errorMessage(error)));
      this.end();
    }
  }

  #tell(message: RunMessage): void {
    if (this.#hasMissed || this.#isFull) this.#hasMissed = true;
    else this.#send(bytesOf(message));
  }

  async #catchUp(): Promise<void> {
    if (!this.#hasMissed) return;
    // What is told from now on is in the view, or comes after it.
    this.#following?.[Symbol.dispose]();
    this.#hasMissed = false;
    if (!this.#isOver) await this.#follow();
  }

  get #isFull(): boolean {
    return (this.#controller?.desiredSize ?? 0) <= 0;
  }

  #keepOpen(): void {
    if (!this.#isFull) this.#send(new TextEncoder().encode(": open\n\n"));
  }

  #send(bytes: Bytes): void {
    if (!this.#isOver) this.#controller?.enqueue(bytes);
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    runtime.timers.clearInterval(this.#timer);
    this.#following?.[Symbol.dispose]();
    this.#onEnd();
  }
}

function bytesOf(message: RunMessage): Bytes {
  let bytes = WRITTEN.get(message);
  if (bytes === undefined) {
    const [[name, value] = ["", undefined]] = Object.entries(message);
    bytes = written(name, value);
    WRITTEN.set(message, bytes);
  }
  return bytes;
}

/** Writes an event. */
function written(name: string, value: unknown): Bytes {
  return new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(value)}\n\n`);
}
