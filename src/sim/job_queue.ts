import type { ClientJob, JobOutcome } from "./client_pool.ts";
import { type OutcomeMemory, OutcomeSlots, type OutcomeSlotsOptions } from "./outcome_slots.ts";
import { SharedInput, type SharedInputMemory, type SharedInputOptions } from "./shared_input.ts";

const KINDS = ["join", "train", "evaluate", "test"] as const;

/** The words at the queue's head. */
const TAKEN = 0, POSTED = 1, DONE = 2, STOPPED = 3, ASLEEP = 4, AWAITED = 5, LIST = 6;
const HEAD_WORDS = 7;
/** The words of a slot: its state and its job. */
const STATUS = 0, KIND = 1, FIRST = 2, SECOND = 3;
const SLOT_WORDS = 4;
/** The states of a slot. */
const PENDING = 0, DONE_WELL = 1, FAILED = 2, CANNOT_TRAIN = 3;

/**
 * Number of looks at a word before a thread sleeps until it changes: some 50 µs, about as long as
 * it takes to wake a thread.
 */
const LOOKS = 2000;

/** A queue's memory, in a form that can be posted to a worker. */
export interface JobQueueMemory {
  readonly slots: number;
  readonly words: SharedArrayBuffer;
  readonly input: SharedInputMemory;
  readonly outcomes: OutcomeMemory;
}

/** Options of {@linkcode JobQueue.create}. */
export interface JobQueueOptions extends OutcomeSlotsOptions, SharedInputOptions {}

/**
 * Queue of jobs in memory that a program shares with its workers, with the input of the round and
 * slots for the outcomes of jobs. Each thread takes the next job by itself. It looks for one for a
 * moment before it sleeps, and is woken only when it sleeps: a list of short jobs is done without
 * a wake for each.
 *
 * ```text
 * head   | TAKEN POSTED DONE STOPPED ASLEEP AWAITED LIST
 * slots  | slot 0: STATUS KIND FIRST SECOND | slot 1 | …
 * ```
 *
 * Jobs are numbered from 0 as they are posted. Those of a list take the slots in turn, from the
 * first slot on: the program takes the outcomes in the order of the jobs, so that slots become free
 * in this order.
 */
export class JobQueue {
  readonly #memory: JobQueueMemory;
  readonly #words: Int32Array;
  readonly #outcomes: OutcomeSlots;
  /** Input of the round. */
  readonly input: SharedInput;

  /** Uses the memory of another thread's queue. */
  constructor(memory: JobQueueMemory) {
    this.#memory = memory;
    this.#words = new Int32Array(memory.words);
    this.input = new SharedInput(memory.input);
    this.#outcomes = new OutcomeSlots(memory.outcomes);
  }

  /**
   * Creates a queue.
   *
   * @throws {RangeError} If the system does not give the memory.
   */
  static create(options: JobQueueOptions): JobQueue {
    const { slots } = options;
    return new JobQueue({
      slots,
      words: new SharedArrayBuffer(4 * (HEAD_WORDS + slots * SLOT_WORDS)),
      input: SharedInput.create(options).memory,
      outcomes: OutcomeSlots.create(options).memory,
    });
  }

  /** The memory, for a worker. */
  get memory(): JobQueueMemory {
    return this.#memory;
  }

