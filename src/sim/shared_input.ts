import { noteFinite } from "../params/finite_vectors.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { RoundInput } from "./client_pool.ts";
import { readText, sharedVector, writeText } from "./shared_memory.ts";

/** Most values of an input of which each thread makes a copy of its own. */
const MOST_COPIED = 2 ** 20;

const PLAN_BYTES = 1_048_576;

/** Memory of {@linkcode SharedInput}, in a form that can be posted to a worker. */
export interface SharedInputMemory {
  /** Number of inputs that were published. */
  readonly count: SharedArrayBuffer;
  readonly plan: SharedArrayBuffer;
  readonly parameters: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
}

/** Options of {@linkcode SharedInput.create}. */
export interface SharedInputOptions {
  /** Number of values of a parameter vector. */
  readonly length: number;
  /** The server publishes a second vector. */
  readonly hasControl: boolean;
}

/** Input of a round in memory that threads share. The program writes it while no job runs. */
export class SharedInput {
  readonly #memory: SharedInputMemory;
  readonly #count: Int32Array;
  readonly #parameters: Float32Array<ArrayBuffer>;
  readonly #control: Float32Array<ArrayBuffer>;
  #read: { readonly number: number; readonly input: RoundInput } | undefined;

  /** Uses the memory of another thread's input. */
  constructor(memory: SharedInputMemory) {
    this.#memory = memory;
    this.#count = new Int32Array(memory.count);
    this.#parameters = sharedVector(memory.parameters);
    this.#control = sharedVector(memory.control);
  }

  /**
   * Creates memory for an input.
   *
   * @throws {RangeError} If the system does not give the memory.
   */
  static create({ length, hasControl }: SharedInputOptions): SharedInput {
    const bytes = length * Float32Array.BYTES_PER_ELEMENT;
    return new SharedInput({
      count: new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT),
      plan: new SharedArrayBuffer(PLAN_BYTES),
      parameters: new SharedArrayBuffer(bytes),
      control: new SharedArrayBuffer(hasControl ? bytes : 0),
    });
  }

  /** The memory, for a worker. */
  get memory(): SharedInputMemory {
    return this.#memory;
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
    Atomics.add(this.#count, 0, 1);
  }

  /** Returns the last input; its vectors are valid until the next one is published. */
  read(): RoundInput {
    const number = Atomics.load(this.#count, 0), last = this.#read;
    if (last?.number === number) return last.input;
    const parameters = ownCopy(this.#parameters, last?.input.parameters);
    noteFinite(parameters);
    const input = {
      plan: JSON.parse(readText(this.#memory.plan)),
      parameters,
      ...(this.#control.length > 0 && {
        control: ownCopy(this.#control, last?.input.control),
      }),
    };
    this.#read = { number, input };
    return input;
  }
}

/** Copies a vector out of shared memory, which is slow to read, unless it is long. */
function ownCopy(vector: ParameterVector, into: ParameterVector | undefined): ParameterVector {
  if (vector.length > MOST_COPIED) return vector;
  if (into === undefined) return vector.slice();
  into.set(vector);
  return into;
}
