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
  readonly test: Resident;
}

/** A data set in the engine's memory. */
interface Resident {
  readonly features: Float32Array<ArrayBuffer>;
  readonly labels: Int32Array<ArrayBuffer>;
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
  readonly #data: Dataset;
  readonly #testData: Dataset;
  readonly #target: Target = { distance: 0, add: 1 };
  readonly #result: BatchLoss = { loss: 0, correct: 0 };
  #layout: Layout;
  #plan: TrainPlan | undefined;

  private constructor(graph: Graph, data: Dataset, testData: Dataset) {
    this.#graph = graph;
    this.#data = data;
    this.#testData = testData;
    this.#layout = this.#layOut(EVALUATION_ROWS);
  }

  /**
   * Lays the graph and the data out. Throws an `UnsupportedModelError` for a layer that the engine does not run, and a
   * `RangeError` for data that an embedding of the graph cannot take, or when the system does not give the memory.
   */
  static create(graph: Graph, data: Dataset, testData: Dataset): NativeTrainer {
    for (const rows of new Set([data, testData])) checkEmbeddings(graph, rows);
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

  begin(plan: TrainPlan, batchSize: number): void {
    if (batchSize > this.#layout.maxRows) {
      const { vector, velocity } = this.#layout;
      this.#layout = this.#layOut(batchSize);
      this.#layout.vector.set(vector);
      this.#layout.velocity.set(velocity);
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

  judge(start: number, end: number): BatchLoss {
    const { test, program, exports, maxRows } = this.#layout;
    const { input } = program;
    const memory = new Uint8Array(exports.memory.buffer);
    let loss = 0, correct = 0;
    for (let from = start; from < end; from += maxRows) {
      const to = Math.min(from + maxRows, end);
      const first = test.features.byteOffset + from * input.length * BYTES;
      memory.copyWithin(input.at, first, first + (to - from) * input.length * BYTES);
      program.forward(to - from, false);
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

  #layOut(maxRows: number): Layout {
    // Once to measure: nothing is run, so no place is read.
    let total = ALIGNMENT;
    this.#place(maxRows, {} as EngineExports, (values) => {
      const place = total;
      total += roomFor(values * BYTES);
      return place;
    }, new ArrayBuffer(0));
    const { arena, exports } = createEngineArena(total);
    const buffer = exports.memory.buffer as ArrayBuffer;
    return this.#place(maxRows, exports, (values) => arena.alloc(values).byteOffset, buffer);
  }

  #place(
    maxRows: number,
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
    const stream = alloc(STREAM_VALUES);
    const room = { exports, target: this.#target, parameters, stream, alloc, constants };
    const program = compile(this.#graph, maxRows, room);
    const train = resident(this.#data);
    const test = this.#testData === this.#data ? train : resident(this.#testData);
    const order = alloc(this.#data.length);
    const total = alloc(6);
    return {
      maxRows,
      exports,
      vector,
      velocity,
      gradientDistance: gradient.byteOffset - vector.byteOffset,
      program,
      train,
      test,
      stream: measuring ? new Uint32Array(0) : new Uint32Array(buffer, stream, STREAM_VALUES),
      order: measuring ? new Uint32Array(0) : new Uint32Array(buffer, order, this.#data.length),
      scale: measuring ? new Float32Array(1) : new Float32Array(buffer, total + 16, 1),
      total: measuring ? new Float64Array(0) : new Float64Array(buffer, total, 2),
      batchLabels: integers(maxRows),
    };
  }
}
