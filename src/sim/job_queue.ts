import type { ClientJob, JobOutcome, RoundInput } from "./client_pool.ts";
import { type OutcomeMemory, OutcomeSlots, type OutcomeSlotsOptions } from "./outcome_slots.ts";
import { readText, sharedVector, writeText } from "./shared_memory.ts";

const KINDS = ["join", "train", "evaluate", "test"] as const;

/** The words at the queue's head. */
const TAKEN = 0, POSTED = 1, DONE = 2, STOPPED = 3, INPUTS = 4;
const HEAD_WORDS = 5;
/** The words of a slot: its state and its job. */
const STATUS = 0, KIND = 1, FIRST = 2, SECOND = 3;
const SLOT_WORDS = 4;
/** The states of a slot. */
const PENDING = 0, DONE_WELL = 1, FAILED = 2, CANNOT_TRAIN = 3;

const PLAN_BYTES = 1_048_576;

/** A queue's memory, in a form that can be posted to a worker. */
export interface JobQueueMemory {
  readonly slots: number;
  readonly words: SharedArrayBuffer;
  readonly plan: SharedArrayBuffer;
  readonly parameters: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
  readonly outcomes: OutcomeMemory;
}

/** Options of {@linkcode JobQueue.create}. */
export interface JobQueueOptions extends OutcomeSlotsOptions {
  /** The server publishes a second vector. */
  readonly hasControl: boolean;
}

/**
 * Queue of jobs in memory that a program shares with its workers, with the input of the round and a
 * slot for the outcome of each job. A worker takes the next job by itself, and sleeps while there
 * is none.
 *
 * ```text
 * words  | TAKEN POSTED DONE STOPPED INPUTS | slot 0: STATUS KIND FIRST SECOND | slot 1 | … | ring
 * |
 * ring   | number of a job modulo the number of slots → its slot
 * ```
 */
export class JobQueue {
  readonly #memory: JobQueueMemory;
  readonly #words: Int32Array;
  readonly #parameters: Float32Array<ArrayBuffer>;
  readonly #control: Float32Array<ArrayBuffer>;
  readonly #outcomes: OutcomeSlots;
  #input: { readonly number: number; readonly input: RoundInput } | undefined;

  /** Uses the memory of another thread's queue. */
  constructor(memory: JobQueueMemory) {
    this.#memory = memory;
    this.#words = new Int32Array(memory.words);
    this.#parameters = sharedVector(memory.parameters);
    this.#control = sharedVector(memory.control);
    this.#outcomes = new OutcomeSlots(memory.outcomes);
  }

  /**
   * Creates a queue.
   *
   * @throws {RangeError} If the system does not give the memory.
   */
  static create(options: JobQueueOptions): JobQueue {
    const { slots, length, hasControl } = options;
    const bytes = length * Float32Array.BYTES_PER_ELEMENT;
    return new JobQueue({
      slots,
      words: new SharedArrayBuffer(4 * (HEAD_WORDS + slots * (SLOT_WORDS + 1))),
      plan: new SharedArrayBuffer(PLAN_BYTES),
      parameters: new SharedArrayBuffer(bytes),
      control: new SharedArrayBuffer(hasControl ? bytes : 0),
      outcomes: OutcomeSlots.create(options).memory,
    });
  }

  /** The memory, for a worker. */
  get memory(): JobQueueMemory {
    return this.#memory;
  }

  /** Input of the round; its vectors are views of shared memory. */
  get input(): RoundInput {
    const number = Atomics.load(this.#words, INPUTS);
    if (this.#input?.number !== number) {
      const input = {
        plan: JSON.parse(readText(this.#memory.plan)),
        parameters: this.#parameters,
        ...(this.#control.length > 0 && { control: this.#control }),
      };
      this.#input = { number, input };
    }
    return this.#input.input;
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
    Atomics.add(this.#words, INPUTS, 1);
  }

  /** Adds a job, in a slot that is free, with the vector that its client has kept. */
  enqueue(slot: number, job: ClientJob, own?: Float32Array): void {
    const [first, second] = numbersOf(job);
    this.#setWord(slot, STATUS, PENDING);
    this.#setWord(slot, KIND, KINDS.indexOf(job.kind));
    this.#setWord(slot, FIRST, first);
    this.#setWord(slot, SECOND, second);
    this.#outcomes.setOwn(slot, own);
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
    return this.#outcomes.own(slot);
  }

  /** Writes the outcome of the job in a slot, and wakes the program. */
  finish(slot: number, outcome: JobOutcome): void {
    const written = this.#outcomes.write(slot, outcome);
    const failure = written.kind === "failed" && (written.stays ? CANNOT_TRAIN : FAILED);
    Atomics.store(this.#words, this.#wordAt(slot, STATUS), failure || DONE_WELL);
    this.wake();
  }

  /** Returns the outcome of the job in a slot, or `undefined` while it is under way. */
  outcome(slot: number): JobOutcome | undefined {
    const status = Atomics.load(this.#words, this.#wordAt(slot, STATUS));
    if (status === PENDING) return undefined;
    if (status === DONE_WELL) return this.#outcomes.read(slot, this.job(slot).kind);
    return this.#outcomes.readFailure(slot, status === CANNOT_TRAIN);
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
