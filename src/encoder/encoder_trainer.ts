import type { Dataset } from "../data/dataset.ts";
import { checkParameters } from "../engine/check_parameters.ts";
import { computeLoss } from "../engine/batch.ts";
import { UnsupportedModelError } from "../engine/graph/graph.ts";
import { stats } from "../params/kernels.ts";
import type { Manifest, ParameterVector } from "../params/manifest.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import { checkFit } from "../train/fit.ts";
import type { LossName } from "../train/handler.ts";
import type { EncoderModel } from "../train/models/encoder/encoder_model.ts";
import { encoderManifest } from "../train/models/encoder/initial.ts";
import { StepTargets, type TargetsOfStep } from "../train/step_targets.ts";
import type { BatchLoss, BeginOptions, JudgeOptions, Trainer } from "../train/trainer.ts";
import type { BaseMemory } from "./base_memory.ts";
import { EncoderProgram } from "./encoder_program.ts";
import { FrozenFeatures } from "./frozen_features.ts";
import { MOST_TEXTS } from "./places.ts";
import { checkRank, clearParts, type UnusedPart, unusedParts } from "./own_rank.ts";
import { checkTokenizer, endOfPiece, RowTokens } from "./tokens.ts";
import { TrainerMemory } from "./trainer_memory.ts";

/** Texts that are evaluated between two turns of the event loop: half a second without features. */
const JUDGED_TEXTS = 32;

/** Place of a batch: its rows and their share of the gradient. */
interface Piece {
  readonly rows: readonly number[];
  readonly targets: TargetsOfStep;
  /** Gradient of the mean over `of` rows; none where it is absent. */
  readonly gradient?: { readonly of: number; readonly add: 0 | 1 };
}

/**
 * Trainer of the adapters and the head of an encoder, on the kernels. Its parameters are those two;
 * the base is shared with the other trainers of the thread, and is not changed.
 *
 * Rows of the data are token ids `[maxTokens]`, whose end is filled with zeros. Texts are packed:
 * the padding takes no time.
 */
export class EncoderTrainer implements Trainer {
  readonly manifest: Manifest;
  readonly loss: LossName;
  readonly units: number;
  readonly gradientRows = MOST_TEXTS;
  readonly judgedRows = JUDGED_TEXTS;
  readonly #base: BaseMemory;
  readonly #model: EncoderModel;
  /** Places of the adapters' matrices past the rank that is trained, which are zeros. */
  readonly #unused: readonly UnusedPart[];
  readonly #memory: TrainerMemory;
  readonly #program: EncoderProgram;
  readonly #features: FrozenFeatures;
  readonly #tokens: WeakMap<Dataset, RowTokens> = new WeakMap();
  readonly #parameters: ParameterVector;
  readonly #gradient: ParameterVector;
  readonly #result: BatchLoss = { loss: 0, correct: 0, counted: 0 };
  #data: Dataset | undefined;
  #rows: Uint32Array | undefined;
  #targets: StepTargets | undefined;
  #order = new Uint32Array(0);
  #begun = false;

  /**
   * Makes a trainer, whose parameters are zeros.
   *
   * @param rank Largest rank of the adapters that is trained. Default: that of the model.
   * @throws {RangeError} If the memory of the base has no room for the parameters.
   */
  constructor(base: BaseMemory, model: EncoderModel, loss: LossName, rank?: number) {
    this.manifest = encoderManifest(model);
    this.#unused = unusedParts(this.manifest, rank);
    this.loss = loss;
    this.units = model.units;
    this.#base = base;
    this.#model = model;
    this.#memory = new TrainerMemory(base, model, this.manifest);
    this.#program = new EncoderProgram(base, model, this.#memory.adapters);
    this.#features = new FrozenFeatures(base, this.#program, model);
    this.#parameters = new Float32Array(this.manifest.length);
    this.#gradient = new Float32Array(this.manifest.length);
  }

  // The memory is given back with the trainer: others get copies.
  get parameters(): ParameterVector {
    this.#parameters.set(this.#memory.vector);
    return this.#parameters;
  }

