import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { Random } from "../../src/base/random.ts";
import { tf } from "../../src/tfjs/deps.ts";
import { startBackend } from "../../src/tfjs/backend.ts";
import { installTrainingKernels } from "../../src/tfjs/kernels/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const random = new Random(7, "test");

/** Values of a tensor that either backend can take. */
interface Values {
  readonly data: Float32Array | Int32Array;
  readonly shape: number[];
}

function normal(...shape: number[]): Values {
  const data = Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    () => random.normal(),
  );
  return { data, shape };
}

function tensorOf({ data, shape }: Values): tf.Tensor {
  return tf.tensor(data.slice(), shape, data instanceof Int32Array ? "int32" : "float32");
}

/** A computation and what it is given. */
type Case = readonly [
  label: string,
  inputs: readonly Values[],
  run: (...x: tf.Tensor[]) => tf.Tensor,
];

interface Counts {
  readonly tensors: number;
  readonly buffers: number;
  readonly held: number;
}

function counts(): Counts {
  const { numTensors, numDataBuffers } = tf.memory();
  const held = (tf.backend() as unknown as { numDataIds(): number }).numDataIds();
  return { tensors: numTensors, buffers: numDataBuffers, held };
}

/** Runs each case twice and sees to it that nothing stays behind. */
function results(cases: readonly Case[]): Map<string, Float32Array> {
  const all = new Map<string, Float32Array>();
  const before = counts();
  for (const [label, inputs, run] of cases) {
    const [first, second] = [1, 2].map(() => {
      const tensors = inputs.map(tensorOf);
      const values = tf.tidy(() => run(...tensors).dataSync().slice()) as Float32Array;
      tf.dispose(tensors);
      return values;
    });
    assertEquals(first, second, label);
    assertEquals(counts(), before, `${label} left something behind`);
    all.set(label, first ?? new Float32Array());
  }
  return all;
}

/** Compares wasm with cpu. */
async function testAgainstCpu(cases: readonly Case[]): Promise<void> {
  await startBackend("cpu");
  await testAgainst(results(cases), cases);
}

/**
 * Compares a backend, wasm unless said otherwise, with a reference; the error may be 1e-4 of the
 * largest value.
 */
async function testAgainst(
  expected: ReadonlyMap<string, Float32Array | Float64Array>,
  cases: readonly Case[],
  backend: "wasm" | "cpu" = "wasm",
): Promise<void> {
  await startBackend(backend);
  const actual = results(cases);
  assertEquals(actual.size, cases.length);
  for (const [label, values] of actual) {
    const reference = Float64Array.from(expected.get(label) ?? []);
    assertEquals(values.length, reference.length, label);
    assert(reference.some((value) => value !== 0), `${label} is all zero`);
    const scale = reference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const worst = reference.reduce((w, x, i) => Math.max(w, Math.abs(x - (values[i] ?? NaN))), 0);
    assert(worst <= 1e-4 * scale, `${label}: off by ${worst} of ${scale}`);
  }
}

type Four = [number, number, number, number];
type Pair = [number, number];
type Explicit = [Pair, Pair, Pair, Pair];
type Pad = "same" | "valid" | number | Explicit;

/** How the filter may go over the edge. */
function padsOf([height, width]: readonly number[], strides: Pair, dilations: Pair): Pad[] {
  const dilated = dilations.some((dilation) => dilation > 1);
  // tfjs itself takes a number for something else when the axes differ, and no number allows for
  // dilation: its forward pass then writes past the end of its result.
  const square = height === width && strides[0] === strides[1] && !dilated;
  const explicit: Explicit = [[0, 0], [1, 2], [0, 1], [0, 0]];
  return ["same", "valid", ...(square ? [0, 1, 2] : []), ...(dilated ? [] : [explicit])];
}

function geometry(
  x: readonly number[],
  filter: readonly number[],
  strides: Pair,
  dilations: Pair,
  pad: Pad,
  depthwise: boolean,
): tf.backend_util.Conv2DInfo {
  return tf.backend_util.computeConv2DInfo(
    [...x] as Four,
    [...filter] as Four,
    strides,
    dilations,
    pad,
    undefined,
    depthwise,
  );
}

/**
 * Both gradients of a depthwise convolution by the definition; tfjs's own on cpu take no notice of
 * dilations.
 */
