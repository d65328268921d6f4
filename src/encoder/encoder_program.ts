import type { Pointer } from "../params/instance.ts";
import type { AdapterTarget, EncoderModel } from "../train/models/encoder/encoder_model.ts";
import type { BaseMemory } from "./base_memory.ts";
import { layerBackward, layerForward, type LayerInMemory } from "./layer.ts";
import {
  BYTES,
  type LayerAdapters,
  type Machine,
  MOST_TEXTS,
  mostTokens,
  placeLayer,
  placeShared,
} from "./places.ts";

/** Token ids of a text, without padding. */
export type Tokens = ArrayLike<number>;

/**
 * Encoder of texts on a base in memory: BERT with normalization after each sum, on tokens that are
 * packed without padding, and the pooling of each text. Layers below the first adapter keep nothing
 * for a backward pass, which ends at the lowest adapter.
 *
 * All programs of a base compute in the same room: the results of one are there until another
 * computes.
 */
export class EncoderProgram {
  /** Number of the layers below all adapters: all of them, without adapters. */
  readonly frozen: number;
  /** Most tokens of all texts of a batch. */
  readonly mostTokens: number;
  /** Place of the vector of each text, `[texts, width]`. */
  readonly pooled: Pointer;
  /** Place of the gradient of each text's vector. */
  readonly pooledGradient: Pointer;
  readonly #base: BaseMemory;
  readonly #machine: Machine;
  readonly #pooling: EncoderModel["pooling"];
  readonly #layers: readonly LayerInMemory[];
  readonly #tokens: Int32Array<ArrayBuffer>;
  readonly #starts: Int32Array<ArrayBuffer>;
  /** Input of the first layer with adapters. */
  readonly #kept: Pointer;
  readonly #halves: Pointer;
  readonly #width: number;

