/** Body of an update that is being received. */
export interface IncomingBody {
  /** Size in bytes. */
  readonly size: number;
  /** Number of bytes received so far. */
  readonly received: number;
}

/** Answer of a rank whose first bytes were received, with the time that it has waited. */
export class Answer {
  /** Body, where there is one. */
  readonly body: IncomingBody | undefined;
  /** True once it is whole and valid. */
  isComplete = false;
  /** Time since which it waits; `undefined` while it is read. */
  #waitsSince: number | undefined;
  #waitedMillis = 0;

  /** Creates an answer that waits. */
  constructor(body: IncomingBody | undefined, now: number) {
    this.body = body;
    this.#waitsSince = now;
  }

  /** True while it is being read, and has a deadline. */
  get isReading(): boolean {
    return this.#waitsSince === undefined;
  }

  /** Time for which it has waited before it was read. */
  get waitedMillis(): number {
    return this.#waitedMillis;
  }

  /** Description of an answer that is not whole. */
  get missingText(): string {
    const { received, size } = this.body ?? { received: 0, size: 0 };
    return `only ${received} of the ${size} bytes of its update came in time`;
  }

  /** Notes that it is read from now on. */
  read(now: number): void {
    if (this.#waitsSince === undefined) return;
    this.#waitedMillis += now - this.#waitsSince;
    this.#waitsSince = undefined;
  }

  /** Notes that it is not read from now on. */
  wait(now: number): void {
    this.#waitsSince ??= now;
  }
}
