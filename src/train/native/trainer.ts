import { hashText } from "../../_hash_text.ts";
import type { Dataset } from "../../data/dataset.ts";
import { ALIGNMENT, roomFor } from "../../params/_arena.ts";
import type { Pointer } from "../../params/_instance.ts";
import { stats } from "../../params/kernels.ts";
import type { Manifest, ParameterVector } from "../../params/manifest.ts";
import { LOSSES } from "../_losses.ts";
import type { BatchLoss, Trainer } from "../_trainer.ts";
import type { TrainPlan } from "../handler.ts";
import type { Graph } from "./_graph.ts";
import { checkEmbeddings } from "./_embedding_op.ts";
import { createEngineArena, type EngineExports } from "./_kernels.ts";
import type { Place, Target } from "./_op.ts";
import { compile, type Program } from "./_program.ts";

/** Rows that are evaluated at once. */
const EVALUATION_ROWS = 256;
const STREAM_VALUES = 6;
const BYTES = Float32Array.BYTES_PER_ELEMENT;

const LOSS_KERNELS = {
  softmaxCrossEntropy: "softmax_cross_entropy",
  categoricalCrossentropy: "categorical_crossentropy",
  binaryCrossentropy: "binary_crossentropy",
  meanSquaredError: "mean_squared_error",
} as const;

/** Memory with all that a trainer works on. */
interface Layout {
  readonly maxRows: number;
  readonly exports: EngineExports;
  readonly vector: ParameterVector;
  readonly order: Uint32Array<ArrayBuffer>;
  /** Where the kernels put a batch's loss and number of right answers. */
  readonly total: Float64Array<ArrayBuffer>;
  /** What they multiply the gradient of the mean loss by, in memory so that a step passes no number that must be boxed. */
  readonly scale: Float32Array<ArrayBuffer>;
  readonly batchLabels: Int32Array<ArrayBuffer>;
  readonly program: Program;
  readonly gradientDistance: number;
  readonly velocity: ParameterVector;
  /** Key and counter of the random stream of dropout, as the kernels have it. */
  readonly stream: Uint32Array<ArrayBuffer>;
  readonly train: Resident;
  /** Rows that are judged, and their labels, as they stand before the program. */
  readonly input: Float32Array<ArrayBuffer>;
}

/** Rows to train on, in the engine's memory. */
interface Resident {
  readonly features: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
}

/** Copies the rows that are listed, one after the other. */
function gather(
  { features, labels, rowLength }: Dataset,
  rows: Uint32Array,
  toFeatures: Float32Array,
  toLabels: Int32Array,
): void {
  rows.forEach((row, i) => {
    toFeatures.set(features.subarray(row * rowLength, (row + 1) * rowLength), i * rowLength);
    toLabels[i] = labels[row] ?? 0;
  });
}

/** Whether a weight that has a gradient is to stay as it is. */
function hasFrozen({ nodes, manifest }: Graph): boolean {
  return nodes.some(({ parameters }) =>
    parameters.some(({ role, tensor }) =>
      !role.startsWith("moving") && manifest.tensors[tensor]?.trainable === false
    )
  );
}

/** Trains a graph in the engine's own kernels: parameters, data and everything between lie in one memory. */
export class NativeTrainer implements Trainer {
  readonly #graph: Graph;
  readonly #checked = new WeakSet<Dataset>();
  readonly #target: Target = { distance: 0, add: 1 };
  readonly #result: BatchLoss = { loss: 0, correct: 0 };
  #layout: Layout;
  #plan: TrainPlan | undefined;

  private constructor(graph: Graph, capacity: number) {
    this.#graph = graph;
    this.#layout = this.#layOut(EVALUATION_ROWS, capacity);
  }

