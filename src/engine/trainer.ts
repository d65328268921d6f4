import type { Dataset } from "../data/dataset.ts";
import { countNonFinite } from "../params/kernels.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import { checkFit } from "../train/fit.ts";
import type { LossName } from "../train/handler.ts";
import { StepTargets } from "../train/step_targets.ts";
import { isPlain, type TrainPlan } from "../plan/train_plan.ts";
import type { BatchLoss, BeginOptions, JudgeOptions, StepSums, Trainer } from "../train/trainer.ts";
import { type Batch, runBatch } from "./batch.ts";
import { checkParameters } from "./check_parameters.ts";
import { addClippedRows } from "./clipped_batch.ts";
import { seedDropout } from "./dropout_stream.ts";
import { clearFrozen } from "./frozen_gradient.ts";
import { checkEmbeddings, checkGraphWords } from "./ops/embedding.ts";
import type { Graph } from "./graph/graph.ts";
import { checkRowsApart, hasFrozen, mixesRows, mostRows } from "./graph/traits.ts";
import { judgeRows } from "./judge.ts";
import { copyState, type Layout, layOut } from "./layout.ts";
import { enlarged, type LayoutSize, NO_BYTES } from "./layout_size.ts";
import type { Target } from "./ops/op.ts";
import { extrasOf, Optimizer } from "./optimizer.ts";
import { takeRegressionSteps } from "./regression.ts";
import { areBytes, copyRows } from "./resident_rows.ts";

/** Trainer of a graph on the native kernels: parameters, data and all results lie in one memory. */
export class NativeTrainer implements Trainer {
  readonly #graph: Graph;
  readonly #checked = new WeakSet<Dataset>();
  readonly #target: Target = { distance: 0, add: 1 };
  readonly #result: BatchLoss = { loss: 0, correct: 0, counted: 0 };
  readonly #batch: Batch = { start: 0, rows: 0, withGradient: true, step: undefined };
  readonly #optimizer: Optimizer;
  /** Most rows that are computed at once. */
  readonly #rows: number;
  /** True if a layer mixes the rows of a batch. */
  readonly #mixes: boolean;
  /** True if gradients must not go straight into their weights, some of which are frozen. */
  readonly #frozen: boolean;
  #layout: Layout;
  #size: LayoutSize;
  #numSamples = 0;
  /** Rows to copy into the engine's memory before training; a mere evaluation copies none. */
  #waiting: { readonly data: Dataset; readonly rows: Uint32Array | undefined } | undefined;
  #targets: StepTargets | undefined;
  #begun = false;
  /** True if gradients go straight into the parameters. */
  #direct = false;

  private constructor(graph: Graph, capacity: number, bytes: LayoutSize["bytes"]) {
    checkEmbeddings(graph);
    this.#graph = graph;
    this.#optimizer = new Optimizer(graph.manifest);
    this.#mixes = mixesRows(graph);
    this.#frozen = hasFrozen(graph);
    this.#rows = mostRows(graph);
    this.#size = { maxRows: this.#rows, capacity, bytes, extras: [], clips: false };
    this.#layout = layOut(graph, this.#target, this.#size);
  }

  /**
   * Creates a trainer with room for `capacity` rows to train on.
   *
   * @param bytes Features that are bytes. Default: none at first.
   * @throws {UnsupportedModelError} If the engine does not run a layer.
   * @throws {RangeError} If the system does not provide the memory.
   */
  static create(
    graph: Graph,
    capacity: number,
    bytes: LayoutSize["bytes"] = NO_BYTES,
  ): NativeTrainer {
    return new NativeTrainer(graph, capacity, bytes);
  }

  get manifest(): Manifest {
    return this.#graph.manifest;
  }

  get loss(): LossName {
    return this.#graph.loss;
  }

  get units(): number {
    return this.#layout.units;
  }

  get parameters(): ParameterVector {
    return this.#layout.vector;
  }

  set parameters(vector: ParameterVector) {
    checkParameters(vector, this.manifest);
    this.#layout.vector.set(vector);
  }

  use(data: Dataset, rows?: Uint32Array): void {
    this.#check(data);
    this.#numSamples = (rows ?? data).length;
    this.#waiting = { data, rows };
    this.#targets = new StepTargets(data, rows);
  }

