/**
 * Models of sequences, a step at a time.
 *
 * @module
 */

import { isRecord } from "../base/json.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { ModelDescription } from "../train/handler.ts";
import { checkSampleValues } from "../train/models/model_limits.ts";
import { type Graph, UnsupportedModelError } from "./graph/graph.ts";
import { readGraph } from "./graph/read_graph.ts";
import { sizeOf } from "./graph/shapes.ts";
import { parametersFor } from "./inference.ts";
import { type Layout, layOut } from "./layout.ts";
import { NO_BYTES } from "./layout_size.ts";
import { checkEmbeddings } from "./ops/embedding.ts";

/** Layers that compute each step by itself, beside recurrent ones. */
const BY_STEP: ReadonlySet<string> = new Set([
  ...["input", "embedding", "dense", "activation", "dropout", "layerNorm", "reshape", "add"],
]);

/**
 * Model of sequences that takes one step after the other, and keeps its states between them. It
 * runs on the native kernels.
 *
 * @example The first step of a language model
 * ```ts
 * import { ModelStepper } from "@fedlab/core/engine";
 * import { languageModel } from "@fedlab/core/train";
 * import { initialParameters } from "@fedlab/core";
 * import { assertEquals } from "@std/assert";
 *
 * const model = languageModel({ symbols: 9, steps: 80, layers: 1, units: 4 });
 * const stepper = new ModelStepper(model, await initialParameters(model, 1));
 * assertEquals(stepper.step(1).length, 9);
 * ```
 */
export class ModelStepper {
  /** Number of steps of the sequences that the model is trained on. */
  readonly steps: number;
  readonly #layout: Layout;
  readonly #states: readonly Float32Array<ArrayBuffer>[];
  readonly #output: Float32Array<ArrayBuffer>;
  readonly #words: number;

  /**
   * Makes a model ready for its first step.
   *
   * @param trained Layout of the parameters, whose names and shapes must be those of the model, and
   * their values.
   * @throws {UnsupportedModelError} If a layer needs other steps than those before it, or has no
   * kernel.
   * @throws {RangeError} If the model takes no symbols, or the parameters are not its own.
   */
  constructor(
    model: ModelDescription,
    trained: { readonly manifest: Manifest; readonly parameters: ParameterVector },
  ) {
    this.steps = stepsOf(readGraph(model));
    const graph = readGraph({ ...model, topology: oneStep(model.topology) });
    checkSteps(graph);
    checkEmbeddings(graph);
    checkSampleValues(graph.nodes);
    this.#layout = layOut(graph, { distance: 0, add: 1 }, {
      ...{ maxRows: 1, capacity: 0, bytes: NO_BYTES, clips: false, extras: [], carries: true },
    });
    const { vector, program: { states, output }, exports } = this.#layout;
    const memory = exports.memory.buffer as ArrayBuffer;
    vector.set(parametersFor(graph.manifest, trained.manifest, trained.parameters));
    this.#states = states.map(({ at, length }) => new Float32Array(memory, at, length));
    this.#output = new Float32Array(memory, output.at, output.length);
    this.#words = wordsOf(graph);
  }

  /**
   * Takes a step, and gives the outputs: memory that the next step overwrites.
   *
   * @throws {RangeError} If the model has no such symbol.
   */
  step(symbol: number): Float32Array {
    if (!Number.isInteger(symbol) || symbol < 0 || symbol >= this.#words) {
      throw new RangeError(
        `Cannot take a step: expected a symbol from 0 to ${this.#words - 1}, got ${symbol}`,
      );
    }
    const { input, program } = this.#layout;
    input[0] = symbol;
    program.forward(1, false);
    return this.#output;
  }

  /** States of all recurrent layers: a copy, from which the model can go on later. */
  get state(): Float32Array {
    const state = new Float32Array(this.#states.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const own of this.#states) {
      state.set(own, at);
      at += own.length;
    }
    return state;
  }

  /** @throws {RangeError} If a state has another length. */
  set state(state: Float32Array) {
    const length = this.#states.reduce((sum, { length }) => sum + length, 0);
    if (state.length !== length) {
      throw new RangeError(`Cannot set the state: expected ${length} values, got ${state.length}`);
    }
    let at = 0;
    for (const own of this.#states) own.set(state.subarray(at, at += own.length));
  }

  /** Begins a new sequence. */
  reset(): void {
    for (const own of this.#states) own.fill(0);
  }
}

/** Returns the number of steps that a model takes. */
function stepsOf({ nodes }: Graph): number {
  const shape = nodes[0]?.shape ?? [];
  const [steps, ...others] = shape;
  if (steps !== undefined && others.length === 0 && nodes[1]?.layer.type === "embedding") {
    return steps;
  }
  throw new RangeError(
    `Cannot take steps of the model: expected sequences of symbols [steps] and an Embedding, got samples of shape [${shape}]`,
  );
}

/** Returns a topology whose sequences have one step. */
function oneStep(topology: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(topology).map(([key, value]) => {
      const isShape = /^batch_?(?:input_?)?shape$/i.test(key) && Array.isArray(value);
      return [key, isShape ? [null, 1] : /^input_?length$/i.test(key) ? 1 : oneStepIn(value)];
    }),
  );
}

function oneStepIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(oneStepIn);
  return isRecord(value) ? oneStep(value) : value;
}

/** Refuses layers that need steps to come. */
function checkSteps({ nodes }: Graph): void {
  for (const { name, layer } of nodes) {
    const isCausal = layer.type === "recurrent"
      ? layer.returnSequences && !layer.backwards
      : BY_STEP.has(layer.type);
    if (isCausal) continue;
    throw new UnsupportedModelError(
      `Cannot take steps of the model: expected layers that need no steps to come, got ${name}`,
    );
  }
}

/** Returns the number of symbols of a model. */
function wordsOf({ nodes, manifest }: Graph): number {
  const table = nodes[1]?.parameters[0]?.tensor ?? -1;
  const [words = sizeOf(nodes[0]?.shape ?? [])] = manifest.tensors[table]?.shape ?? [];
  return words;
}