  /**
   * Lays the graph out, and room for so many rows to train on. Throws an `UnsupportedModelError` for a layer that the engine has no
   * kernels for, and a `RangeError` when the system does not give the memory.
   */
  static create(graph: Graph, capacity: number): NativeTrainer {
    return new NativeTrainer(graph, capacity);
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

  use(data: Dataset, rows?: Uint32Array): void {
    this.#check(data);
    const { length } = rows ?? data;
    if (length > this.#layout.train.labels.length) this.#enlarge(this.#layout.maxRows, length);
    const { features, labels } = this.#layout.train;
    if (rows === undefined) {
      features.set(data.features);
      labels.set(data.labels);
      return;
    }
    gather(data, rows, features, labels);
  }

  countNonFinite(): number {
    return stats(this.#layout.vector).nonFinite;
  }

  begin(plan: TrainPlan, batchSize: number): void {
    if (batchSize > this.#layout.maxRows) {
      this.#enlarge(batchSize, this.#layout.train.labels.length);
    }
    if (!plan.keepMomentum) this.#layout.velocity.fill(0);
    // Without momentum or decay the step needs no gradient vector: what would go there goes into the parameters.
    const direct = plan.momentum === 0 && plan.weightDecay === 0 && !hasFrozen(this.#graph);
    this.#target.distance = direct ? 0 : this.#layout.gradientDistance;
    this.#target.add = direct ? 1 : 0;
    // Where the step is taken on the spot, every gradient carries the step's size from the start.
    this.#layout.scale[0] = direct ? -plan.learningRate : 1;
    this.#layout.stream.set([plan.seed, hashText("dropout"), plan.round, plan.rank, 0, 0]);
    this.#plan = plan;
  }

  shuffle(order: Uint32Array): void {
    this.#layout.order.set(order);
  }

  step(start: number, end: number): BatchLoss {
    const plan = this.#plan;
    if (plan === undefined) throw new Error("Cannot take a step: begin() was not called");
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
    program.forward(rows, true);
    const direct = this.#target.distance === 0;
    const result = this.#lose(rows, batchLabels, true);
    if (!Number.isFinite(result.loss)) return result;
    program.backward(rows);
    if (!direct) this.#update(plan);
    return result;
  }

  judge(data: Dataset, start: number, end: number, rows?: Uint32Array): BatchLoss {
    const { program, maxRows, input, batchLabels } = this.#layout;
    const { rowLength } = data;
    this.#check(data);
    let loss = 0, correct = 0;
    for (let from = start; from < end; from += maxRows) {
      const to = Math.min(from + maxRows, end);
      if (rows) gather(data, rows.subarray(from, to), input, batchLabels);
      else {
        input.set(data.features.subarray(from * rowLength, to * rowLength));
        batchLabels.set(data.labels.subarray(from, to));
      }
      program.forward(to - from, false);
      const part = this.#lose(to - from, batchLabels, false);
      loss += part.loss;
      correct += part.correct;
    }
    return { loss, correct };
  }

  #check(data: Dataset): void {
    if (this.#checked.has(data)) return;
    checkEmbeddings(this.#graph, data);
    this.#checked.add(data);
  }

  /** Lets go of nothing but memory, which is the collector's. */
  [Symbol.dispose](): void {}

  /** The loss of the rows' output; where it is asked for, the scale times the gradient of the mean loss. */
  #lose(rows: number, labels: Int32Array, withGradient: boolean): BatchLoss {
    const { exports, program: { output, outputGradient }, total } = this.#layout;
    const result = this.#result;
    exports[LOSS_KERNELS[this.#graph.loss]](
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

  #update({ learningRate, momentum, weightDecay }: TrainPlan): void {
    const { exports, vector, velocity, gradientDistance } = this.#layout;
    for (const { offset, length, trainable } of this.manifest.tensors) {
      if (!trainable) continue;
      const place = vector.byteOffset + offset * BYTES;
      const v = momentum === 0 ? 0 : velocity.byteOffset + offset * BYTES;
      exports.sgd(place, place + gradientDistance, v, length, learningRate, momentum, weightDecay);
    }
  }

  /** Memory for more rows; what was in it goes along. */
  #enlarge(maxRows: number, capacity: number): void {
    const { vector, velocity, train } = this.#layout;
    this.#layout = this.#layOut(maxRows, capacity);
    this.#layout.vector.set(vector);
    this.#layout.velocity.set(velocity);
    this.#layout.train.features.set(train.features);
    this.#layout.train.labels.set(train.labels);
  }

  #layOut(maxRows: number, capacity: number): Layout {
    // Once to measure: nothing is run, so no place is read.
    let total = ALIGNMENT;
    this.#place(maxRows, capacity, {} as EngineExports, (values) => {
      const place = total;
      total += roomFor(values * BYTES);
      return place;
    }, new ArrayBuffer(0));
    const { arena, exports } = createEngineArena(total);
    const buffer = exports.memory.buffer as ArrayBuffer;
    return this.#place(
      maxRows,
      capacity,
      exports,
      (values) => arena.alloc(values).byteOffset,
      buffer,
    );
  }

  #place(
    maxRows: number,
    capacity: number,
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
    const stream = alloc(STREAM_VALUES);
    const room = { exports, target: this.#target, parameters, stream, alloc, constants };
    const program = compile(this.#graph, maxRows, room);
    const { length } = program.input;
    const train = { features: floats(capacity * length), labels: integers(capacity) };
    const order = alloc(capacity);
    const total = alloc(6);
    return {
      maxRows,
      exports,
      vector,
      velocity,
      gradientDistance: gradient.byteOffset - vector.byteOffset,
      program,
      train,
      input: measuring ? floats(0) : new Float32Array(buffer, program.input.at, maxRows * length),
      stream: measuring ? new Uint32Array(0) : new Uint32Array(buffer, stream, STREAM_VALUES),
      order: measuring ? new Uint32Array(0) : new Uint32Array(buffer, order, capacity),
      scale: measuring ? new Float32Array(1) : new Float32Array(buffer, total + 16, 1),
      total: measuring ? new Float64Array(0) : new Float64Array(buffer, total, 2),
      batchLabels: integers(maxRows),
    };
  }
}