  /** Begins a list of jobs, once all jobs before are done, and returns the number of its first. */
  begin(): number {
    const { posted } = this;
    Atomics.store(this.#words, LIST, posted);
    return posted;
  }

  /** Number of jobs posted so far: the number of the next job. */
  get posted(): number {
    return Atomics.load(this.#words, POSTED);
  }

  /**
   * Writes a job, with the vector that its client has kept, into the slot of its number, which is
   * free. {@linkcode JobQueue.post} makes it known.
   */
  write(number: number, job: ClientJob, own?: Float32Array): void {
    const slot = this.#slotOf(number), [first, second] = numbersOf(job);
    this.#setWord(slot, STATUS, PENDING);
    this.#setWord(slot, KIND, KINDS.indexOf(job.kind));
    this.#setWord(slot, FIRST, first);
    this.#setWord(slot, SECOND, second);
    this.#outcomes.setOwn(slot, own);
  }

  /** Posts all jobs before that number, and wakes as many sleeping workers as there are jobs. */
  post(end: number): void {
    const more = end - this.posted;
    Atomics.store(this.#words, POSTED, end);
    if (Atomics.load(this.#words, ASLEEP) > 0) Atomics.notify(this.#words, POSTED, more);
  }

  /** Takes the next job and returns its number; `undefined` if there is none. */
  take(): number | undefined {
    for (;;) {
      const number = Atomics.load(this.#words, TAKEN);
      if (this.hasStopped || number >= this.posted) return undefined;
      if (Atomics.compareExchange(this.#words, TAKEN, number, number + 1) === number) return number;
    }
  }

  /**
   * Waits in a worker until there may be a job to take, or the queue has stopped.
   *
   * @returns Whether that was so within `millis` milliseconds.
   */
  waitForJob(millis: number): boolean {
    const words = this.#words;
    const mayGoOn = () => Atomics.load(words, TAKEN) < this.posted || this.hasStopped;
    for (let i = 0; i < LOOKS; i++) if (mayGoOn()) return true;
    Atomics.add(words, ASLEEP, 1);
    const posted = this.posted;
    if (!mayGoOn()) Atomics.wait(words, POSTED, posted, millis);
    Atomics.sub(words, ASLEEP, 1);
    return mayGoOn();
  }

  /** Returns the job of a number. */
  job(number: number): ClientJob {
    const slot = this.#slotOf(number);
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

  /** Returns the vector that the client of a job has kept. */
  own(number: number): Float32Array<ArrayBuffer> | undefined {
    return this.#outcomes.own(this.#slotOf(number));
  }

  /** Writes the outcome of a job, and wakes the program if it waits for this job. */
  finish(number: number, outcome: JobOutcome): void {
    const slot = this.#slotOf(number);
    const written = this.#outcomes.write(slot, outcome);
    const failure = written.kind === "failed" && (written.stays ? CANNOT_TRAIN : FAILED);
    Atomics.store(this.#words, this.#wordAt(slot, STATUS), failure || DONE_WELL);
    if (Atomics.load(this.#words, AWAITED) === slot + 1) this.wake();
  }

  /** Returns true once a job has ended. */
  isDone(number: number): boolean {
    return Atomics.load(this.#words, this.#wordAt(this.#slotOf(number), STATUS)) !== PENDING;
  }

  /** Returns the outcome of a job that has ended. */
  outcome(number: number): JobOutcome {
    const slot = this.#slotOf(number);
    const status = Atomics.load(this.#words, this.#wordAt(slot, STATUS));
    if (status === DONE_WELL) return this.#outcomes.read(slot, this.job(number).kind);
    return this.#outcomes.readFailure(slot, status === CANNOT_TRAIN);
  }

  /** Makes {@linkcode JobQueue.waitForEnd} resolve. */
  wake(): void {
    Atomics.add(this.#words, DONE, 1);
    Atomics.notify(this.#words, DONE);
  }

  /**
   * Waits in the program until a job has ended, or {@linkcode JobQueue.wake} was called.
   *
   * @param hasFailed Returns true if the wait is to end at once.
   */
  async waitForEnd(number: number, hasFailed: () => boolean): Promise<void> {
    for (let i = 0; i < LOOKS; i++) if (this.isDone(number)) return;
    const words = this.#words, done = Atomics.load(words, DONE);
    Atomics.store(words, AWAITED, this.#slotOf(number) + 1);
    if (!this.isDone(number) && !hasFailed()) {
      const wait = Atomics.waitAsync(words, DONE, done);
      if (wait.async) await wait.value;
    }
    Atomics.store(words, AWAITED, 0);
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

  #slotOf(number: number): number {
    return (number - Atomics.load(this.#words, LIST)) % this.#memory.slots;
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
