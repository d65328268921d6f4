/** What a worker is asked for. */
export type Job =
  /** Trains a client from the global parameters. */
  | { readonly kind: "train"; readonly round: number; readonly rank: number }
  /** Judges the global parameters on rows `from` to before `to` of the test data. */
  | { readonly kind: "test"; readonly from: number; readonly to: number }
  /** Evaluates what a client uses on the client's own data. */
  | { readonly kind: "evaluate"; readonly round: number; readonly rank: number };

/** What came of a job: `NaN` for a figure that there is not. */
export interface Figures {
  readonly numSamples: number;
  readonly steps: number;
  /** Mean over the samples. */
  readonly loss: number;
  readonly accuracy: number;
  readonly initialLoss: number;
}

/** Why nothing came of a job. */
export class Failure {
  /** The reason, one line. */
  readonly reason: string;
  /**
   * Whether the client stays for the next round: it could not train for this one, as a
   * `CannotTrainError` says.
   */
  readonly stays: boolean;

  constructor(reason: string, stays: boolean) {
    this.reason = reason;
    this.stays = stays;
  }
}

const KINDS = ["train", "test", "evaluate"] as const;
const FIGURES = ["numSamples", "steps", "loss", "accuracy", "initialLoss"] as const;

/** The words at the board's head. */
const TAKEN = 0, POSTED = 1, DONE = 2, STOPPED = 3;
const HEAD_WORDS = 4;
/** The words of a slot: how it stands, and its job. */
const STATUS = 0, KIND = 1, FIRST = 2, SECOND = 3, HAS_STATE = 4;
const SLOT_WORDS = 5;
/** How a slot stands. */
const IDLE = 0, WELL = 1, FAILED = 2, REFUSED = 3;
const TEXT_BYTES = 1024;

/** A board's memory, in a form that can be posted to a worker. */
export interface BoardMemory {
  readonly slots: number;
  readonly length: number;
  readonly words: SharedArrayBuffer;
  readonly figures: SharedArrayBuffer;
  readonly text: SharedArrayBuffer;
  readonly settings: SharedArrayBuffer;
  readonly global: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly vectors: SharedArrayBuffer;
  readonly states: SharedArrayBuffer;
  readonly counts: SharedArrayBuffer;
}

/** Views of shared memory pass for others: whoever reads or writes them here does it while nobody else does. */
function floats(buffer: SharedArrayBuffer, start = 0, length?: number): Float32Array<ArrayBuffer> {
  return new Float32Array(buffer, start * 4, length) as unknown as Float32Array<ArrayBuffer>;
}

/** What a board is made for. */
export interface BoardOptions {
  /** How many jobs may be under way or done at once. */
  readonly slots: number;
  /** Values of a parameter vector. */
  readonly length: number;
  /** Whether clients keep a vector from round to round. */
  readonly keepsState: boolean;
  /** Whether the server sends a second vector. */
  readonly hasControl: boolean;
  /** How many counts the workers add up. */
  readonly counts: number;
}

/**
 * Memory that a program shares with the workers of its pool: jobs and what came of them, the global parameters, and one vector a job. A
 * worker takes the next job by itself and waits, asleep, while there is none.
 */
export class Board {
  /** The global parameters. */
  readonly global: Float32Array<ArrayBuffer>;
  /** The server's second vector, of no length where there is none. */
  readonly control: Float32Array<ArrayBuffer>;
  readonly #memory: BoardMemory;
  readonly #words: Int32Array;
  readonly #figures: Float64Array;

  /** Shares the memory of another board. */
  constructor(memory: BoardMemory) {
    this.#memory = memory;
    this.#words = new Int32Array(memory.words);
    this.#figures = new Float64Array(memory.figures);
    this.global = floats(memory.global);
    this.control = floats(memory.control);
  }

  /** Makes a board. Throws a `RangeError` when the system does not give the memory. */
  static create({ slots, length, keepsState, hasControl, counts }: BoardOptions): Board {
    const bytes = length * Float32Array.BYTES_PER_ELEMENT;
    return new Board({
      slots,
      length,
      // The head, the slots, and the ring in which they are posted.
      words: new SharedArrayBuffer(4 * (HEAD_WORDS + slots * (SLOT_WORDS + 1))),
      figures: new SharedArrayBuffer(8 * slots * FIGURES.length),
      text: new SharedArrayBuffer(slots * TEXT_BYTES),
      settings: new SharedArrayBuffer(16 * TEXT_BYTES),
      global: new SharedArrayBuffer(bytes),
      control: new SharedArrayBuffer(hasControl ? bytes : 0),
      vectors: new SharedArrayBuffer(slots * bytes),
      states: new SharedArrayBuffer(keepsState ? slots * bytes : 0),
      counts: new SharedArrayBuffer(4 * counts),
    });
  }

  /** The memory, for a worker. */
  get memory(): BoardMemory {
    return this.#memory;
  }

  /** Whether there is room for a client's own vector. */
  get keepsState(): boolean {
    return this.#memory.states.byteLength > 0;
  }

  /** The vector that a job leaves. */
  vector(slot: number): Float32Array<ArrayBuffer> {
    const { vectors, length } = this.#memory;
    return floats(vectors, slot * length, length);
  }

  /** Room for the client's own vector, of a job that is about a client. */
  state(slot: number): Float32Array<ArrayBuffer> {
    const { states, length } = this.#memory;
    return floats(states, slot * length, length);
  }

  /** Whether the client's own vector is there. */
  hasState(slot: number): boolean {
    return this.#word(slot, HAS_STATE) === 1;
  }

