import type { Dataset } from "../../data/dataset.ts";
import { ALIGNMENT, roomFor } from "../../params/_arena.ts";
import type { Pointer } from "../../params/_instance.ts";
import { stats } from "../../params/kernels.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import { LOSSES } from "../_losses.ts";
import type { BatchLoss, Trainer } from "../_trainer.ts";
import type { TrainPlan } from "../handler.ts";
import { isPlain } from "../_plan.ts";
import type { Graph } from "./_graph.ts";
import { createEngineArena, type EngineExports } from "./_kernels.ts";
import type { Place, Target } from "./_op.ts";
import { type Extra, extrasOf, Optimizer, RULE_LENGTH, type UpdateMemory } from "./_optimizer.ts";
import { compile, type Program } from "./_program.ts";

/** Rows that are worked on at once, in training and in evaluation: more need memory and gain nothing. */
const ROWS = 256;
const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Memory with all that a trainer works on. */
interface Layout extends UpdateMemory {
  readonly maxRows: number;
  readonly gradient: ParameterVector;
  readonly order: Uint32Array<ArrayBuffer>;
  readonly output: Float32Array<ArrayBuffer>;
  readonly outputGradient: Float32Array<ArrayBuffer>;
  /** Where the kernels put a batch's loss and number of right answers. */
  readonly total: Float64Array<ArrayBuffer>;
  /** What they multiply the gradient of the mean loss by, in memory so that a step passes no number that must be boxed. */
  readonly scale: Float32Array<ArrayBuffer>;
  readonly batchLabels: Int32Array<ArrayBuffer>;
  readonly program: Program;
  readonly train: Resident;
  readonly test: Resident;
}

/** A data set in the engine's memory. */
interface Resident {
  readonly features: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

/** Trains a graph in the engine's own kernels: parameters, data and everything between lie in one memory. */
export class NativeTrainer implements Trainer {
  readonly #graph: Graph;
  readonly #data: Dataset;
  readonly #testData: Dataset;
  readonly #target: Target = { distance: 0, add: 1 };
  readonly #result: BatchLoss = { loss: 0, correct: 0 };
  readonly #optimizer: Optimizer;
  /** Whether a layer mixes the rows of a batch. */
  readonly #mixes: boolean;
  /** Whether a gradient must not go straight into the weights that it is of. */
  readonly #frozen: boolean;
  #layout: Layout;
  #begun = false;
  /** Whether steps are taken on the spot, where the parameters lie. */
  #direct = false;

  private constructor(graph: Graph, data: Dataset, testData: Dataset) {
    this.#graph = graph;
    this.#data = data;
    this.#testData = testData;
    this.#optimizer = new Optimizer(graph.manifest);
    this.#mixes = graph.nodes.some(({ layer }) => layer.type === "batchNorm");
    this.#frozen = graph.nodes.some(({ parameters }) =>
      parameters.some(({ role, tensor }) =>
        !role.startsWith("moving") && graph.manifest.tensors[tensor]?.trainable === false
      )
    );
    this.#layout = this.#layOut(ROWS, []);
  }

  /**
   * Lays the graph and the data out. Throws an `UnsupportedModelError` for a layer that the engine has no kernels for, and a
   * `RangeError` when the system does not give the memory.
   */
  static create(graph: Graph, data: Dataset, testData: Dataset): NativeTrainer {
    return new NativeTrainer(graph, data, testData);
  }

  get manifest(): Manifest {
    return this.#graph.manifest;
  }

