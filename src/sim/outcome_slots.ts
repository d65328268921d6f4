import { finiteMetrics, type Metrics } from "../plan/results.ts";
import type { ClientJob, JobOutcome } from "./client_pool.ts";
import { type ScoreMemory, ScoreSlots } from "./score_slots.ts";
import { readText, sharedVector, writeText } from "./shared_memory.ts";

/** Numbers of an outcome: those of a training, or of an evaluation. `NaN` stands for none. */
const SAMPLES = 0, LOSS = 1, STEPS = 2, ACCURACY = 3;
const SLOT_FIGURES = 4;
/** Vectors and text that are in a slot. */
const HAS_OWN = 0, HAS_COUNTS = 1, HAS_METRICS = 2;
const SLOT_FLAGS = 3;

/** Bytes of the reason of a failure. */
const REASON_BYTES = 1024;
/**
 * Bytes of the metrics as JSON, which is at most 6 times as long as in a message, whose fields have
 * at most 64 KiB.
 */
const METRICS_BYTES = 6 * 65_536;

/** Memory of {@linkcode OutcomeSlots}, in a form that can be posted to a worker. */
export interface OutcomeMemory {
  /** Number of values of a vector. */
  readonly length: number;
  /** Number of counts of a slot. */
  readonly counted: number;
  readonly flags: SharedArrayBuffer;
  readonly figures: SharedArrayBuffer;
  readonly text: SharedArrayBuffer;
  readonly scores: ScoreMemory;
  readonly updates: SharedArrayBuffer;
  readonly own: SharedArrayBuffer;
  readonly counts: SharedArrayBuffer;
}

/** Options of {@linkcode OutcomeSlots.create}. */
export interface OutcomeSlotsOptions {
  /** Number of slots. */
  readonly slots: number;
  /** Number of values of a parameter vector. */
  readonly length: number;
  /** Clients keep a vector from round to round. */
  readonly keepsOwn: boolean;
  /** Length of the counts of a `test` job. */
  readonly counts: number;
}

/**
 * Slots for the outcomes of jobs, in memory that threads share. A slot is written by the thread
 * that does its job, and read by the program once the job has ended.
 *
 * ```text
 * figures  | slot 0: samples, loss, steps, accuracy | slot 1 | …
 * text     | slot 0: metrics, or the reason           | slot 1 | …
 * scores   | slot 0: histograms of an evaluation    | slot 1 | …
 * updates  | slot 0: one vector                       | slot 1 | …
 * own      | slot 0: one vector, where clients keep one          | …
 * counts   | slot 0: the confusion matrix of a test   | slot 1 | …
 * ```
 */
export class OutcomeSlots {
  readonly #memory: OutcomeMemory;
  readonly #flags: Uint8Array;
  readonly #figures: Float64Array;
  readonly #scores: ScoreSlots;

  /** Uses the memory of another thread's slots. */
  constructor(memory: OutcomeMemory) {
    this.#memory = memory;
    this.#flags = new Uint8Array(memory.flags);
    this.#figures = new Float64Array(memory.figures);
    this.#scores = new ScoreSlots(memory.scores);
  }

  /**
   * Creates slots.
   *
   * @throws {RangeError} If the system does not give the memory.
   */
  static create({ slots, length, keepsOwn, counts }: OutcomeSlotsOptions): OutcomeSlots {
    const bytes = length * Float32Array.BYTES_PER_ELEMENT;
    return new OutcomeSlots({
      length,
      counted: counts,
      flags: new SharedArrayBuffer(slots * SLOT_FLAGS),
      figures: new SharedArrayBuffer(8 * slots * SLOT_FIGURES),
      text: new SharedArrayBuffer(slots * METRICS_BYTES),
      scores: ScoreSlots.createMemory(slots),
      updates: new SharedArrayBuffer(slots * bytes),
      own: new SharedArrayBuffer(keepsOwn ? slots * bytes : 0),
      counts: new SharedArrayBuffer(4 * slots * counts),
    });
  }

  /** The memory, for a worker. */
  get memory(): OutcomeMemory {
    return this.#memory;
  }

