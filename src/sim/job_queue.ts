import { FIELDS_BYTES } from "../wire/frame.ts";
import type { ClientJob, JobOutcome, RoundInput } from "./client_pool.ts";
import { readText, sharedVector, writeText } from "./shared_memory.ts";

const KINDS = ["join", "train", "evaluate", "test"] as const;
/** Numbers of an outcome: those of a training, or of an evaluation. `NaN` stands for none. */
const SAMPLES = 0, LOSS = 1, STEPS = 2, ACCURACY = 2;
const SLOT_FIGURES = 3;

/** The words at the queue's head. */
const TAKEN = 0, POSTED = 1, DONE = 2, STOPPED = 3;
const HEAD_WORDS = 4;
/** The words of a slot: its state, its job, and which vectors are in it. */
const STATUS = 0, KIND = 1, FIRST = 2, SECOND = 3, HAS_OWN = 4, HAS_COUNTS = 5;
const SLOT_WORDS = 6;
/** The states of a slot. */
const PENDING = 0, DONE_WELL = 1, FAILED = 2, CANNOT_TRAIN = 3;

/** Bytes of the reason of a failure. */
const REASON_BYTES = 1024;
/** Bytes of the metrics as JSON, which is at most 6 times as long as in a message. */
const METRICS_BYTES = 6 * FIELDS_BYTES;
const PLAN_BYTES = 1_048_576;

/** A queue's memory, in a form that can be posted to a worker. */
export interface JobQueueMemory {
  readonly slots: number;
  readonly length: number;
  /** Number of counts of a slot. */
  readonly counted: number;
  readonly words: SharedArrayBuffer;
  readonly figures: SharedArrayBuffer;
  readonly text: SharedArrayBuffer;
  readonly plan: SharedArrayBuffer;
  readonly parameters: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly updates: SharedArrayBuffer;
  readonly own: SharedArrayBuffer;
  readonly counts: SharedArrayBuffer;
}

/** Options of {@linkcode JobQueue.create}. */
export interface JobQueueOptions {
  /** Number of jobs that are under way or done at once. */
  readonly slots: number;
  /** Number of values of a parameter vector. */
  readonly length: number;
  /** Clients keep a vector from round to round. */
  readonly keepsOwn: boolean;
  /** The server publishes a second vector. */
  readonly hasControl: boolean;
  /** Length of the counts of a `test` job. */
  readonly counts: number;
}

/**
 * Queue of jobs in memory that a program shares with its workers, with the input of the round and
 * room for the outcome of each job. A worker takes the next job by itself, and sleeps while there
 * is none.
 *
 * ```text
 * words    | TAKEN POSTED DONE STOPPED | slot 0: STATUS KIND FIRST SECOND … | slot 1 | … | ring |
 * figures  |                           | slot 0: samples, loss, …           | slot 1 | … |
 * updates, own, counts, text:          | slot 0                             | slot 1 | … |
 * ring: number of a job modulo the number of slots → its slot
 * ```
 */
export class JobQueue {
  readonly #memory: JobQueueMemory;
  readonly #words: Int32Array;
  readonly #figures: Float64Array;
  readonly #parameters: Float32Array<ArrayBuffer>;
  readonly #control: Float32Array<ArrayBuffer>;

  /** Uses the memory of another thread's queue. */
  constructor(memory: JobQueueMemory) {
    this.#memory = memory;
    this.#words = new Int32Array(memory.words);
    this.#figures = new Float64Array(memory.figures);
    this.#parameters = sharedVector(memory.parameters);
    this.#control = sharedVector(memory.control);
  }

  /**
   * Creates a queue.
   *
   * @throws {RangeError} If the system does not give the memory.
   */
  static create({ slots, length, keepsOwn, hasControl, counts }: JobQueueOptions): JobQueue {
    const bytes = length * Float32Array.BYTES_PER_ELEMENT;
    return new JobQueue({
      slots,
      length,
      counted: counts,
      words: new SharedArrayBuffer(4 * (HEAD_WORDS + slots * (SLOT_WORDS + 1))),
      figures: new SharedArrayBuffer(8 * slots * SLOT_FIGURES),
      text: new SharedArrayBuffer(slots * METRICS_BYTES),
      plan: new SharedArrayBuffer(PLAN_BYTES),
      parameters: new SharedArrayBuffer(bytes),
      control: new SharedArrayBuffer(hasControl ? bytes : 0),
      updates: new SharedArrayBuffer(slots * bytes),
      own: new SharedArrayBuffer(keepsOwn ? slots * bytes : 0),
      counts: new SharedArrayBuffer(4 * slots * counts),
    });
  }