function depthwiseGradients(
  [x, filter, dy]: readonly [Values, Values, Values],
  info: tf.backend_util.Conv2DInfo,
): Record<"images" | "filter", Float64Array> {
  const images = new Float64Array(x.data.length), taps = new Float64Array(filter.data.length);
  const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = info;
  const multiplier = outChannels / inChannels;
  for (let i = 0; i < dy.data.length; i++) {
    const channel = i % outChannels, pixel = Math.floor(i / outChannels);
    const column = pixel % outWidth, line = Math.floor(pixel / outWidth);
    const row = line % outHeight, image = Math.floor(line / outHeight);
    for (let tapY = 0; tapY < info.filterHeight; tapY++) {
      for (let tapX = 0; tapX < info.filterWidth; tapX++) {
        const y = row * info.strideHeight + tapY * info.dilationHeight - info.padInfo.top;
        const x0 = column * info.strideWidth + tapX * info.dilationWidth - info.padInfo.left;
        if (y < 0 || y >= inHeight || x0 < 0 || x0 >= inWidth) continue;
        const from = Math.floor(channel / multiplier);
        const pixelIndex = ((image * inHeight + y) * inWidth + x0) * inChannels + from;
        const tapIndex = (tapY * info.filterWidth + tapX) * outChannels + channel;
        const slope = dy.data[i] ?? NaN;
        images[pixelIndex] = (images[pixelIndex] ?? 0) + slope * (filter.data[tapIndex] ?? NaN);
        taps[tapIndex] = (taps[tapIndex] ?? 0) + slope * (x.data[pixelIndex] ?? NaN);
      }
    }
  }
  return { images, filter: taps };
}

/** A convolution by its definition. */
function convolution(
  x: Values,
  filter: Values,
  info: tf.backend_util.Conv2DInfo,
  depthwise: boolean,
): Float64Array {
  const { outHeight, outWidth, inHeight, inWidth, inChannels, outChannels } = info;
  const multiplier = outChannels / inChannels;
  return Float64Array.from({ length: tf.util.sizeFromShape(info.outShape) }, (_, i) => {
    const out = i % outChannels, pixel = Math.floor(i / outChannels);
    const column = pixel % outWidth, line = Math.floor(pixel / outWidth);
    const row = line % outHeight, image = Math.floor(line / outHeight);
    let sum = 0;
    for (let tapY = 0; tapY < info.filterHeight; tapY++) {
      for (let tapX = 0; tapX < info.filterWidth; tapX++) {
        const y = row * info.strideHeight + tapY - info.padInfo.top;
        const x0 = column * info.strideWidth + tapX - info.padInfo.left;
        if (y < 0 || y >= inHeight || x0 < 0 || x0 >= inWidth) continue;
        const from = ((image * inHeight + y) * inWidth + x0) * inChannels;
        const tap = tapY * info.filterWidth + tapX;
        if (depthwise) {
          const value = x.data[from + Math.floor(out / multiplier)] ?? NaN;
          sum += value * (filter.data[tap * outChannels + out] ?? NaN);
          continue;
        }
        for (let c = 0; c < inChannels; c++) {
          const weight = filter.data[(tap * inChannels + c) * outChannels + out] ?? NaN;
          sum += (x.data[from + c] ?? NaN) * weight;
        }
      }
    }
    return sum;
  });
}

Deno.test("installTrainingKernels() makes convolutions right whose stride is longer than the filter", async () => {
  const cases: Case[] = [];
  const expected = new Map<string, Float64Array>();
  const sizes: Pair[] = [[1, 2], [2, 1], [1, 3], [2, 2], [1, 1], [3, 3]];
  for (const size of sizes) {
    for (const strides of [[2, 2], [3, 3], [1, 2], [2, 1], [4, 3]] as Pair[]) {
      for (const [height, width] of [[6, 8], [7, 7], [5, 4]] as Pair[]) {
        const x = normal(2, height, width, 2);
        for (const depthwise of [false, true]) {
          const filter = normal(...size, 2, depthwise ? 2 : 3);
          const info = geometry(x.shape, filter.shape, strides, [1, 1], "same", depthwise);
          const values = convolution(x, filter, info, depthwise);
          const bias = normal(info.outChannels);
          const name = `${depthwise ? "depthwise " : ""}${x.shape} by ${filter.shape}, ${strides}`;
          expected.set(name, values).set(
            `fused ${name}`,
            values.map((value, i) => Math.max(0, value + (bias.data[i % info.outChannels] ?? NaN))),
          );
          const plain = depthwise ? tf.depthwiseConv2d : tf.conv2d;
          const fused = depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
          cases.push([
            name,
            [x, filter],
            (x, filter) => plain(x as tf.Tensor4D, filter as tf.Tensor4D, strides, "same"),
          ], [
            `fused ${name}`,
            [x, filter, bias],
            (x, filter, bias) =>
              fused({
                x: x as tf.Tensor4D,
                filter: filter as tf.Tensor4D,
                bias,
                strides,
                pad: "same",
                activation: "relu",
              }),
          ]);
        }
      }
    }
  }
  await testAgainst(expected, cases);
});