  /** Returns a view of the client's own vector in a slot. */
  own(slot: number): Float32Array<ArrayBuffer> | undefined {
    if (this.#flags[slot * SLOT_FLAGS + HAS_OWN] !== 1) return undefined;
    const { own, length } = this.#memory;
    return sharedVector(own, slot * length, length);
  }

  /** Copies a client's own vector into a slot, where clients keep one. */
  setOwn(slot: number, vector: Float32Array | undefined): void {
    const keeps = vector !== undefined && this.#memory.own.byteLength > 0;
    this.#flags[slot * SLOT_FLAGS + HAS_OWN] = keeps ? 1 : 0;
    if (keeps) this.own(slot)?.set(vector);
  }

  /**
   * Writes an outcome. Metrics that are longer than a message may be make it a failure, which it
   * returns.
   */
  write(slot: number, outcome: JobOutcome): JobOutcome {
    switch (outcome.kind) {
      case "joined":
        this.#setFigure(slot, SAMPLES, outcome.numSamples);
        return outcome;
      case "trained": {
        const { result: { numSamples, loss, steps, metrics }, update, own } = outcome;
        if (!this.#setMetrics(slot, metrics)) return this.#tooLong(slot);
        this.#setFigure(slot, SAMPLES, numSamples);
        this.#setFigure(slot, LOSS, loss);
        this.#setFigure(slot, STEPS, steps);
        this.#update(slot).set(update);
        this.setOwn(slot, own);
        return outcome;
      }
      case "evaluated": {
        const { result, counts } = outcome;
        const { numSamples, loss, accuracy = NaN, metrics, sums, onTrainingRows } = result;
        const further = {
          ...(metrics && { metrics: finiteMetrics(metrics) }),
          ...(sums && { sums: this.#scores.takeOut(slot, sums) }),
          ...(onTrainingRows && { onTrainingRows }),
        };
        if (!this.#setFurther(slot, further)) return this.#tooLong(slot);
        this.#setFigure(slot, SAMPLES, numSamples);
        this.#setFigure(slot, LOSS, loss);
        this.#setFigure(slot, ACCURACY, accuracy);
        this.#flags[slot * SLOT_FLAGS + HAS_COUNTS] = counts ? 1 : 0;
        if (counts) this.#counts(slot).set(counts);
        return outcome;
      }
      case "summed":
        throw new TypeError("Cannot write an outcome: its update is in a sum");
      case "failed":
        this.#setText(slot, REASON_BYTES, outcome.reason);
        return outcome;
    }
  }

  /** Returns the outcome of a job that has ended well. */
  read(slot: number, kind: ClientJob["kind"]): JobOutcome {
    const numSamples = this.#figure(slot, SAMPLES), loss = this.#figure(slot, LOSS);
    switch (kind) {
      case "join":
        return { kind: "joined", numSamples };
      case "train": {
        const steps = this.#figure(slot, STEPS), own = this.own(slot);
        const result = { numSamples, steps, loss, metrics: this.#metrics(slot) };
        return { kind: "trained", result, update: this.#update(slot), ...(own && { own }) };
      }
      case "evaluate":
      case "test": {
        const accuracy = this.#figure(slot, ACCURACY);
        const result = {
          numSamples,
          loss,
          ...(!isNaN(accuracy) && { accuracy }),
          ...this.#further(slot),
        };
        const hasCounts = this.#flags[slot * SLOT_FLAGS + HAS_COUNTS] === 1;
        return { kind: "evaluated", result, ...(hasCounts && { counts: this.#counts(slot) }) };
      }
    }
  }

  /** Returns the outcome of a job that has failed. */
  readFailure(slot: number, stays: boolean): JobOutcome {
    return { kind: "failed", reason: this.#text(slot), stays };
  }

  /**
   * Writes metrics, as text unless the accuracy is the only one. Returns false if they are too
   * long.
   */
  #setMetrics(slot: number, metrics: Metrics): boolean {
    const { accuracy = NaN, ...others } = metrics;
    const hasOthers = Object.keys(others).length > 0;
    this.#setFigure(slot, ACCURACY, accuracy);
    this.#flags[slot * SLOT_FLAGS + HAS_METRICS] = hasOthers ? 1 : 0;
    return !hasOthers || this.#setText(slot, METRICS_BYTES, JSON.stringify(metrics));
  }

  /** Writes what a result has besides its numbers. Returns false if that is too long. */
  #setFurther(slot: number, further: object): boolean {
    const hasAny = Object.keys(further).length > 0;
    this.#flags[slot * SLOT_FLAGS + HAS_METRICS] = hasAny ? 1 : 0;
    return !hasAny || this.#setText(slot, METRICS_BYTES, JSON.stringify(further));
  }

  #further(slot: number): object {
    if (this.#flags[slot * SLOT_FLAGS + HAS_METRICS] !== 1) return {};
    const { sums, ...further } = JSON.parse(this.#text(slot));
    return { ...further, ...(sums && { sums: this.#scores.putBack(slot, sums) }) };
  }

  #tooLong(slot: number): JobOutcome {
    const reason = `Cannot send the metrics: they are longer than ${METRICS_BYTES} bytes`;
    return this.write(slot, { kind: "failed", reason, stays: false });
  }

  #metrics(slot: number): Metrics {
    if (this.#flags[slot * SLOT_FLAGS + HAS_METRICS] === 1) return JSON.parse(this.#text(slot));
    const accuracy = this.#figure(slot, ACCURACY);
    return isNaN(accuracy) ? {} : { accuracy };
  }

  #update(slot: number): Float32Array<ArrayBuffer> {
    const { updates, length } = this.#memory;
    return sharedVector(updates, slot * length, length);
  }

  #counts(slot: number): Uint32Array {
    const { counts, counted } = this.#memory;
    return new Uint32Array(counts, 4 * slot * counted, counted);
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
}
