import type { EncoderModel } from "../../../src/train/models/encoder/encoder_model.ts";
import { encoderManifest } from "../../../src/train/models/encoder/initial.ts";
import type { BaseWeights } from "../../../src/encoder/base_weights.ts";

type Matrix = number[][];

/** Tensors of a base by their names in its file, as float64 values. */
export type ReferenceWeights = ReadonlyMap<string, { shape: readonly number[]; values: number[] }>;

/** Reads all tensors of a base. */
export async function referenceWeights(weights: BaseWeights): Promise<ReferenceWeights> {
  const tensors = new Map<string, { shape: readonly number[]; values: number[] }>();
  for (const [name, shape] of weights.shapes) {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
    await weights.read(name, values);
    tensors.set(name, { shape, values: [...values] });
  }
  return tensors;
}

/** Matrix product. */
function times(a: Matrix, b: Matrix): Matrix {
  return a.map((row) =>
    (b[0] ?? []).map((_, k) => row.reduce((sum, value, i) => sum + value * (b[i]?.[k] ?? NaN), 0))
  );
}

function transposed(a: Matrix): Matrix {
  return (a[0] ?? []).map((_, k) => a.map((row) => row[k] ?? NaN));
}

function plus(a: Matrix, b: Matrix): Matrix {
  return a.map((row, i) => row.map((value, k) => value + (b[i]?.[k] ?? NaN)));
}

function softmax(row: readonly number[]): number[] {
  const most = Math.max(...row), powers = row.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** Error function: by its series, and by the continued fraction of its complement far from 0. */
function erf(x: number): number {
  if (Math.abs(x) > 3) {
    let tail = 0;
    for (let n = 80; n > 0; n--) tail = n / 2 / (Math.abs(x) + tail);
    const rest = Math.exp(-x * x) / Math.sqrt(Math.PI) / (Math.abs(x) + tail);
    return Math.sign(x) * (1 - rest);
  }
  let term = x, sum = x;
  for (let n = 1; n < 80; n++) {
    term *= -x * x / n;
    sum += term / (2 * n + 1);
  }
  return 2 / Math.sqrt(Math.PI) * sum;
}

/**
 * Logits of texts by the definition of BERT with adapters (Devlin et al. 2019, Hu et al. 2022), one
 * text at a time, in float64 and plain loops.
 */
export function referenceLogits(
  weights: ReferenceWeights,
  model: EncoderModel,
  parameters: ArrayLike<number>,
  texts: readonly (readonly number[])[],
): Matrix {
  const { encoder: { layers, heads, epsilon, width, activation }, adapters, pooling } = model;
  const own = new Map(
    encoderManifest(model).tensors.map(({ name, shape, offset, length }) => {
      const values = Array.from({ length }, (_, i) => parameters[offset + i] ?? NaN);
      return [name, rowsOf(values, shape.at(-1) ?? 1)] as const;
    }),
  );
  const tensor = (name: string) => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`no tensor ${name}`);
    return rowsOf(found.values, found.shape.at(-1) ?? 1);
  };
  const norm = (x: Matrix, name: string) => {
    const gamma = tensor(`${name}.weight`)[0] ?? [], beta = tensor(`${name}.bias`)[0] ?? [];
    return x.map((row) => {
      const mean = row.reduce((a, b) => a + b) / row.length;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / row.length;
      return row.map((value, k) =>
        (gamma[k] ?? NaN) * (value - mean) / Math.sqrt(variance + epsilon) + (beta[k] ?? NaN)
      );
    });
  };
  const dense = (x: Matrix, name: string, adapter: string) => {
    const bias = tensor(`${name}.bias`)[0] ?? [];
    const y = times(x, transposed(tensor(`${name}.weight`)))
      .map((row) => row.map((value, k) => value + (bias[k] ?? NaN)));
    const a = own.get(`${adapter}/lora_A`), b = own.get(`${adapter}/lora_B`);
    if (!a || !b || !adapters) return y;
    const low = times(times(x, transposed(a)), transposed(b));
    const scale = adapters.alpha / adapters.rank;
    return plus(y, low.map((row) => row.map((value) => scale * value)));
  };
  const gelu = (x: number) =>
    activation === "gelu"
      ? x * (1 + erf(x / Math.SQRT2)) / 2
      : x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  return texts.map((text) => {
    const words = tensor("embeddings.word_embeddings.weight");
    const places = tensor("embeddings.position_embeddings.weight");
    const type = tensor("embeddings.token_type_embeddings.weight")[0] ?? [];
    let x: Matrix = text.map((token, i) =>
      type.map((value, k) => value + (words[token]?.[k] ?? NaN) + (places[i]?.[k] ?? NaN))
    );
    x = norm(x, "embeddings.LayerNorm");
    for (let i = 0; i < layers; i++) {
      const at = `encoder.layer.${i}`;
      const [q, k, v] = ["query", "key", "value"].map((part) =>
        dense(x, `${at}.attention.self.${part}`, `l${i}/${part}`)
      );
      const depth = width / heads;
      const parts = Array.from({ length: heads }, (_, head) => {
        const cut = (a: Matrix = []) => a.map((row) => row.slice(head * depth, (head + 1) * depth));
        const scores = times(cut(q), transposed(cut(k)))
          .map((row) => row.map((value) => value / Math.sqrt(depth)));
        return times(scores.map(softmax), cut(v));
      });
      const attended = x.map((_, row) => parts.flatMap((part) => part[row] ?? []));
      const h = norm(
        plus(x, dense(attended, `${at}.attention.output.dense`, `l${i}/output`)),
        `${at}.attention.output.LayerNorm`,
      );
      const wide = dense(h, `${at}.intermediate.dense`, `l${i}/ffn_in`);
      const active = wide.map((row) => row.map(gelu));
      x = norm(
        plus(h, dense(active, `${at}.output.dense`, `l${i}/ffn_out`)),
        `${at}.output.LayerNorm`,
      );
    }
    const vector = pooling === "cls"
      ? x[0] ?? []
      : x.reduce((sum, row) => sum.map((value, k) => value + (row[k] ?? NaN)))
        .map((value) => value / x.length);
    const kernel = own.get("head/kernel") ?? [], bias = own.get("head/bias")?.[0] ?? [];
    return (times([vector], kernel)[0] ?? []).map((value, k) => value + (bias[k] ?? NaN));
  });
}

function rowsOf(values: readonly number[], width: number): Matrix {
  return Array.from(
    { length: values.length / width },
    (_, i) => values.slice(i * width, (i + 1) * width),
  );
}

/** Mean cross-entropy of logits. */
export function referenceLoss(logits: Matrix, labels: ArrayLike<number>): number {
  return logits.reduce((sum, row, i) => sum - Math.log(softmax(row)[labels[i] ?? -1] ?? NaN), 0) /
    logits.length;
}