/**
 * Goes through the windows of a pooling: the places of their pixels, and the place of what they
 * come to.
 */
function forEachWindow(
  info: tf.backend_util.Conv2DInfo,
  visit: (pixels: readonly number[], out: number) => void,
): void {
  const { outHeight, outWidth, inHeight, inWidth, inChannels } = info;
  for (let out = 0; out < tf.util.sizeFromShape(info.outShape); out++) {
    const channel = out % inChannels, pixel = Math.floor(out / inChannels);
    const column = pixel % outWidth, line = Math.floor(pixel / outWidth);
    const row = line % outHeight, image = Math.floor(line / outHeight);
    const pixels: number[] = [];
    for (let i = 0; i < info.filterHeight * info.filterWidth; i++) {
      const y = row * info.strideHeight + Math.floor(i / info.filterWidth) - info.padInfo.top;
      const x = column * info.strideWidth + i % info.filterWidth - info.padInfo.left;
      if (y < 0 || y >= inHeight || x < 0 || x >= inWidth) continue;
      pixels.push(((image * inHeight + y) * inWidth + x) * inChannels + channel);
    }
    visit(pixels, out);
  }
}

for (const backend of ["wasm", "cpu"] as const) {
  Deno.test(`startBackend() has average pooling and its gradient leave the padding out on ${backend}`, async () => {
    const cases: Case[] = [];
    const expected = new Map<string, Float64Array>();
    for (const size of [[2, 2], [3, 3], [1, 3], [1, 1]] as Pair[]) {
      for (const strides of [[1, 1], [2, 2], [3, 2]] as Pair[]) {
        for (const pad of ["same", "valid"] as const) {
          const x = normal(2, 5, 4, 3);
          const info = tf.backend_util.computePool2DInfo(x.shape as Four, size, strides, 1, pad);
          const dy = normal(...info.outShape);
          const means = new Float64Array(dy.data.length), slopes = new Float64Array(x.data.length);
          forEachWindow(info, (pixels, out) => {
            for (const pixel of pixels) {
              means[out] = (means[out] ?? 0) + (x.data[pixel] ?? NaN) / pixels.length;
              slopes[pixel] = (slopes[pixel] ?? 0) + (dy.data[out] ?? NaN) / pixels.length;
            }
          });
          const label = `${size}, ${strides}, ${pad}`;
          expected.set(label, means).set(`gradient of ${label}`, slopes);
          const pool = (x: tf.Tensor) => tf.avgPool(x as tf.Tensor4D, size, strides, pad);
          cases.push([label, [x], pool]);
          cases.push([`gradient of ${label}`, [x, dy], (x, dy) => tf.grad(pool)(x, dy)]);
        }
      }
    }
    await testAgainst(expected, cases, backend);
  });
}

Deno.test("installTrainingKernels() gives both gradients of a convolution as cpu does", async () => {
  const cases: Case[] = [];
  for (
    const [x, filter] of [
      [[2, 7, 6, 3], [3, 3, 3, 4]],
      [[3, 8, 8, 1], [5, 5, 1, 2]],
      [[1, 5, 9, 2], [1, 3, 2, 1]],
      [[2, 6, 5, 2], [2, 4, 2, 3]],
      [[2, 4, 4, 3], [1, 1, 3, 5]],
      // Large enough to go in two parts.
      [[1, 28, 28, 16], [5, 5, 16, 1]],
    ] as const
  ) {
    for (const strides of [[1, 1], [2, 2], [1, 3], [3, 2]] as Pair[]) {
      for (const pad of padsOf(filter, strides, [1, 1])) {
        const X = normal(...x), W = normal(...filter);
        const dy = normal(...geometry(x, filter, strides, [1, 1], pad, false).outShape);
        for (const [index, name] of ["images", "filter"].entries()) {
          cases.push([
            `${name} of ${x} by ${filter}, ${strides}, ${pad}`,
            [X, W, dy],
            (x, w, dy) => {
              const conv = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
                tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
              return tf.grads(conv)([x, w], dy)[index] as tf.Tensor;
            },
          ]);
        }
      }
    }
  }
  await testAgainstCpu(cases);
});

