import { assertEquals, assertRejects } from "jsr:@std/assert@1.0.19";
import { cnn, initialParameters, Manifest, readSafetensors } from "../../mod.ts";
import { loadWeights } from "../../src/store/mod.ts";
import { f32, safetensorsOf } from "../helpers/safetensors.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** Numbers from 0, for values whose place can be read off them. */
const count = (length: number) => Array.from({ length }, (_, i) => i);

const MANIFEST = Manifest.of([
  { name: "fc/kernel", shape: [2, 3] },
  { name: "fc/bias", shape: [3] },
]);

Deno.test("readSafetensors() converts floats of 16 and 64 bits", async () => {
  const wide = Float64Array.of(1.5, -2e-3, 3e38);
  const { parameters } = await readSafetensors(safetensorsOf({
    // 1.5 and -2 as IEEE 754 halves, and as the upper halves of 32-bit floats.
    half: { dtype: "F16", shape: [2], bytes: Uint8Array.of(0x00, 0x3E, 0x00, 0xC0) },
    brain: { dtype: "BF16", shape: [2], bytes: Uint8Array.of(0xC0, 0x3F, 0x00, 0xC0) },
    wide: { dtype: "F64", shape: [3], bytes: new Uint8Array(wide.buffer) },
    plain: f32([1], [7]),
  }));
  assertEquals([...parameters], [1.5, -2, 1.5, -2, ...wide.map(Math.fround), 7]);
});

Deno.test("readSafetensors() converts tensors that are larger than a piece", async () => {
  const values = Float64Array.from({ length: 2 ** 19 + 3 }, (_, i) => i);
  const bytes = new Uint8Array(values.buffer);
  const { parameters } = await readSafetensors(
    safetensorsOf({ w: { dtype: "F64", shape: [values.length], bytes } }),
  );
  assertEquals(parameters.findIndex((value, i) => value !== i), -1);
});

Deno.test("readSafetensors() refuses a double that no 32-bit float holds", async () => {
  const bytes = new Uint8Array(Float64Array.of(1, 1e300).buffer);
  await assertRejects(
    () => readSafetensors(safetensorsOf({ w: { dtype: "F64", shape: [2], bytes } })),
    RangeError,
    'expected tensor "w" to fit into 32-bit floats, got 1e+300',
  );
});

Deno.test("loadWeights() goes by names, never by places", async () => {
  const file = safetensorsOf({
    "fc/bias": f32([3], [7, 8, 9]),
    "fc/kernel": f32([2, 3], count(6)),
  });
  const { parameters, missing, leftOver } = await loadWeights(file, MANIFEST);
  assertEquals([[...parameters], missing, leftOver], [[...count(6), 7, 8, 9], [], []]);
});

Deno.test("loadWeights() names what the file lacks, and keeps it from `initial`", async () => {
  const file = safetensorsOf({ "fc/kernel": f32([2, 3], count(6)), "old/bias": f32([1], [1]) });
  await assertRejects(
    () => loadWeights(file, MANIFEST),
    SyntaxError,
    'expected "fc/bias", which the file lacks; it has "old/bias" beside those of the model',
  );
  const initial = new Float32Array(9).fill(5);
  const { parameters, missing, leftOver } = await loadWeights(file, MANIFEST, { initial });
  assertEquals([...parameters], [...count(6), 5, 5, 5]);
  assertEquals([missing, leftOver], [["fc/bias"], ["old/bias"]]);
  assertEquals([...initial], new Array(9).fill(5));
  const foreign = safetensorsOf({ x: f32([1], [1]) });
  await assertRejects(
    () => loadWeights(foreign, MANIFEST, { initial }),
    SyntaxError,
    'expected "fc/kernel", "fc/bias", which the file lacks; it has "x"',
  );
});

