/** The kernels of sequences against values of PyTorch in float64. */
import { assert, assertEquals } from "@std/assert";
import { createEngineArena } from "../../src/engine/kernels.ts";
import { LOSS_LAYOUT } from "../../src/generated/engine_exports.ts";

Deno.test.sanitizer({ ops: true, resources: true });

interface Tensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type Tensors = Readonly<Record<string, Tensor>>;
interface Reference {
  readonly inputs: Tensors;
  readonly outputs: Tensors;
  readonly gradients: Tensors;
  readonly dy: Tensor;
  readonly mask?: Tensor;
}

async function read<T>(name: string): Promise<T> {
  const file = new URL(`../fixtures/sequences/${name}.json`, import.meta.url);
  return JSON.parse(await Deno.readTextFile(file));
}

/** Memory of the kernels, in which values of a reference are placed. */
function room() {
  const { arena, exports } = createEngineArena(2 ** 22);
  const empty = (length: number) => arena.alloc(length).fill(NaN);
  return {
    exports,
    /** Memory without values. */
    empty,
    /** Memory with values. */
    placed(values: Iterable<number>) {
      const list = [...values];
      const view = arena.alloc(list.length);
      view.set(list);
      return view;
    },
    /** Place of a tensor, 0 for none. */
    at(tensor: Tensor | undefined): number {
      return tensor === undefined ? 0 : this.placed(tensor.data).byteOffset;
    },
    integers(values: readonly number[]): number {
      const { byteOffset } = arena.alloc(values.length);
      new Int32Array(exports.memory.buffer, byteOffset, values.length).set(values);
      return byteOffset;
    },
  };
}

/** Checks values: within a tolerance of those of the reference, relative to the largest of them. */
function assertClose(
  got: ArrayLike<number>,
  want: Tensor | undefined,
  tolerance: number,
  name: string,
): void {
  assert(want, `no ${name} in the reference`);
  assertEquals(got.length, want.data.length, name);
  const largest = Math.max(...want.data.map(Math.abs));
  want.data.forEach((value, i) => {
    const error = Math.abs((got[i] ?? NaN) - value);
    assert(error <= tolerance * largest, `${name} ${i}: off by ${error} from ${value}`);
  });
}

/** Exchanges the first two axes: sequences by row become those by step, and back. */
function turned({ shape: [first = 0, second = 0, length = 1], data }: Tensor): number[] {
  return Array.from({ length: data.length }, (_, i) => {
    const k = i % length, row = Math.floor(i / length) % first;
    const step = Math.floor(i / (length * first));
    return data[(row * second + step) * length + k] ?? NaN;
  });
}

const OUTPUT = 1e-5, GRADIENT = 1e-4;

