import { assert, assertEquals } from "@std/assert";
import { BaseMemory } from "../../src/encoder/base_memory.ts";
import { layerBackward, layerForward } from "../../src/encoder/layer.ts";
import { type Machine, placeLayer, placeShared } from "../../src/encoder/places.ts";
import type { EncoderShape } from "../../src/train/models/encoder/encoder_model.ts";
import bert from "../fixtures/sequences/bert_layer.json" with { type: "json" };
import lora from "../fixtures/sequences/lora_dense.json" with { type: "json" };

/** Checks values against those of a reference, relative to the largest of them. */
function assertClose(got: ArrayLike<number>, want: readonly number[], tolerance: number): void {
  assertEquals(got.length, want.length);
  const largest = Math.max(...want.map(Math.abs));
  want.forEach((value, i) => assert(Math.abs((got[i] ?? NaN) - value) < tolerance * largest));
}

Deno.test("an adapter has the outputs and gradients of PEFT's LoRA in PyTorch", () => {
  const { scale, inputs: { x, lora_A: a, lora_B: b, kernel, bias }, dy, outputs, gradients } = lora;
  const memory = new BaseMemory(shapeOf(8, 12, 2));
  const { exports, arena } = memory;
  const place = (values: readonly number[]) => {
    const view = arena.alloc(values.length);
    view.set(values);
    return view;
  };
  const room = (length: number) => arena.alloc(length).fill(NaN);
  const [rows, from, to, rank] = [4, 8, 6, 3] as const;
  const scratch = room(100_000).byteOffset, u = room(rows * rank).byteOffset;
  const at = (values: { readonly data: readonly number[] }) => place(values.data).byteOffset;
  const [xAt, aAt, bAt, dyAt] = [at(x), at(a), at(b), at(dy)];
  const y = room(rows * to), w = at(kernel);
  exports.dense_forward(xAt, w, at(bias), y.byteOffset, rows, from, to, 0, scratch);
  exports.lora_forward(xAt, aAt, bAt, u, y.byteOffset, rows, from, to, rank, to, scale, scratch);
  assertClose(y, outputs.y.data, 1e-5);
  const [dx, da, db, du] = [
    room(rows * from),
    room(rank * from),
    room(to * rank),
    room(rows * rank),
  ];
  exports.dense_input(dyAt, w, dx.byteOffset, rows, from, to, scratch);
  exports.lora_backward(
    ...[xAt, aAt, bAt, u, dyAt, du.byteOffset, dx.byteOffset, da.byteOffset] as const,
    ...[db.byteOffset, rows, from, to, rank, to, scale, 0] as const,
  );
  assertClose(dx, gradients.x.data, 1e-5);
  assertClose(da, gradients.lora_A.data, 1e-5);
  assertClose(db, gradients.lora_B.data, 1e-5);
});

Deno.test("a layer has the outputs and gradients of BERT's in PyTorch, without the padding", () => {
  const { inputs, heads } = bert, width = 8, inner = 16;
  const shape = shapeOf(width, inner, heads), memory = new BaseMemory(shape);
  const { exports, arena, layers: [weights] } = memory;
  assert(weights);
  const set = (at: number, { data }: { readonly data: readonly number[] }) =>
    memory.floats(at, data.length).set(data);
  const { qkv } = weights;
  [
    [inputs.query_kernel, inputs.query_bias] as const,
    [inputs.key_kernel, inputs.key_bias] as const,
    [inputs.value_kernel, inputs.value_bias] as const,
  ].forEach(([kernel, bias], part) => {
    const to = memory.floats(qkv.w, width * 3 * width);
    kernel.data.forEach((value, i) => {
      to[Math.floor(i / width) * 3 * width + part * width + i % width] = value;
    });
    memory.floats(qkv.b, 3 * width).set(bias.data, part * width);
  });
  set(weights.output.w, inputs.output_kernel);
  set(weights.output.b, inputs.output_bias);
  set(weights.norm1.gamma, inputs.ln1_gamma);
  set(weights.norm1.beta, inputs.ln1_beta);
  set(weights.ffnIn.w, inputs.ffn_in_kernel);
  set(weights.ffnIn.b, inputs.ffn_in_bias);
  set(weights.ffnOut.w, inputs.ffn_out_kernel);
  set(weights.ffnOut.b, inputs.ffn_out_bias);
  set(weights.norm2.gamma, inputs.ln2_gamma);
  set(weights.norm2.beta, inputs.ln2_beta);

  // Of the second text the last two rows are padding.
  const rows = [0, 1, 2, 3, 4, 5, 6, 7], values = rows.length * width;
  const alloc = memory.allocInRoom(), starts = arena.alloc(3);
  new Int32Array(starts.buffer, starts.byteOffset, 3).set([0, 5, 8]);
  const input = arena.alloc(values), output = arena.alloc(values);
  input.set(inputs.x.data.slice(0, values));
  const machine: Machine = {
    exports,
    shape,
    starts: starts.byteOffset,
    shared: placeShared(exports, shape, alloc, 1),
    batch: { texts: 2, tokens: rows.length, longest: 5 },
  };
  const kept = placeLayer(shape, alloc, output.byteOffset);
  const layer = { weights, values: kept, adapters: {}, input: input.byteOffset };
  layerForward(machine, layer);
  assertClose(output, bert.outputs.y.data.slice(0, values), 1e-5);
  // The reference's gradients of the second text are those of its padding too.
  const dy = memory.floats(machine.shared.gradient, values);
  dy.set(bert.dy.data.slice(0, values));
  layerBackward(machine, layer, { inputToo: true, add: 0 });
  assertClose(dy.subarray(0, 5 * width), bert.gradients.x.data.slice(0, 5 * width), 1e-4);
});

function shapeOf(width: number, inner: number, heads: number): EncoderShape {
  return {
    ...{ architecture: "bert", vocabulary: 4, positions: 8, width, layers: 1, heads, inner },
    ...{ epsilon: 1e-12, activation: "gelu" },
  };
}