Deno.test("loadWeights() names both shapes, and values that are not finite", async () => {
  const bias = { "fc/bias": f32([3], [0, 0, 0]) };
  await assertRejects(
    () => loadWeights(safetensorsOf({ ...bias, "fc/kernel": f32([3, 2], count(6)) }), MANIFEST),
    RangeError,
    'expected tensor "fc/kernel" of shape [2, 3], got [3, 2]',
  );
  const kernel = { "fc/kernel": f32([2, 3], [0, 1, NaN, 3, 4, 5]) };
  await assertRejects(
    () => loadWeights(safetensorsOf({ ...bias, ...kernel }), MANIFEST),
    RangeError,
    'expected finite values in tensor "fc/kernel", got NaN',
  );
  const ids = { dtype: "I64", shape: [2, 3], bytes: new Uint8Array(48) };
  await assertRejects(
    () => loadWeights(safetensorsOf({ ...bias, "fc/kernel": ids }), MANIFEST),
    TypeError,
    'expected tensor "fc/kernel" to be of dtype F32, F64, F16, BF16, got "I64"',
  );
});

Deno.test("loadWeights() takes names of layers and of tensors, and null for what is left out", async () => {
  const file = safetensorsOf({
    "net.0.weight": f32([3, 2], count(6)),
    "net.0.bias": f32([3], [7, 8, 9]),
    "head.weight": f32([1], [1]),
    "head.extra.weight": f32([1], [1]),
  });
  const transposed = [0, 2, 4, 1, 3, 5, 7, 8, 9];
  const byLayer = await loadWeights(file, MANIFEST, { names: { "net.0": "fc", head: null } });
  assertEquals([[...byLayer.parameters], byLayer.leftOver], [transposed, []]);
  const byTensor = await loadWeights(file, MANIFEST, {
    names: {
      "net.0.weight": { name: "fc/kernel", transpose: [1, 0] },
      "net.0.bias": "fc/bias",
      "head.weight": null,
    },
  });
  assertEquals([...byTensor.parameters], transposed);
  assertEquals(byTensor.leftOver, ["head.extra.weight"]);
  // A square kernel of PyTorch under the plain name of ours is transposed all the same.
  const square = Manifest.of([{ name: "fc/kernel", shape: [2, 2] }]);
  const { parameters } = await loadWeights(
    safetensorsOf({ "a.weight": f32([2, 2], count(4)) }),
    square,
    { names: { "a.weight": "fc/kernel" } },
  );
  assertEquals([...parameters], [0, 2, 1, 3]);
});

Deno.test("loadWeights() refuses names that stand for nothing, and two tensors for one", async () => {
  const file = safetensorsOf({ "fc/kernel": f32([2, 3], count(6)), "fc/bias": f32([3], count(3)) });
  const cases: [Parameters<typeof loadWeights>[2], string][] = [
    [{ names: { gone: "fc" } }, 'to be those of its tensors or layers, got "gone"'],
    [
      { names: { "fc/bias": "fc/gone" } },
      'a tensor of the model, got "fc/gone"; it has "fc/kernel"',
    ],
    [{ names: { fc: { name: "fc" } } }, 'the layer "fc" to be mapped to a name alone'],
    [{ names: { "fc/bias": "fc/kernel" } }, 'one tensor for "fc/kernel", got "fc/kernel" and'],
  ];
  for (const [options, says] of cases) {
    await assertRejects(() => loadWeights(file, MANIFEST, options), SyntaxError, says);
  }
  for (const transpose of [[0], [0, 0], [0, 2]]) {
    const names = { "fc/kernel": { name: "fc/kernel", transpose } };
    await assertRejects(() => loadWeights(file, MANIFEST, { names }), RangeError, "a transpose of");
  }
});