  set parameters(vector: ParameterVector) {
    checkParameters(vector, this.manifest);
    this.#memory.vector.set(vector);
    clearParts(this.#memory.vector, this.#unused);
  }

  get gradient(): ParameterVector {
    this.#gradient.set(this.#memory.gradient);
    return this.#gradient;
  }

  /** Checks that data fit the model, as `use` and `judge` do. */
  check(data: Dataset): void {
    this.#tokensOf(data);
  }

  use(data: Dataset, rows?: Uint32Array): void {
    this.#tokensOf(data);
    this.#data = data;
    this.#rows = rows;
    this.#targets = new StepTargets(data, rows);
  }

  countNonFinite(): number {
    return stats(this.#memory.vector).nonFinite;
  }

  checkClips(): void {
    throw new UnsupportedModelError(
      "Cannot clip the gradient of each row: expected layers that know it, got an encoder of texts",
    );
  }

  begin(plan: TrainPlan, _batchSize: number, { clips = false }: BeginOptions = {}): void {
    if (clips) this.checkClips();
    checkRank(this.#unused, plan);
    this.#targets?.begin(plan, this);
    this.#memory.begin(plan);
    this.#begun = true;
  }

  shuffle(order: Uint32Array): void {
    this.#order = order.slice();
  }

  step(start: number, end: number): BatchLoss {
    if (!this.#begun) throw new Error("Cannot take a step: begin() was not called");
    const result = this.#differentiate(start, end, end - start, false);
    if (Number.isFinite(result.loss)) this.#memory.step();
    return result;
  }

  differentiate(start: number, end: number): BatchLoss {
    const all = (this.#rows ?? this.#data)?.length ?? 0;
    const result = this.#differentiate(start, end, all, start > 0);
    if (end === all) {
      for (const { offset, length, trainable } of this.manifest.tensors) {
        if (!trainable) this.#memory.gradient.fill(0, offset, offset + length);
      }
    }
    return result;
  }

  judge(
    data: Dataset,
    start: number,
    end: number,
    { rows, observe }: JudgeOptions = {},
  ): BatchLoss {
    const tokens = this.#tokensOf(data), sum: BatchLoss = { loss: 0, correct: 0, counted: 0 };
    const rowAt = (place: number) => rows ? rows[place] ?? 0 : place;
    const places = Uint32Array.from({ length: end - start }, (_, i) => start + i);
    const targets = new StepTargets(data, rows);
    for (let from = start; from < end;) {
      const to = this.#endOfPiece(from, end, (place) => tokens.lengthOf(rowAt(place)));
      const listed = Array.from({ length: to - from }, (_, i) => rowAt(from + i));
      // The weights of the rows do not count.
      const step = { targets: targets.gather(places, from - start, to - start).targets };
      const part = this.#run(data, { rows: listed, targets: step });
      sum.loss += part.loss;
      sum.correct += part.correct;
      sum.counted += part.counted;
      observe?.(this.#memory.outputs(listed.length), step.targets);
      from = to;
    }
    return sum;
  }

  /** Gives the memory of the parameters back. */
  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }

  /** Computes the gradient of the mean over `of` rows, as the part of some of them. */
  #differentiate(start: number, end: number, of: number, add: boolean): BatchLoss {
    const data = this.#data, targets = this.#targets, result = this.#result;
    if (!data || !targets) throw new Error("Cannot take a step: use() was not called");
    const tokens = this.#tokensOf(data), order = this.#order, rows = this.#rows;
    const rowAt = (place: number) => {
      const of = order[place] ?? 0;
      return rows ? rows[of] ?? 0 : of;
    };
    let loss = 0, correct = 0, counted = 0;
    for (let from = start; from < end;) {
      const to = this.#endOfPiece(from, end, (place) => tokens.lengthOf(rowAt(place)));
      const part = this.#run(data, {
        rows: Array.from({ length: to - from }, (_, i) => rowAt(from + i)),
        targets: targets.gather(order, from, to),
        gradient: { of, add: add || from > start ? 1 : 0 },
      });
      loss += part.loss;
      correct += part.correct;
      counted += part.counted;
      from = to;
    }
    return Object.assign(result, { loss, correct, counted });
  }

  /** Computes loss and, where it is wanted and the loss is finite, gradient of rows. */
  #run(data: Dataset, { rows, targets, gradient }: Piece): BatchLoss {
    const program = this.#program, memory = this.#memory, { layers } = this.#base.shape;
    this.#features.load(data, this.#tokensOf(data), rows);
    if (!this.#features.arePooled) program.pool(program.run(program.frozen, layers));
    memory.headForward(program, rows.length);
    if (gradient) memory.loss.scale[0] = rows.length / gradient.of;
    const result = computeLoss(memory.loss, this.loss, {
      rows: rows.length,
      withGradient: gradient !== undefined,
      step: targets,
    }, { loss: 0, correct: 0, counted: 0 });
    if (gradient && Number.isFinite(result.loss)) {
      memory.headBackward(program, rows.length, gradient.add);
      if (!this.#features.arePooled) program.backward(gradient.add);
    }
    return result;
  }

  #endOfPiece(from: number, end: number, lengthAt: (place: number) => number): number {
    const tokens = this.#features.arePooled ? Infinity : this.#program.mostTokens;
    return endOfPiece(from, end, lengthAt, { texts: MOST_TEXTS, tokens });
  }

  #tokensOf(data: Dataset): RowTokens {
    let tokens = this.#tokens.get(data);
    if (tokens === undefined) {
      const { maxTokens, units, encoder: { vocabulary }, tokenizer } = this.#model;
      checkFit([maxTokens], [units], data, this.loss);
      checkTokenizer(data, tokenizer);
      this.#tokens.set(data, tokens = new RowTokens(data, vocabulary));
    }
    return tokens;
  }
}