Deno.test("installTrainingKernels() gives both gradients of a transposed convolution as cpu does", async () => {
  const cases: Case[] = [];
  for (const stride of [1, 2]) {
    for (const [index, name] of ["images", "filter"].entries()) {
      const inputs = [
        normal(2, 4, 5, 3),
        normal(3, 3, 2, 3),
        normal(2, 4 * stride, 5 * stride, 2),
      ];
      cases.push([`${name}, stride ${stride}`, inputs, (x, w, dy) => {
        const conv = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
          tf.conv2dTranspose(
            x as tf.Tensor4D,
            w as tf.Tensor4D,
            [2, 4 * stride, 5 * stride, 2],
            stride,
            "same",
          );
        return tf.grads(conv)([x, w], dy)[index] as tf.Tensor;
      }]);
    }
  }
  await testAgainstCpu(cases);
});

Deno.test("installTrainingKernels() gives both gradients of a depthwise convolution as its definition does", async () => {
  const cases: Case[] = [];
  const expected = new Map<string, Float64Array>();
  for (
    const [x, filter] of [
      [[2, 7, 6, 3], [3, 3, 3, 1]],
      [[2, 8, 7, 2], [3, 2, 2, 3]],
      [[1, 9, 9, 1], [1, 3, 1, 2]],
      [[3, 10, 9, 4], [2, 2, 4, 2]],
    ] as const
  ) {
    for (
      const [strides, dilations] of [
        [[1, 1], [1, 1]],
        [[2, 2], [1, 1]],
        [[1, 3], [1, 1]],
        [[1, 1], [2, 2]],
        [[1, 1], [1, 2]],
        [[2, 3], [3, 2]],
      ] as [Pair, Pair][]
    ) {
      for (const pad of padsOf(filter, strides, dilations)) {
        const X = normal(...x), W = normal(...filter);
        const info = geometry(x, filter, strides, dilations, pad, true);
        if (info.outHeight < 1 || info.outWidth < 1) continue;
        const dy = normal(...info.outShape);
        const by = depthwiseGradients([X, W, dy], info);
        const label = `${x} by ${filter}, ${strides}, ${dilations}, ${pad}`;
        expected.set(`images of ${label}`, by.images).set(`filter of ${label}`, by.filter);
        // Straight to the kernels: tfjs refuses to differentiate a dilated convolution before it
        // asks for one.
        cases.push([`images of ${label}`, [W, dy], (w, dy) =>
          tf.engine().runKernel(
            "DepthwiseConv2dNativeBackpropInput",
            { dy, filter: w },
            { strides, pad, dilations, inputShape: [...x] },
          )]);
        cases.push([
          `filter of ${label}`,
          [X, dy],
          (x, dy) =>
            tf.engine().runKernel(
              "DepthwiseConv2dNativeBackpropFilter",
              { x, dy },
              { strides, pad, dilations, filterShape: [...filter] },
            ),
        ]);
      }
    }
  }
  await testAgainst(expected, cases);
});

Deno.test("installTrainingKernels() gives the gradient of max pooling as cpu does, with ties", async () => {
  const cases: Case[] = [];
  for (const ties of [false, true]) {
    for (const size of [[2, 2], [3, 3], [3, 1]] as Pair[]) {
      for (const strides of [[1, 1], [2, 2], [3, 2]] as Pair[]) {
        for (const pad of ["same", "valid"] as const) {
          const x = normal(2, 7, 6, 3);
          if (ties) x.data.forEach((value, i) => x.data[i] = Math.round(value));
          const info = tf.backend_util.computePool2DInfo(x.shape as Four, size, strides, 1, pad);
          const label = `${size}, ${strides}, ${pad}${ties ? ", ties" : ""}`;
          cases.push([
            label,
            [x, normal(...info.outShape)],
            (x, dy) => tf.grad((x) => tf.maxPool(x as tf.Tensor4D, size, strides, pad))(x, dy),
          ]);
        }
      }
    }
  }
  await testAgainstCpu(cases);
});