  /** Says whether the client's own vector is there. */
  setHasState(slot: number, has: boolean): void {
    this.#setWord(slot, HAS_STATE, has ? 1 : 0);
  }

  /** The round's settings, whatever JSON can hold. */
  get settings(): unknown {
    return JSON.parse(readText(this.#memory.settings));
  }

  set settings(value: unknown) {
    writeText(this.#memory.settings, 0, this.#memory.settings.byteLength, JSON.stringify(value));
  }

  /** What the workers have counted, of no length where nothing is; one at a time may set it back, several may add. */
  get counts(): Uint32Array {
    return new Uint32Array(this.#memory.counts);
  }

  /** Posts a job in a slot that is free. */
  post(slot: number, job: Job): void {
    const [first, second] = job.kind === "test" ? [job.from, job.to] : [job.round, job.rank];
    this.#setWord(slot, STATUS, IDLE);
    this.#setWord(slot, KIND, KINDS.indexOf(job.kind));
    this.#setWord(slot, FIRST, first);
    this.#setWord(slot, SECOND, second);
    const posted = Atomics.load(this.#words, POSTED);
    Atomics.store(this.#words, this.#ringAt(posted), slot);
    Atomics.store(this.#words, POSTED, posted + 1);
    Atomics.notify(this.#words, POSTED);
  }

  /** Takes the next job's number; {@linkcode slotOf} waits until it is posted. */
  takeNumber(): number {
    return Atomics.add(this.#words, TAKEN, 1);
  }

  /** The slot of the job of that number; `undefined` when none was posted for so long, or the pool has stopped. */
  slotOf(number: number, millis: number): number | undefined {
    const posted = Atomics.load(this.#words, POSTED);
    if (posted <= number && !this.hasStopped) Atomics.wait(this.#words, POSTED, posted, millis);
    if (this.hasStopped || Atomics.load(this.#words, POSTED) <= number) return undefined;
    return Atomics.load(this.#words, this.#ringAt(number));
  }

  /** The job in a slot. */
  job(slot: number): Job {
    const kind = KINDS[this.#word(slot, KIND)] ?? "train";
    const first = this.#word(slot, FIRST), second = this.#word(slot, SECOND);
    return kind === "test"
      ? { kind, from: first, to: second }
      : { kind, round: first, rank: second };
  }

  /** Says what came of the job in a slot. */
  finish(slot: number, figures: Partial<Figures>): void {
    FIGURES.forEach((name, i) => {
      this.#figures[slot * FIGURES.length + i] = figures[name] ?? NaN;
    });
    this.#end(slot, WELL);
  }

  /** Says why nothing came of the job in a slot. */
  fail(slot: number, { reason, stays }: Failure): void {
    writeText(this.#memory.text, slot * TEXT_BYTES, TEXT_BYTES, reason);
    this.#end(slot, stays ? REFUSED : FAILED);
  }

  /** What came of the job in a slot, or why nothing did; `undefined` while it is under way. */
  outcome(slot: number): Figures | Failure | undefined {
    const status = Atomics.load(this.#words, HEAD_WORDS + slot * SLOT_WORDS + STATUS);
    if (status === IDLE) return undefined;
    if (status !== WELL) {
      return new Failure(readText(this.#memory.text, slot * TEXT_BYTES), status === REFUSED);
    }
    const at = (i: number) => this.#figures[slot * FIGURES.length + i] ?? NaN;
    return Object.fromEntries(FIGURES.map((name, i) => [name, at(i)])) as unknown as Figures;
  }

  /** How many jobs have ended. */
  get done(): number {
    return Atomics.load(this.#words, DONE);
  }

  /** Has whoever waits in {@linkcode moreDone} look again. */
  wake(): void {
    Atomics.add(this.#words, DONE, 1);
    Atomics.notify(this.#words, DONE);
  }

  /** Resolves when more than so many jobs have ended. */
  async moreDone(than: number): Promise<void> {
    const wait = Atomics.waitAsync(this.#words, DONE, than);
    if (wait.async) await wait.value;
  }

  /** Whether no more jobs are to be taken. */
  get hasStopped(): boolean {
    return Atomics.load(this.#words, STOPPED) === 1;
  }

  /** Has the workers end. */
  stop(): void {
    Atomics.store(this.#words, STOPPED, 1);
    Atomics.notify(this.#words, POSTED);
  }

  #end(slot: number, status: number): void {
    Atomics.store(this.#words, HEAD_WORDS + slot * SLOT_WORDS + STATUS, status);
    this.wake();
  }

  #ringAt(number: number): number {
    const { slots } = this.#memory;
    return HEAD_WORDS + slots * SLOT_WORDS + number % slots;
  }

  #word(slot: number, word: number): number {
    return this.#words[HEAD_WORDS + slot * SLOT_WORDS + word] ?? 0;
  }

  #setWord(slot: number, word: number, value: number): void {
    this.#words[HEAD_WORDS + slot * SLOT_WORDS + word] = value;
  }
}

/** Text behind its length in bytes, cut where there is no more room. */
function writeText(buffer: SharedArrayBuffer, start: number, room: number, text: string): void {
  // Text coders do not take shared memory.
  const bytes = new TextEncoder().encode(text).subarray(0, room - 4);
  new DataView(buffer).setUint32(start, bytes.length);
  new Uint8Array(buffer, start + 4, bytes.length).set(bytes);
}

function readText(buffer: SharedArrayBuffer, start = 0): string {
  const length = new DataView(buffer).getUint32(start);
  return new TextDecoder().decode(new Uint8Array(buffer, start + 4, length).slice());
}