  /**
   * Places a program in the room of its base.
   *
   * @param adapters Adapters of each layer in memory.
   */
  constructor(base: BaseMemory, model: EncoderModel, adapters: readonly LayerAdapters[]) {
    const { shape, exports } = base, { width } = shape;
    const first = adapters.findIndex((layer) => Object.keys(layer).length > 0);
    this.#base = base;
    this.#pooling = model.pooling;
    this.#width = width;
    this.frozen = first < 0 ? shape.layers : first;
    this.mostTokens = mostTokens(shape);
    const alloc = base.allocInRoom(), tokens = this.mostTokens, buffer = exports.memory.buffer;
    const rows = () => alloc(tokens * width);
    this.#tokens = new Int32Array(buffer as ArrayBuffer, alloc(tokens), tokens);
    this.#starts = new Int32Array(buffer as ArrayBuffer, alloc(MOST_TEXTS + 1), MOST_TEXTS + 1);
    this.#halves = alloc(Math.ceil(width / 2));
    this.pooled = alloc(MOST_TEXTS * width);
    this.pooledGradient = alloc(MOST_TEXTS * width);
    this.#machine = {
      exports,
      shape,
      starts: this.#starts.byteOffset,
      shared: placeShared(exports, shape, alloc, model.adapters?.rank ?? 1),
      batch: { texts: 0, tokens: 0, longest: 0 },
    };
    // Layers below the adapters take turns in two outputs, and share the rest.
    const turns = [rows(), rows()] as const;
    const frozenValues = placeLayer(shape, alloc, 0);
    this.#kept = rows();
    let input: Pointer = turns[0];
    this.#layers = base.layers.map((weights, i): LayerInMemory => {
      const own = adapters[i] ?? {};
      if (i === this.frozen) input = this.#kept;
      const values = i < this.frozen
        ? { ...frozenValues, output: turns[(i + 1) % 2 === 0 ? 0 : 1] }
        : placeLayer(shape, alloc, rows(), ranksOf(own));
      const layer = { weights, values, adapters: own, input };
      input = values.output;
      return layer;
    });
  }

  /** Number of texts of the batch. */
  get texts(): number {
    return this.#machine.batch.texts;
  }

  /**
   * Sets the texts of the batch by the number of their tokens.
   *
   * @throws {RangeError} If there are more texts or tokens than the program takes.
   */
  setLengths(lengths: readonly number[]): void {
    const { batch } = this.#machine;
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (lengths.length > MOST_TEXTS || total > this.mostTokens) {
      throw new RangeError(
        `Cannot encode the texts: expected at most ${MOST_TEXTS} texts of ${this.mostTokens} tokens, ` +
          `got ${lengths.length} of ${total}`,
      );
    }
    batch.texts = lengths.length;
    batch.tokens = total;
    batch.longest = Math.max(0, ...lengths);
    let row = 0;
    lengths.forEach((length, i) => {
      this.#starts[i] = row;
      row += length;
    });
    this.#starts[lengths.length] = row;
  }

  /**
   * Computes the embeddings of the texts of a batch and the layers below `to`, all of which are
   * without adapters. Returns the place of the output, `[tokens, width]`.
   */
  embed(texts: readonly Tokens[], to: number = this.frozen): Pointer {
    const { exports, shape, batch, starts, shared } = this.#machine;
    const { words, positions, embedNorm } = this.#base;
    this.setLengths(texts.map(({ length }) => length));
    let row = 0;
    for (const text of texts) {
      for (let i = 0; i < text.length; i++) this.#tokens[row++] = text[i] ?? 0;
    }
    const { vocabulary, positions: most, width, epsilon } = shape;
    const sum = shared.gradient, first = this.#layers[0]?.input ?? this.#kept;
    exports.embed_tokens(
      this.#tokens.byteOffset,
      starts,
      words,
      positions,
      sum,
      batch.texts,
      vocabulary,
      most,
      width,
    );
    exports.layer_norm_forward(
      sum,
      embedNorm.gamma,
      embedNorm.beta,
      first,
      shared.sumGradient,
      batch.tokens,
      width,
      epsilon,
    );
    return this.run(0, to);
  }

  /** Computes layers of the batch, and returns the place of the last one's output. */
  run(from: number, to: number): Pointer {
    for (let i = from; i < to; i++) {
      const layer = this.#layers[i];
      if (layer) layerForward(this.#machine, layer);
    }
    return (to === 0 ? this.#layers[0]?.input : this.#layers[to - 1]?.values.output) ?? this.#kept;
  }

  /** View of the input of the first layer with adapters, for `rows` tokens. */
  keptInput(rows: number): Float32Array<ArrayBuffer> {
    return this.#base.floats(this.#kept, rows * this.#width);
  }

  /** Computes the vector of each text from its tokens' values. */
  pool(tokens: Pointer): void {
    const { exports, batch, starts } = this.#machine, width = this.#width;
    if (this.#pooling === "mean") {
      exports.mean_pool_forward(tokens, starts, this.pooled, batch.texts, width);
      return;
    }
    const from = this.#base.floats(tokens, batch.tokens * width);
    const to = this.#base.floats(this.pooled, batch.texts * width);
    for (let i = 0; i < batch.texts; i++) {
      const at = (this.#starts[i] ?? 0) * width;
      to.set(from.subarray(at, at + width), i * width);
    }
  }

  /**
   * Computes the gradients of the adapters from those of the texts' vectors, after the layers from
   * the first adapter on were run.
   *
   * @param add 1 to add to the gradients, 0 to replace them.
   */
  backward(add: 0 | 1): void {
    const { exports, batch, starts, shared } = this.#machine, width = this.#width;
    if (this.#pooling === "mean") {
      exports.mean_pool_backward(this.pooledGradient, starts, shared.gradient, batch.texts, width);
    } else {
      const to = this.#base.floats(shared.gradient, batch.tokens * width).fill(0);
      const from = this.#base.floats(this.pooledGradient, batch.texts * width);
      for (let i = 0; i < batch.texts; i++) {
        to.set(from.subarray(i * width, (i + 1) * width), (this.#starts[i] ?? 0) * width);
      }
    }
    for (let i = this.#layers.length - 1; i >= this.frozen; i--) {
      const layer = this.#layers[i];
      if (layer) layerBackward(this.#machine, layer, { inputToo: i > this.frozen, add });
    }
  }

  /** Converts values in memory to the bits of float16, of which it returns a copy. */
  toHalves(values: Pointer, length: number): Uint16Array<ArrayBuffer> {
    const bits = new Uint16Array(length), { exports } = this.#machine;
    for (let from = 0; from < length; from += this.#width) {
      const count = Math.min(this.#width, length - from);
      exports.to_half(this.#halves, values + from * BYTES, count);
      bits.set(new Uint16Array(exports.memory.buffer, this.#halves, count), from);
    }
    return bits;
  }

  /** Converts the bits of float16 to values in memory. */
  fromHalves(bits: Uint16Array, values: Pointer): void {
    const { exports } = this.#machine;
    for (let from = 0; from < bits.length; from += this.#width) {
      const part = bits.subarray(from, from + this.#width);
      new Uint16Array(exports.memory.buffer, this.#halves, part.length).set(part);
      exports.from_half(values + from * BYTES, this.#halves, part.length);
    }
  }
}

/** Returns the rank of each adapter. */
function ranksOf(adapters: LayerAdapters): Partial<Record<AdapterTarget, number>> {
  return Object.fromEntries(
    Object.entries(adapters).map(([target, { rank }]) => [target, rank]),
  );
}