Deno.test("installTrainingKernels() multiplies matrices and differentiates the product as cpu does", async () => {
  const cases: Case[] = [];
  const stacks: [number[], number[]][] = [[[], []], [[1], [1]], [[3], [3]], [[2, 2], [2, 2]], [
    [3],
    [
      1,
    ],
  ], [[1], [3]]];
  for (const [m, k, n] of [[3, 5, 7], [2, 30, 40], [40, 30, 2], [1, 1, 1], [40, 41, 42]] as const) {
    for (const [stackA, stackB] of stacks) {
      for (
        const [ta, tb] of [[false, false], [false, true], [true, false], [true, true]] as const
      ) {
        const a = normal(...stackA, ...(ta ? [k, m] : [m, k]));
        const b = normal(...stackB, ...(tb ? [n, k] : [k, n]));
        const label = `${m}x${k}x${n} of [${stackA}] and [${stackB}], ${ta}, ${tb}`;
        cases.push([label, [a, b], (a, b) => tf.matMul(a, b, ta, tb)]);
        if (`${stackA}` !== `${stackB}`) continue;
        const dy = normal(...stackA, m, n);
        for (const index of [0, 1]) {
          cases.push([`gradient ${index} of ${label}`, [a, b, dy], (a, b, dy) => {
            const product = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.matMul(a, b, ta, tb);
            return tf.grads(product)([a, b], dy)[index] as tf.Tensor;
          }]);
        }
      }
    }
  }
  await testAgainstCpu(cases);
});

Deno.test("installTrainingKernels() adds up the gradient of a gather, leaving out what is out of range", async () => {
  const ids = (...data: number[]): Values => ({
    data: Int32Array.from(data),
    shape: [data.length],
  });
  const cases: Case[] = [];
  for (const axis of [0, 1, 2]) {
    const word = ids(1, 0, 1, 1);
    const shape = [3, 4, 2];
    const dy = normal(...shape.map((size, i) => i === axis ? 4 : size));
    cases.push([
      `axis ${axis}`,
      [normal(...shape), word, dy],
      (x, i, dy) => tf.grad((x) => tf.gather(x, i, axis))(x, dy),
    ]);
  }
  const embedding = [normal(5, 3), { data: ids(4, 2, 2, 4, 0, 4).data, shape: [2, 3] }];
  cases.push([
    "two axes of indices",
    [...embedding, normal(2, 3, 3)],
    (x, i, dy) => tf.grad((x) => tf.gather(x, i))(x, dy),
  ]);
  for (const inner of [[], [3], [2, 3]]) {
    cases.push([
      `rows of [${inner}]`,
      [normal(6, ...inner), ids(2, -1, 4, 5, 2, 0)],
      (x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 4),
    ]);
  }
  await testAgainstCpu(cases);
});

Deno.test("installTrainingKernels() records nothing of its own, so gradients of gradients hold", async () => {
  const cases: Case[] = [];
  const twice = (f: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor): tf.Tensor =>
    tf.grad((x) => tf.grad((x) => f(x).square().square().sum())(x).square().sum())(x);
  for (const stride of [1, 2]) {
    cases.push([
      `stride ${stride}`,
      [normal(2, 5, 5, 2), normal(3, 3, 2, 2)],
      (x, w) => twice((x) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, "same"))(x),
    ]);
  }
  for (const stack of [[], [3]]) {
    cases.push([
      `matrices [${stack}]`,
      [normal(...stack, 4, 5), normal(...stack, 5, 6)],
      (x, w) => twice((x) => tf.matMul(x, w))(x),
    ]);
  }
  await testAgainstCpu(cases);
});

Deno.test("installTrainingKernels() does nothing the second time", async () => {
  await startBackend("wasm");
  const kernel = tf.getKernel("BatchMatMul", "wasm");
  installTrainingKernels();
  assertEquals(tf.getKernel("BatchMatMul", "wasm"), kernel);
});

Deno.test("installTrainingKernels() without a WASM backend says what to import", async () => {
  const module = new URL("../../src/tfjs/kernels/mod.ts", import.meta.url);
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-lock",
      `import { installTrainingKernels } from ${JSON.stringify(module.href)};
      try { installTrainingKernels(); } catch (error) { console.log(String(error)); }`,
    ],
    cwd: new URL("../..", import.meta.url),
    stderr: "null",
  }).output();
  const line =
    "Error: Cannot install the training kernels: tfjs's WASM backend is not registered; " +
    "import npm:@tensorflow/tfjs-backend-wasm@4.22.0 first";
  assert(new TextDecoder().decode(stdout).includes(`${line}\n`));
});