  get classifies(): boolean {
    return LOSSES[this.#graph.loss].classifies;
  }

  get parameters(): ParameterVector {
    return this.#layout.vector;
  }

  set parameters(vector: ParameterVector) {
    if (vector.length !== this.manifest.length) {
      throw new RangeError(
        `Cannot load parameters: expected ${this.manifest.length} values, got ${vector.length}`,
      );
    }
    const { nonFinite } = stats(vector);
    if (nonFinite > 0) {
      throw new RangeError(
        `Cannot load parameters: expected finite values, got ${nonFinite} that are not`,
      );
    }
    this.#layout.vector.set(vector);
  }

  countNonFinite(): number {
    return stats(this.#layout.vector).nonFinite;
  }

  get gradientRows(): number {
    return this.#mixes ? Infinity : ROWS;
  }

  get gradient(): ParameterVector {
    return this.#layout.gradient;
  }

  begin(plan: TrainPlan, batchSize: number): void {
    this.#makeRoom(this.#mixes ? batchSize : ROWS, extrasOf(plan));
    this.#optimizer.begin(plan, this.#layout);
    // What would go into a gradient vector goes into the parameters, where that is all there is to a step.
    this.#direct = isPlain(plan) && !this.#frozen && batchSize <= this.#layout.maxRows;
    this.#target.distance = this.#direct ? 0 : this.#layout.gradientDistance;
    this.#target.add = this.#direct ? 1 : 0;
    // Where the step is taken on the spot, every gradient carries the step's size from the start.
    this.#layout.scale[0] = this.#direct ? -plan.learningRate : 1;
    this.#begun = true;
  }

  shuffle(order: Uint32Array): void {
    this.#layout.order.set(order);
  }

  step(start: number, end: number): BatchLoss {
    if (!this.#begun) throw new Error("Cannot take a step: begin() was not called");
    if (this.#direct) return this.#pass(start, end);
    const rows = end - start, pieces = Math.ceil(rows / this.#layout.maxRows);
    const result = this.#result;
    let loss = 0, correct = 0;
    for (let piece = 0; piece < pieces; piece++) {
      const from = start + Math.floor(piece * rows / pieces);
      const to = start + Math.floor((piece + 1) * rows / pieces);
      this.#weigh(to - from, rows, piece > 0);
      const part = this.#pass(from, to);
      loss += part.loss;
      correct += part.correct;
    }
    result.loss = loss;
    result.correct = correct;
    if (Number.isFinite(loss)) this.#optimizer.step(this.#layout);
    return result;
  }

  differentiate(start: number, end: number): BatchLoss {
    this.#target.distance = this.#layout.gradientDistance;
    this.#weigh(end - start, this.#data.length, start > 0);
    const result = this.#pass(start, end);
    if (end === this.#data.length) {
      for (const { offset, length, trainable } of this.manifest.tensors) {
        if (!trainable) this.gradient.fill(0, offset, offset + length);
      }
    }
    return result;
  }

  judge(start: number, end: number): BatchLoss {
    const { test, program, exports, maxRows } = this.#layout;
    const { input } = program;
    const memory = new Uint8Array(exports.memory.buffer);
    let loss = 0, correct = 0;
    for (let from = start; from < end; from += maxRows) {
      const to = Math.min(from + maxRows, end);
      const first = test.features.byteOffset + from * input.length * BYTES;
      memory.copyWithin(input.at, first, first + (to - from) * input.length * BYTES);
      program.forward(to - from);
      const part = this.#lose(to - from, test.labels.subarray(from, to), false);
      loss += part.loss;
      correct += part.correct;
    }
    return { loss, correct };
  }

  /** Lets go of nothing but memory, which is the collector's. */
  [Symbol.dispose](): void {}

  /** The loss of the rows' output; where it is asked for, the scale times the gradient of the mean loss. */
  #lose(rows: number, labels: Int32Array, withGradient: boolean): BatchLoss {
    const { exports, program: { output, outputGradient }, total, scale } = this.#layout;
    const result = this.#result;
    if (this.#graph.loss === "softmaxCrossEntropy") {
      exports.softmax_cross_entropy(
        output.at,
        labels.byteOffset,
        withGradient ? outputGradient : 0,
        rows,
        output.length,
        total.byteOffset,
      );
      result.loss = total[0] ?? NaN;
      result.correct = total[1] ?? NaN;
      return result;
    }
    const { compute } = LOSSES[this.#graph.loss];
    const gradient = withGradient ? this.#layout.outputGradient : undefined;
    const ofRows = labels.subarray(0, rows);
    const { loss, correct } = compute(this.#layout.output, ofRows, output.length, gradient);
    const values = rows * output.length, factor = scale[0] ?? NaN;
    for (let i = 0; gradient && i < values; i++) gradient[i] = (gradient[i] ?? 0) * factor;
    result.loss = loss;
    result.correct = correct;
    return result;
  }

  /** What the next rows give is their share of the mean over `total`, alone or added to what there is. */
  #weigh(rows: number, total: number, add: boolean): void {
    this.#layout.scale[0] = rows / total;
    this.#target.add = add ? 1 : 0;
  }

  /** Through the model and back with rows from place `start` to before `end` of the order. */
  #pass(start: number, end: number): BatchLoss {
    const { exports, order, train, program, batchLabels } = this.#layout;
    const rows = end - start, { input } = program;
    exports.gather(
      train.features.byteOffset,
      train.labels.byteOffset,
      order.byteOffset + start * BYTES,
      rows,
      input.length,
      input.at,
      batchLabels.byteOffset,
    );
    program.forward(rows);
    const result = this.#lose(rows, batchLabels, true);
    if (!Number.isFinite(result.loss)) return result;
    program.backward(rows);
    return result;
  }

  /** Moves to a larger memory, with all that is kept, when this one lacks room. */
  #makeRoom(rows: number, wanted: readonly Extra[]): void {
    const before = this.#layout;
    const extras = [...new Set([...Object.keys(before.extras) as Extra[], ...wanted])];
    if (rows <= before.maxRows && wanted.every((extra) => before.extras[extra])) return;
    const after = this.#layout = this.#layOut(Math.max(rows, before.maxRows), extras);
    after.vector.set(before.vector);
    after.velocity.set(before.velocity);
    for (const extra of extras) {
      const values = before.extras[extra];
      if (values) after.extras[extra]?.set(values);
    }
  }

  #layOut(maxRows: number, extras: readonly Extra[]): Layout {
    // Once to measure: nothing is run, so no place is read.
    let total = ALIGNMENT;
    this.#place(maxRows, extras, {} as EngineExports, (values) => {
      const place = total;
      total += roomFor(values * BYTES);
      return place;
    }, new ArrayBuffer(0));
    const { arena, exports } = createEngineArena(total);
    const buffer = exports.memory.buffer as ArrayBuffer;
    return this.#place(
      maxRows,
      extras,
      exports,
      (values) => arena.alloc(values).byteOffset,
      buffer,
    );
  }

  #place(
    maxRows: number,
    extras: readonly Extra[],
    exports: EngineExports,
    alloc: (values: number) => Pointer,
    buffer: ArrayBuffer,
  ): Layout {
    const { manifest } = this.#graph;
    const measuring = buffer.byteLength === 0;
    const floats = (length: number) => {
      const place = alloc(length);
      return measuring ? new Float32Array(0) : new Float32Array(buffer, place, length);
    };
    const integers = (length: number) => {
      const place = alloc(length);
      return measuring ? new Int32Array(0) : new Int32Array(buffer, place, length);
    };
    const resident = (data: Dataset): Resident => {
      const features = floats(data.features.length), labels = integers(data.length);
      if (!measuring) {
        features.set(data.features);
        labels.set(data.labels);
      }
      return { features, labels };
    };
    const vector = floats(manifest.length);
    const gradient = floats(manifest.length);
    const velocity = floats(manifest.length);
    const parameters = manifest.tensors.map(({ offset, length }): Place => ({
      at: vector.byteOffset + offset * BYTES,
      length,
    }));
    const constants = (values: readonly number[]): Pointer => {
      const place = integers(values.length);
      if (!measuring) place.set(values);
      return place.byteOffset;
    };
    const room = { exports, target: this.#target, parameters, alloc, constants };
    const program = compile(this.#graph, maxRows, room);
    const train = resident(this.#data);
    const test = this.#testData === this.#data ? train : resident(this.#testData);
    const order = alloc(this.#data.length);
    const total = alloc(6);
    const outputs = maxRows * program.output.length;
    return {
      maxRows,
      exports,
      vector,
      velocity,
      extras: Object.fromEntries(extras.map((extra) => [extra, floats(manifest.length)])),
      rule: floats(RULE_LENGTH),
      gradient,
      gradientDistance: gradient.byteOffset - vector.byteOffset,
      program,
      train,
      test,
      order: measuring ? new Uint32Array(0) : new Uint32Array(buffer, order, this.#data.length),
      scale: measuring ? new Float32Array(1) : new Float32Array(buffer, total + 16, 1),
      total: measuring ? new Float64Array(0) : new Float64Array(buffer, total, 2),
      batchLabels: integers(maxRows),
      output: measuring ? floats(0) : new Float32Array(buffer, program.output.at, outputs),
      outputGradient: measuring
        ? floats(0)
        : new Float32Array(buffer, program.outputGradient, outputs),
    };
  }
}
