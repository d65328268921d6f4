import type { LossMemory } from "../engine/batch.ts";
import { type Extra, extrasOf, Optimizer, type UpdateMemory } from "../engine/optimizer.ts";
import { LOSS_LAYOUT, RULE_LAYOUT } from "../generated/engine_exports.ts";
import type { Pointer } from "../params/instance.ts";
import { Manifest, type ParameterVector } from "../params/manifest.ts";
import type { TrainPlan } from "../plan/train_plan.ts";
import type { EncoderModel } from "../train/models/encoder/encoder_model.ts";
import { adaptersOf } from "../train/models/encoder/initial.ts";
import type { BaseMemory } from "./base_memory.ts";
import type { EncoderProgram } from "./encoder_program.ts";
import { type AdapterPlaces, BYTES, type LayerAdapters, MOST_TEXTS } from "./places.ts";

/** Number of the float64 values of the kernels' `Loss`, which lie before its scale. */
const TOTALS = LOSS_LAYOUT.offsets.scale / Float64Array.BYTES_PER_ELEMENT;

/**
 * Parameters, gradient and optimizer of a trainer in the memory of its base, and the head, a dense
 * layer on the vectors of the texts.
 */
export class TrainerMemory implements Disposable {
  /** Adapters of each layer of the encoder. */
  readonly adapters: readonly LayerAdapters[];
  readonly vector: ParameterVector;
  readonly gradient: ParameterVector;
  /** Memory of the loss. */
  readonly loss: LossMemory;
  readonly #base: BaseMemory;
  readonly #units: number;
  readonly #update: UpdateMemory & { readonly extras: Partial<Record<Extra, ParameterVector>> };
  /** Optimizers of all tensors, or of those of odd and of even rounds. */
  readonly #optimizers: readonly Optimizer[];
  readonly #head: { readonly w: Pointer; readonly b: Pointer };
  readonly #scratch: Pointer;
  readonly #allocated: Float32Array[] = [];
  #optimizer: Optimizer;
  readonly #trainsMatrices: boolean;