/**
 * Trains a model on wasm, with one of the optimizers of tfjs itself, and gives the first and the
 * last loss.
 */
async function losses(
  build: () => tf.LayersModel,
  input: Values,
  classes: number,
): Promise<[number, number]> {
  await startBackend("wasm");
  tf.engine().startScope();
  const model = build();
  model.compile({ optimizer: tf.train.adam(0.02), loss: "sparseCategoricalCrossentropy" });
  const x = tensorOf(input);
  const y = tf.tensor1d(Float32Array.from({ length: input.shape[0] ?? 0 }, (_, i) => i % classes));
  const all: number[] = [];
  let settled: Counts | undefined;
  for (let step = 0; step < 12; step++) {
    all.push(await model.trainOnBatch(x, y) as number);
    if (step === 2) settled = counts();
  }
  assertEquals(counts(), settled);
  model.dispose();
  tf.engine().endScope();
  return [all[0] ?? NaN, all.at(-1) ?? NaN];
}

const { layers } = tf;
const softmax = (): tf.layers.Layer => layers.dense({ units: 3, activation: "softmax" });
const images = normal(12, 8, 8, 2), vectors = normal(12, 6), series = normal(12, 5, 4);
const words: Values = {
  data: Int32Array.from({ length: 12 * 4 }, (_, i) => Math.floor(i / 4) % 3 + 3 * (i % 3)),
  shape: [12, 4],
};

const MODELS: readonly (readonly [string, Values, () => tf.LayersModel])[] = [
  ["dense", vectors, () =>
    tf.sequential({
      layers: [layers.dense({ units: 8, activation: "relu", inputShape: [6] }), softmax()],
    })],
  ["convolutional", images, () =>
    tf.sequential({
      layers: [
        layers.conv2d({
          filters: 4,
          kernelSize: 3,
          padding: "same",
          activation: "relu",
          inputShape: [8, 8, 2],
        }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 6, kernelSize: 3, strides: 2, activation: "relu" }),
        layers.flatten(),
        softmax(),
      ],
    })],
  ["depthwise and separable", images, () =>
    tf.sequential({
      layers: [
        layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, inputShape: [8, 8, 2] }),
        layers.separableConv2d({ filters: 4, kernelSize: 3, strides: 2, padding: "same" }),
        layers.averagePooling2d({ poolSize: 2 }),
        layers.flatten(),
        softmax(),
      ],
    })],
  ["embedding", words, () =>
    tf.sequential({
      layers: [
        layers.embedding({ inputDim: 9, outputDim: 4, inputLength: 4 }),
        layers.flatten(),
        softmax(),
      ],
    })],
  [
    "LSTM",
    series,
    () => tf.sequential({ layers: [layers.lstm({ units: 5, inputShape: [5, 4] }), softmax()] }),
  ],
  [
    "GRU",
    series,
    () => tf.sequential({ layers: [layers.gru({ units: 5, inputShape: [5, 4] }), softmax()] }),
  ],
  ["batch-normalized", images, () =>
    tf.sequential({
      layers: [
        layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [8, 8, 2], useBias: false }),
        layers.batchNormalization(),
        layers.reLU(),
        layers.globalAveragePooling2d({}),
        softmax(),
      ],
    })],
  ["residual", images, () => {
    const input = tf.input({ shape: [8, 8, 2] });
    const same = { kernelSize: 3, padding: "same" as const };
    const first = layers.conv2d({ ...same, filters: 4 }).apply(input) as tf.SymbolicTensor;
    const second = layers.conv2d({ ...same, filters: 4, activation: "relu" }).apply(first);
    const sum = layers.add().apply([first, second as tf.SymbolicTensor]);
    const flat = layers.flatten().apply(sum);
    return tf.model({ inputs: input, outputs: softmax().apply(flat) as tf.SymbolicTensor });
  }],
];

for (const [name, input, build] of MODELS) {
  Deno.test(`installTrainingKernels() trains a model on wasm: ${name}`, async () => {
    const [first, last] = await losses(build, input, 3);
    assert(last < 0.95 * first, `${first} → ${last}`);
  });
}