for (
  const [name, gates] of [
    ["lstm", 4],
    ["lstm_peephole", 4],
    ["lstm_masked_last", 4],
    ["gru_reset_after", 3],
    ["gru_reset_before", 3],
    ["simple_rnn", 1],
  ] as const
) {
  Deno.test(`the kernels have the outputs and gradients of PyTorch's ${name}`, async () => {
    const { inputs, outputs, gradients, dy, mask } = await read<Reference>(name);
    const { x, h0, c0, kernel, recurrent_kernel: recurrent, bias, peephole } = inputs;
    assert(x && kernel && recurrent && bias);
    const [rows = 0, steps = 0, width = 0] = x.shape, [units = 0] = recurrent.shape;
    const memory = room(), { exports, placed, empty } = memory;
    const lastOnly = dy.shape.length === 2 ? 1 : 0, after = name === "gru_reset_after" ? 1 : 0;
    const state = rows * units, none = new Array<number>(state).fill(0);
    const begin = (tensor: Tensor | undefined) =>
      placed([...tensor?.data ?? none, ...new Array<number>(steps * state).fill(NaN)]);
    const h = begin(h0), cells = begin(c0);
    const [xAt, w, u] = [placed(turned(x)).byteOffset, memory.at(kernel), memory.at(recurrent)];
    const b = memory.at(bias), p = memory.at(peephole);
    const second = after === 1 ? b + 4 * gates * units : 0;
    const m = mask === undefined ? 0 : placed(turned(mask)).byteOffset;
    const own = empty(steps * rows * gates * units).byteOffset;
    const inner = empty(steps * state).byteOffset, scratch = empty(100_000).byteOffset;
    const sizes = [steps, rows, width, units] as const;
    const dyAt = lastOnly === 1 ? memory.at(dy) : placed(turned(dy)).byteOffset;
    const [dx, dw, du, db] = [x, kernel, recurrent, bias].map(({ data }) => empty(data.length));
    assert(dx && dw && du && db);
    const dp = empty(peephole?.data.length ?? 1);
    const places = [dx.byteOffset, dw.byteOffset, du.byteOffset, db.byteOffset] as const;
    const checkOutputs = () => {
      const last = h.subarray(steps * state);
      if (lastOnly === 1) return assertClose(last, outputs.h_last, OUTPUT, "h_last");
      const y = turned({ shape: [steps, rows, units], data: [...h.subarray(state)] });
      assertClose(y, outputs.y, OUTPUT, "y");
      if (outputs.h_last) assertClose(last, outputs.h_last, OUTPUT, "h_last");
      if (outputs.c_last) {
        assertClose(cells.subarray(steps * state), outputs.c_last, OUTPUT, "c_last");
      }
    };
    if (gates === 4) {
      const [c, at] = [cells.byteOffset, h.byteOffset];
      exports.lstm_forward(xAt, w, u, b, p, m, own, c, at, ...sizes, 0, scratch);
      checkOutputs();
      const from = [xAt, w, u, p, m, own, c, at, dyAt] as const;
      const to = [...places, peephole ? dp.byteOffset : 0] as const;
      exports.lstm_backward(...from, ...to, ...sizes, 0, lastOnly, 0, scratch);
      if (peephole) assertClose(dp, gradients.peephole, GRADIENT, "peephole");
    } else if (gates === 3) {
      const at = h.byteOffset;
      exports.gru_forward(xAt, w, u, b, second, m, own, inner, at, ...sizes, 0, after, scratch);
      checkOutputs();
      const from = [xAt, w, u, m, own, inner, at, dyAt] as const;
      const to = [...places, after === 1 ? db.byteOffset + 4 * gates * units : 0] as const;
      exports.gru_backward(...from, ...to, ...sizes, 0, after, lastOnly, 0, scratch);
    } else {
      exports.simple_rnn_forward(xAt, w, u, b, m, h.byteOffset, ...sizes, scratch);
      checkOutputs();
      const from = [xAt, w, u, m, h.byteOffset, own, dyAt] as const;
      exports.simple_rnn_backward(...from, ...places, ...sizes, lastOnly, 0, scratch);
    }
    const byRow = turned({ shape: [steps, rows, width], data: [...dx] });
    assertClose(byRow, gradients.x, GRADIENT, "x");
    assertClose(dw, gradients.kernel, GRADIENT, "kernel");
    assertClose(du, gradients.recurrent_kernel, GRADIENT, "recurrent_kernel");
    assertClose(db, gradients.bias, GRADIENT, "bias");
  });
}

Deno.test("layer_norm_forward() and layer_norm_backward() are those of PyTorch", async () => {
  for (const epsilon of ["0.001", "1e-12"]) {
    const { inputs: { x, gamma, beta }, outputs, gradients, dy } = await read<Reference>(
      `layer_norm_eps${epsilon}`,
    );
    assert(x && gamma && beta);
    const [rows = 0, length = 0] = x.shape, memory = room(), { exports, empty } = memory;
    const [xAt, g] = [memory.at(x), memory.at(gamma)], y = empty(rows * length);
    const saved = empty(2 * rows).byteOffset, to = y.byteOffset;
    exports.layer_norm_forward(xAt, g, memory.at(beta), to, saved, rows, length, Number(epsilon));
    assertClose(y, outputs.y, OUTPUT, "y");
    const [dx, dg, db] = [empty(rows * length), empty(length), empty(length)];
    const places = [dx.byteOffset, dg.byteOffset, db.byteOffset] as const;
    exports.layer_norm_backward(xAt, g, saved, memory.at(dy), ...places, rows, length, 0);
    assertClose(dx, gradients.x, GRADIENT, "x");
    assertClose(dg, gradients.gamma, GRADIENT, "gamma");
    assertClose(db, gradients.beta, GRADIENT, "beta");
  }
});

Deno.test("gelu_forward() and gelu_backward() are those of PyTorch, by erf and by tanh", async () => {
  for (const [name, approximate] of [["gelu_erf", 0], ["gelu_tanh", 1]] as const) {
    const { x, y, dydx } = await read<Readonly<Record<"x" | "y" | "dydx", Tensor>>>(name);
    const { exports, empty, placed } = room(), n = x.data.length, xAt = placed(x.data).byteOffset;
    const got = empty(n), slope = empty(n), ones = placed(new Array<number>(n).fill(1)).byteOffset;
    exports.gelu_forward(xAt, got.byteOffset, n, approximate);
    assertClose(got, y, OUTPUT, name);
    exports.gelu_backward(xAt, ones, slope.byteOffset, n, approximate);
    assertClose(slope, dydx, GRADIENT, `slope of ${name}`);
  }
});