  /** The memory, for a worker. */
  get memory(): JobQueueMemory {
    return this.#memory;
  }

  /** Input of the round; its vectors are views of shared memory. */
  get input(): RoundInput {
    return {
      plan: JSON.parse(readText(this.#memory.plan)),
      parameters: this.#parameters,
      ...(this.#control.length > 0 && { control: this.#control }),
    };
  }

  /**
   * Copies in the input of a round.
   *
   * @throws {RangeError} If the plan is too long.
   */
  publish({ plan, parameters, control }: RoundInput): void {
    if (!writeText(this.#memory.plan, 0, PLAN_BYTES, JSON.stringify(plan))) {
      throw new RangeError(`Cannot publish the plan: it is longer than ${PLAN_BYTES} bytes`);
    }
    this.#parameters.set(parameters);
    if (control) this.#control.set(control);
  }

  /** Adds a job, in a slot that is free, with the vector that its client has kept. */
  enqueue(slot: number, job: ClientJob, own?: Float32Array): void {
    const [first, second] = numbersOf(job);
    this.#setWord(slot, STATUS, PENDING);
    this.#setWord(slot, KIND, KINDS.indexOf(job.kind));
    this.#setWord(slot, FIRST, first);
    this.#setWord(slot, SECOND, second);
    this.#setOwn(slot, own);
    const posted = Atomics.load(this.#words, POSTED);
    Atomics.store(this.#words, this.#ringAt(posted), slot);
    Atomics.store(this.#words, POSTED, posted + 1);
    Atomics.notify(this.#words, POSTED);
  }

  /** Takes the next job's number; {@linkcode JobQueue.slotOf} waits until the job is there. */
  takeNumber(): number {
    return Atomics.add(this.#words, TAKEN, 1);
  }

  /**
   * Waits for the job of a number and returns its slot, or `undefined` when there was none within
   * `millis` milliseconds or the queue has stopped.
   */
  slotOf(number: number, millis: number): number | undefined {
    const posted = Atomics.load(this.#words, POSTED);
    if (posted <= number && !this.hasStopped) Atomics.wait(this.#words, POSTED, posted, millis);
    if (this.hasStopped || Atomics.load(this.#words, POSTED) <= number) return undefined;
    return Atomics.load(this.#words, this.#ringAt(number));
  }

  /** Returns the job in a slot. */
  job(slot: number): ClientJob {
    const kind = KINDS[this.#word(slot, KIND)] ?? "train";
    const first = this.#word(slot, FIRST), second = this.#word(slot, SECOND);
    switch (kind) {
      case "join":
        return { kind, rank: second };
      case "test":
        return { kind, from: first, to: second };
      default:
        return { kind, round: first, rank: second };
    }
  }

  /** Returns the vector that the client of the job in a slot has kept. */
  own(slot: number): Float32Array<ArrayBuffer> | undefined {
    if (this.#word(slot, HAS_OWN) === 0) return undefined;
    const { own, length } = this.#memory;
    return sharedVector(own, slot * length, length);
  }

  /** Writes the outcome of the job in a slot, and wakes the program. */
  finish(slot: number, outcome: JobOutcome): void {
    switch (outcome.kind) {
      case "joined":
        this.#setFigure(slot, SAMPLES, outcome.numSamples);
        break;
      case "trained": {
        const { result: { numSamples, loss, steps, metrics }, update, own } = outcome;
        this.#setFigure(slot, SAMPLES, numSamples);
        this.#setFigure(slot, LOSS, loss);
        this.#setFigure(slot, STEPS, steps);
        if (!this.#setText(slot, METRICS_BYTES, JSON.stringify(metrics))) {
          const reason = `Cannot send the metrics: they are longer than ${METRICS_BYTES} bytes`;
          return this.finish(slot, { kind: "failed", reason, stays: false });
        }
        this.#update(slot).set(update);
        this.#setOwn(slot, own);
        break;
      }
      case "evaluated": {
        const { result: { numSamples, loss, accuracy = NaN }, counts } = outcome;
        this.#setFigure(slot, SAMPLES, numSamples);
        this.#setFigure(slot, LOSS, loss);
        this.#setFigure(slot, ACCURACY, accuracy);
        this.#setWord(slot, HAS_COUNTS, counts ? 1 : 0);
        if (counts) this.#counts(slot).set(counts);
        break;
      }
      case "failed":
        this.#setText(slot, REASON_BYTES, outcome.reason);
        return this.#end(slot, outcome.stays ? CANNOT_TRAIN : FAILED);
    }
    this.#end(slot, DONE_WELL);
  }

  /** Returns the outcome of the job in a slot, or `undefined` while it is under way. */
  outcome(slot: number): JobOutcome | undefined {
    const status = Atomics.load(this.#words, this.#wordAt(slot, STATUS));
    if (status === PENDING) return undefined;
    if (status !== DONE_WELL) {
      return { kind: "failed", reason: this.#text(slot), stays: status === CANNOT_TRAIN };
    }
    const numSamples = this.#figure(slot, SAMPLES), loss = this.#figure(slot, LOSS);
    switch (KINDS[this.#word(slot, KIND)]) {
      case "join":
        return { kind: "joined", numSamples };
      case "train": {
        const steps = this.#figure(slot, STEPS), own = this.own(slot);
        const result = { numSamples, steps, loss, metrics: JSON.parse(this.#text(slot)) };
        return { kind: "trained", result, update: this.#update(slot), ...(own && { own }) };
      }
      default: {
        const accuracy = this.#figure(slot, ACCURACY);
        const result = { numSamples, loss, ...(!isNaN(accuracy) && { accuracy }) };
        const hasCounts = this.#word(slot, HAS_COUNTS) === 1;
        return { kind: "evaluated", result, ...(hasCounts && { counts: this.#counts(slot) }) };
      }
    }
  }

  /** Number of jobs that have ended. */
  get done(): number {
    return Atomics.load(this.#words, DONE);
  }

  /** Makes {@linkcode JobQueue.moreDone} resolve. */
  wake(): void {
    Atomics.add(this.#words, DONE, 1);
    Atomics.notify(this.#words, DONE);
  }

  /** Resolves when more than `than` jobs have ended. */
  async moreDone(than: number): Promise<void> {
    const wait = Atomics.waitAsync(this.#words, DONE, than);
    if (wait.async) await wait.value;
  }

  /** Reports whether no more jobs are to be taken. */
  get hasStopped(): boolean {
    return Atomics.load(this.#words, STOPPED) === 1;
  }

  /** Makes the workers end. */
  stop(): void {
    Atomics.store(this.#words, STOPPED, 1);
    Atomics.notify(this.#words, POSTED);
  }

  #end(slot: number, status: number): void {
    Atomics.store(this.#words, this.#wordAt(slot, STATUS), status);
    this.wake();
  }

  #update(slot: number): Float32Array<ArrayBuffer> {
    const { updates, length } = this.#memory;
    return sharedVector(updates, slot * length, length);
  }

  #counts(slot: number): Uint32Array {
    const { counts, counted } = this.#memory;
    return new Uint32Array(counts, 4 * slot * counted, counted);
  }

  #setOwn(slot: number, own: Float32Array | undefined): void {
    const keeps = own !== undefined && this.#memory.own.byteLength > 0;
    this.#setWord(slot, HAS_OWN, keeps ? 1 : 0);
    if (keeps) this.own(slot)?.set(own);
  }

  #figure(slot: number, figure: number): number {
    return this.#figures[slot * SLOT_FIGURES + figure] ?? NaN;
  }

  #setFigure(slot: number, figure: number, value: number): void {
    this.#figures[slot * SLOT_FIGURES + figure] = value;
  }

  #text(slot: number): string {
    return readText(this.#memory.text, slot * METRICS_BYTES);
  }

  #setText(slot: number, room: number, text: string): boolean {
    return writeText(this.#memory.text, slot * METRICS_BYTES, room, text);
  }

  #ringAt(number: number): number {
    const { slots } = this.#memory;
    return HEAD_WORDS + slots * SLOT_WORDS + number % slots;
  }

  #wordAt(slot: number, word: number): number {
    return HEAD_WORDS + slot * SLOT_WORDS + word;
  }

  #word(slot: number, word: number): number {
    return this.#words[this.#wordAt(slot, word)] ?? 0;
  }

  #setWord(slot: number, word: number, value: number): void {
    this.#words[this.#wordAt(slot, word)] = value;
  }
}

/** Returns the two numbers of a job. */
function numbersOf(job: ClientJob): [first: number, second: number] {
  switch (job.kind) {
    case "join":
      return [0, job.rank];
    case "test":
      return [job.from, job.to];
    default:
      return [job.round, job.rank];
  }
}