  /**
   * Takes memory for the parameters of a model.
   *
   * @throws {RangeError} If the memory of the base has no room for them.
   */
  constructor(base: BaseMemory, model: EncoderModel, manifest: Manifest) {
    const { exports, shape: { width } } = base, { units, adapters } = model;
    this.#base = base;
    this.#units = units;
    this.#trainsMatrices = adapters !== undefined;
    this.vector = this.#alloc(manifest.length);
    this.gradient = this.#alloc(manifest.length);
    const distance = this.gradient.byteOffset - this.vector.byteOffset;
    this.#update = {
      exports,
      vector: this.vector,
      gradientDistance: distance,
      velocity: this.#alloc(manifest.length),
      extras: {},
      rule: this.#alloc(RULE_LAYOUT.size / BYTES),
    };
    const places = new Map(manifest.tensors.map(({ name, offset, trainable }) => {
      const at = this.vector.byteOffset + offset * BYTES;
      return [name, { at, gradient: trainable ? at + distance : 0 }] as const;
    }));
    const place = (name: string) => places.get(name) ?? { at: 0, gradient: 0 };
    const layers = Array.from(
      { length: base.shape.layers },
      (): Record<string, AdapterPlaces> => ({}),
    );
    for (const { layer, target } of adaptersOf(model)) {
      const a = place(`l${layer}/${target}/lora_A`), b = place(`l${layer}/${target}/lora_B`);
      const { rank = 1, alpha = 1 } = adapters ?? {};
      const matrices = { a: a.at, b: b.at, da: a.gradient, db: b.gradient };
      (layers[layer] ?? {})[target] = { ...matrices, rank, scale: alpha / rank };
    }
    this.adapters = layers;
    this.#head = { w: place("head/kernel").at, b: place("head/bias").at };
    this.#optimizers = adapters?.train === "alternate"
      ? ["lora_A", "lora_B"].map((still) => new Optimizer(without(manifest, still)))
      : [new Optimizer(manifest)];
    this.#optimizer = this.#optimizers[0] ?? new Optimizer(manifest);
    const output = this.#alloc(MOST_TEXTS * units).byteOffset;
    const outputGradient = this.#alloc(MOST_TEXTS * units).byteOffset;
    const total = this.#alloc(LOSS_LAYOUT.size / BYTES).byteOffset;
    const labels = this.#alloc(MOST_TEXTS);
    this.#scratch = this.#alloc(Math.max(
      exports.dense_forward_scratch(width),
      exports.dense_backward_scratch(MOST_TEXTS, units),
    )).byteOffset;
    const { buffer } = this.vector;
    this.loss = {
      exports,
      program: { output: { at: output, length: units }, outputGradient },
      total: new Float64Array(buffer, total, TOTALS),
      scale: base.floats(total + LOSS_LAYOUT.offsets.scale, 1),
      batchLabels: new Int32Array(buffer, labels.byteOffset, MOST_TEXTS),
      units,
    };
    this.loss.scale[0] = 1;
  }

  /** Prepares a round. */
  begin(plan: TrainPlan): void {
    const { velocity, extras } = this.#update;
    for (const extra of extrasOf(plan)) {
      extras[extra] ??= this.#alloc(this.vector.length).fill(0);
    }
    const optimizer = this.#optimizers[(plan.round + 1) % this.#optimizers.length];
    if (optimizer !== undefined && optimizer !== this.#optimizer) {
      // Their moments are of other tensors.
      velocity.fill(0);
      extras.second?.fill(0);
      this.#optimizer = optimizer;
    }
    this.#optimizer.begin(plan, this.#update);
  }

  /** Updates the parameters by the gradient. */
  step(): void {
    this.#optimizer.step(this.#update);
  }

  /** Computes the output of the head for the vectors of texts. */
  headForward({ pooled }: EncoderProgram, texts: number): void {
    const { exports, shape: { width } } = this.#base, { w, b } = this.#head;
    const { at } = this.loss.program.output;
    exports.dense_forward(pooled, w, b, at, texts, width, this.#units, 0, this.#scratch);
  }

  /**
   * Computes the gradient of the head and, where there are adapters, that of the texts' vectors.
   *
   * @param add 1 to add to the gradient of the head, 0 to replace it.
   */
  headBackward({ pooled, pooledGradient }: EncoderProgram, texts: number, add: 0 | 1): void {
    const { exports, shape: { width } } = this.#base, { w, b } = this.#head;
    const distance = this.#update.gradientDistance;
    exports.dense_backward(
      pooled,
      this.loss.program.outputGradient,
      w,
      this.#trainsMatrices ? pooledGradient : 0,
      w + distance,
      b + distance,
      texts,
      width,
      this.#units,
      add,
      this.#scratch,
    );
  }

  /** Output of the head for some texts, which the next batch overwrites. */
  outputs(texts: number): Float32Array<ArrayBuffer> {
    return this.#base.floats(this.loss.program.output.at, texts * this.#units);
  }

  /** Gives the memory back. */
  [Symbol.dispose](): void {
    for (const view of this.#allocated.splice(0)) this.#base.arena.free(view);
  }

  #alloc(values: number): ParameterVector {
    const { arena } = this.#base, bytes = values * BYTES;
    if (!arena.hasRoom(bytes)) {
      this[Symbol.dispose]();
      throw new RangeError(
        `Cannot hold another model on the base: it needs ${bytes} bytes more, of which ${arena.available} are free beside the other models; dispose of handlers that are not used any more`,
      );
    }
    const view = arena.alloc(values);
    this.#allocated.push(view);
    // What another trainer has left is no value of this one.
    return view.fill(0);
  }
}

/** Returns a manifest in which tensors of a name stay as they are. */
function without({ tensors }: Manifest, name: string): Manifest {
  return Manifest.of(tensors.map((tensor) => ({
    ...tensor,
    trainable: tensor.trainable && !tensor.name.endsWith(`/${name}`),
  })));
}