Deno.test("masked_mean_forward() and masked_mean_backward() are those of PyTorch", async () => {
  const { inputs: { x }, mask, dy, outputs, gradients } = await read<Reference>("masked_mean_pool");
  assert(x && mask);
  const [rows = 0, steps = 0, length = 0] = x.shape, memory = room(), { exports, empty } = memory;
  const words = memory.at(mask), y = empty(rows * length), dx = empty(rows * steps * length);
  exports.masked_mean_forward(memory.at(x), words, y.byteOffset, rows, steps, length);
  assertClose(y, outputs.y, OUTPUT, "y");
  exports.masked_mean_backward(memory.at(dy), words, dx.byteOffset, rows, steps, length);
  assertClose(dx, gradients.x, GRADIENT, "x");
});

Deno.test("softmax_cross_entropy() leaves padded steps out as PyTorch does", async () => {
  const { inputs: { logits }, labels, counted, correct, outputs, gradients } = await read<
    Omit<Reference, "outputs"> & {
      labels: readonly (readonly number[])[];
      counted: number;
      correct: number;
      outputs: { readonly loss: number };
    }
  >("sequence_cross_entropy");
  assert(logits);
  const memory = room(), { exports, empty } = memory, [, , units = 0] = logits.shape;
  // The reference has 0 for the padding; here it is -1.
  const classes = labels.flat().map((label) => label === 0 ? -1 : label);
  const dz = empty(logits.data.length), total = empty(LOSS_LAYOUT.size / 4).byteOffset;
  const { buffer } = exports.memory, { offsets } = LOSS_LAYOUT;
  new Float32Array(buffer, total + offsets.scale, 1)[0] = 1;
  const rows = classes.length, z = memory.at(logits), ids = memory.integers(classes);
  exports.softmax_cross_entropy(z, ids, dz.byteOffset, rows, units, total);
  const [loss = NaN, right, steps] = new Float64Array(buffer, total, 3);
  assertEquals([right, steps], [correct, counted]);
  assert(Math.abs(loss / counted - outputs.loss) < 1e-5, `${loss / counted}`);
  assertClose(dz, gradients.logits, GRADIENT, "logits");
});

Deno.test("attention_forward() and attention_backward() are those of PyTorch, with a causal mask", async () => {
  const { inputs, outputs, gradients, dy, heads } = await read<
    Reference & { readonly heads: number }
  >("mha_causal");
  const { x } = inputs;
  assert(x);
  // The second sequence has three tokens, and two of padding that are left out here.
  const [, longest = 0, width = 0] = x.shape, starts = [0, longest, longest + 3];
  const rows = longest + 3, depth = width / heads, memory = room();
  const { exports, empty, placed } = memory, scratch = empty(100_000).byteOffset;
  const part = ({ data }: Tensor, count: number): Tensor => ({
    shape: [count, width],
    data: data.slice(0, count * width),
  });
  const xAt = memory.at(part(x, rows));
  const dense = (from: number, name: string) => {
    const w = memory.at(inputs[`${name}_kernel`]), to = empty(rows * width);
    const b = memory.at(inputs[`${name}_bias`]);
    exports.dense_forward(from, w, b, to.byteOffset, rows, width, width, 0, scratch);
    return { w, to };
  };
  const projected = ["query", "key", "value"].map((name) => dense(xAt, name));
  // Rows of the three parts beside each other.
  const qkv = placed(
    Array.from({ length: 3 * rows * width }, (_, i) => {
      const row = Math.floor(i / (3 * width)), of = Math.floor(i / width) % 3;
      return projected[of]?.to[row * width + i % width] ?? NaN;
    }),
  );
  const shares = empty(heads * 2 * longest * longest).byteOffset, places = memory.integers(starts);
  const mixed = empty(rows * width).byteOffset, sizes = [2, heads, depth, longest] as const;
  exports.attention_forward(qkv.byteOffset, places, shares, mixed, ...sizes, 1, scratch);
  const { w: output, to: y } = dense(mixed, "output");
  assert(outputs.y && gradients.x);
  assertClose(y, part(outputs.y, rows), OUTPUT, "y");
  const [dmixed, dqkv] = [empty(rows * width).byteOffset, empty(3 * rows * width)];
  exports.dense_input(memory.at(part(dy, rows)), output, dmixed, rows, width, width, scratch);
  exports.attention_backward(
    ...[qkv.byteOffset, places, shares, dmixed, dqkv.byteOffset] as const,
    ...sizes,
    scratch,
  );
  const dx = new Float64Array(longest * width);
  for (const [of, { w }] of projected.entries()) {
    const own = placed(
      Array.from({ length: rows * width }, (_, i) => {
        const row = Math.floor(i / width);
        return dqkv[(3 * row + of) * width + i % width] ?? NaN;
      }),
    );
    const to = empty(rows * width);
    exports.dense_input(own.byteOffset, w, to.byteOffset, rows, width, width, scratch);
    dx.forEach((sum, i) => dx[i] = sum + (to[i] ?? NaN));
  }
  // Those of the second sequence have a part of its padding in the reference.
  assertClose(dx, part(gradients.x, longest), GRADIENT, "x");
});