  countNonFinite(): number {
    return countNonFinite(this.#layout.vector);
  }

  get gradientRows(): number {
    return this.#mixes ? Infinity : this.#rows;
  }

  get gradient(): ParameterVector {
    return this.#layout.gradient;
  }

  checkClips(): void {
    checkRowsApart(this.#graph);
  }

  begin(plan: TrainPlan, batchSize: number, { clips = false }: BeginOptions = {}): void {
    if (clips) checkRowsApart(this.#graph);
    this.#targets?.begin(plan, this);
    const train = this.#waiting ? areBytes(this.#waiting.data) : this.#size.bytes.train;
    this.#grow({
      bytes: { ...this.#size.bytes, train },
      maxRows: this.#mixes ? batchSize : this.#rows,
      capacity: this.#numSamples,
      extras: extrasOf(plan),
      clips,
    });
    if (this.#waiting) copyRows(this.#waiting.data, this.#waiting.rows, this.#layout.train);
    this.#waiting = undefined;
    const { maxRows, scale, stream, gradientDistance } = this.#layout;
    this.#optimizer.begin(plan, this.#layout);
    // Gradients go straight into the parameters where a step does nothing else.
    this.#direct = !clips && isPlain(plan) && !this.#frozen && batchSize <= maxRows;
    this.#target.distance = this.#direct ? 0 : gradientDistance;
    this.#target.add = this.#direct ? 1 : 0;
    // Gradients that go straight into the parameters are scaled by the step size from the start.
    scale[0] = this.#direct ? -plan.learningRate : 1;
    seedDropout(stream, plan);
    this.#begun = true;
  }

  shuffle(order: Uint32Array): void {
    this.#layout.order.set(order);
  }

  step(start: number, end: number): BatchLoss {
    if (!this.#begun) throw new Error("Cannot take a step: begin() was not called");
    if (this.#direct) return this.#pass(start, end);
    const rows = end - start, pieces = Math.ceil(rows / this.#layout.maxRows);
    const all = this.#count(start, end), result = this.#result;
    let loss = 0, correct = 0, counted = 0;
    for (let piece = 0; piece < pieces; piece++) {
      const from = start + Math.floor(piece * rows / pieces);
      const to = start + Math.floor((piece + 1) * rows / pieces);
      this.#weigh(this.#count(from, to), all, piece > 0);
      const part = this.#pass(from, to);
      loss += part.loss;
      correct += part.correct;
      counted += part.counted;
    }
    if (Number.isFinite(loss)) this.#optimizer.step(this.#layout);
    result.loss = loss;
    result.correct = correct;
    result.counted = counted;
    return result;
  }

  takeSteps(start: number, end: number, batchSize: number, sums: StepSums): number | undefined {
    if (!this.#direct || !this.#targets?.isPlain) return undefined;
    return takeRegressionSteps(this.#layout, this.loss, { start, end, batchSize }, sums);
  }

  differentiate(start: number, end: number): BatchLoss {
    this.#target.distance = this.#layout.gradientDistance;
    this.#weigh(this.#count(start, end), this.#count(0, this.#numSamples), start > 0);
    const result = this.#pass(start, end);
    if (end === this.#numSamples) clearFrozen(this.gradient, this.manifest);
    return result;
  }

  sumClipped(start: number, end: number, clip: number): BatchLoss {
    const layout = this.#layout, total = { loss: 0, correct: 0, counted: 0 };
    layout.gradient.fill(0);
    this.#target.add = 1;
    for (let from = start; from < end; from += layout.maxRows) {
      const batch = this.#place(from, Math.min(from + layout.maxRows, end));
      addClippedRows(layout, this.loss, { ...batch, clip }, total);
    }
    return total;
  }

  stepByGradient(): void {
    this.#optimizer.step(this.#layout);
  }

  judge(data: Dataset, start: number, end: number, options: JudgeOptions = {}): BatchLoss {
    this.#check(data);
    if (areBytes(data)) this.#grow({ bytes: { ...this.#size.bytes, judge: true } });
    return judgeRows(this.#layout, this.loss, data, { start, end, ...options });
  }

  /** Does nothing: the memory is garbage collected. */
  [Symbol.dispose](): void {}

  #check(data: Dataset): void {
    if (this.#checked.has(data)) return;
    const { nodes, loss } = this.#graph;
    checkFit(nodes[0]?.shape ?? [], nodes.at(-1)?.shape ?? [], data, loss);
    checkGraphWords(this.#graph, data);
    this.#checked.add(data);
  }

  /** Counts the samples of the rows from place `start` to before `end` of the order. */
  #count(start: number, end: number): number {
    return this.#targets?.count(this.#layout.order, start, end) ?? end - start;
  }

  /** Has the next samples give their share of the mean over `total`, alone or added to the rest. */
  #weigh(samples: number, total: number, add: boolean): void {
    this.#layout.scale[0] = samples / total;
    this.#target.add = add ? 1 : 0;
  }

  /** Computes loss and gradient of the rows from place `start` to before `end` of the order. */
  #pass(start: number, end: number): BatchLoss {
    return runBatch(this.#layout, this.loss, this.#place(start, end), this.#result);
  }

  /** Prepares the rows from place `start` to before `end` of the order. */
  #place(start: number, end: number): Batch {
    const targets = this.#targets, batch = this.#batch;
    batch.start = start;
    batch.rows = end - start;
    batch.step = targets && !targets.isPlain
      ? targets.gather(this.#layout.order, start, end)
      : undefined;
    return batch;
  }

  /** Moves to a larger memory, with all state, when this one lacks room. */
  #grow(wanted: Partial<LayoutSize>): void {
    const before = this.#layout, size = enlarged(this.#size, wanted);
    if (size === undefined) return;
    this.#size = size;
    this.#layout = layOut(this.#graph, this.#target, this.#size);
    copyState(before, this.#layout);
  }
}