Deno.test("loadWeights() knows the names and the axes of PyTorch", async () => {
  const manifest = Manifest.of([
    { name: "conv/kernel", shape: [2, 3, 4, 5] },
    { name: "depth/depthwise_kernel", shape: [2, 2, 5, 2] },
    { name: "bn/gamma", shape: [10] },
    { name: "bn/beta", shape: [10] },
    { name: "words/embeddings", shape: [3, 2] },
    { name: "bn/moving_mean", shape: [10], trainable: false },
    { name: "bn/moving_variance", shape: [10], trainable: false },
  ]);
  const file = safetensorsOf({
    "bn.running_mean": f32([10], count(10)),
    "bn.running_var": f32([10], count(10).map((x) => x + 100)),
    "bn.weight": f32([10], count(10).map((x) => x + 200)),
    "bn.bias": f32([10], count(10).map((x) => x + 300)),
    "bn.num_batches_tracked": { dtype: "I64", shape: [], bytes: new Uint8Array(8) },
    "conv.weight": f32([5, 4, 2, 3], count(120)),
    "depth.weight": f32([10, 1, 2, 2], count(40)),
    "words.weight": f32([3, 2], count(6)),
  });
  const { parameters, leftOver } = await loadWeights(file, manifest);
  assertEquals(leftOver, []);
  const [conv, depth, gamma, beta, words, mean, variance] = manifest.views(parameters);
  // [h, w, in, out] of ours is [out, in, h, w] of theirs.
  for (const [h, w, i, o] of [[0, 0, 0, 0], [1, 2, 3, 4], [0, 2, 1, 3]] as const) {
    assertEquals(conv?.[((h * 3 + w) * 4 + i) * 5 + o], ((o * 4 + i) * 2 + h) * 3 + w);
  }
  // [h, w, channel, m] of ours is [channel * 2 + m, 0, h, w] of theirs.
  for (const [h, w, c, m] of [[0, 0, 0, 1], [1, 0, 4, 1], [1, 1, 2, 0]] as const) {
    assertEquals(depth?.[((h * 2 + w) * 5 + c) * 2 + m], ((c * 2 + m) * 2 + h) * 2 + w);
  }
  assertEquals([gamma?.[1], beta?.[1], mean?.[1], variance?.[1]], [201, 301, 1, 101]);
  assertEquals([...words ?? []], count(6));
});

Deno.test("loadWeights() asks for the order of a flattened image of PyTorch", async () => {
  const { manifest } = await initialParameters(cnn({ inputShape: [8, 8, 1], numClasses: 3 }), 1);
  const fileOf = (hidden: number[]) =>
    safetensorsOf({
      "conv1.weight": f32([32, 1, 5, 5], count(800)),
      "conv1.bias": f32([32], count(32)),
      "conv2.weight": f32([64, 32, 5, 5], count(51_200)),
      "conv2.bias": f32([64], count(64)),
      "hidden.weight": f32([512, 256], hidden),
      "hidden.bias": f32([512], count(512)),
      "logits.weight": f32([3, 512], count(1536)),
      "logits.bias": f32([3], count(3)),
    });
  const file = fileOf(count(512 * 256));
  await assertRejects(
    () => loadWeights(file, manifest),
    RangeError,
    '"reshape": [512, 64, HEIGHT, WIDTH] and "transpose": [2, 3, 1, 0]',
  );
  const place = { name: "hidden/kernel", reshape: [512, 64, 2, 2], transpose: [2, 3, 1, 0] };
  const { parameters } = await loadWeights(file, manifest, { names: { "hidden.weight": place } });
  const at = manifest.tensors.findIndex(({ name }) => name === "hidden/kernel");
  const kernel = manifest.views(parameters)[at];
  for (const [h, w, c, o] of [[0, 0, 0, 1], [1, 0, 63, 511], [0, 1, 5, 7]] as const) {
    assertEquals(kernel?.[((h * 2 + w) * 64 + c) * 512 + o], ((o * 64 + c) * 2 + h) * 2 + w);
  }
});

Deno.test("loadWeights() knows the names of Keras", async () => {
  for (const names of [["fc/kernel:0", "fc/bias:0"], ["net/fc/kernel", "net/fc/bias"]] as const) {
    const [kernel, bias] = names;
    const file = safetensorsOf({ [bias]: f32([3], [7, 8, 9]), [kernel]: f32([2, 3], count(6)) });
    assertEquals([...(await loadWeights(file, MANIFEST)).parameters], [...count(6), 7, 8, 9]);
  }
  const depth = Manifest.of([{ name: "d/depthwise_kernel", shape: [1, 1, 2, 1] }]);
  const file = safetensorsOf({ "d/kernel": f32([1, 1, 2, 1], [3, 4]) });
  assertEquals([...(await loadWeights(file, depth)).parameters], [3, 4]);
});
