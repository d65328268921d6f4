import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { createEngineArena } from "../../src/engine/kernels.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const SIZES = [1, 3, 4, 5, 16, 20, 33];

/** A window over images of shape [height, width, channels], with as much padding on every side. */
interface Shape {
  readonly size: number;
  readonly channels: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly pad: number;
}

function* shapes(): Generator<Shape> {
  for (const size of [5, 8, 14]) {
    for (const channels of SIZES) {
      for (const taps of [1, 3, 5]) {
        for (const [stride, dilation] of [[1, 1], [2, 1], [1, 2]] as const) {
          for (const pad of [0, 2]) {
            if ((taps - 1) * dilation < size + 2 * pad) {
              yield { size, channels, taps, stride, dilation, pad };
            }
          }
        }
      }
    }
  }
}

function outputOf({ size, taps, stride, dilation, pad }: Shape): number {
  return Math.floor((size + 2 * pad - (taps - 1) * dilation - 1) / stride) + 1;
}

const { arena, exports } = createEngineArena(128);
const window = new Int32Array(exports.memory.buffer, arena.alloc(16).byteOffset, 16);
const at = window.byteOffset;

function setWindow(shape: Shape): void {
  const { size, channels, taps, stride, dilation, pad } = shape, output = outputOf(shape);
  window.set([size, size, channels, output, output, taps, taps]);
  window.set([stride, stride, dilation, dilation, pad, pad], 7);
}

/** The formula by which the engine once allocated the scratch memory of convolutions. */
function formerConvScratch(shape: Shape, filters: number): number {
  const { channels, taps, stride, dilation } = shape, output = outputOf(shape);
  const depth = taps * taps * channels, long = Math.ceil(depth / 4) * 4;
  const pixels = output * output;
  const reach = (output - 1) * stride + (taps - 1) * dilation + 1;
  const direct = reach * reach * channels + (Math.max(pixels, filters) + filters) * long +
    filters + pixels + 2 * pixels * filters + 4;
  const winograd = 36 * (channels * filters + 24 * (channels + filters) + 32) +
    Math.max(channels, filters) + depth * filters;
  return Math.max(direct, winograd) + 4 * pixels * filters;
}

Deno.test("the scratch sizes of convolutions are positive and at most those of the former formula", () => {
  let equal = 0;
  for (const shape of shapes()) {
    setWindow(shape);
    for (const filters of SIZES) {
      const forward = exports.conv_forward_scratch(at, 0, filters);
      const pooled = exports.conv_forward_scratch(at, at, filters);
      const gradient = exports.conv_gradient_scratch(at, filters);
      const backward = exports.conv_backward_scratch(at, filters);
      const pixels = outputOf(shape) ** 2, former = formerConvScratch(shape, filters);
      assertEquals(pooled, forward + 4 * pixels * filters);
      const most = Math.max(pooled, backward, gradient);
      assert(Math.min(forward, backward, gradient) > 0);
      assert(most <= former, `${most} of ${former}: ${JSON.stringify(shape)}, ${filters} filters`);
      // The gradient is the direct part of the former formula.
      const winograd = 36 * (shape.channels * filters + 24 * (shape.channels + filters) + 32) +
        Math.max(shape.channels, filters) + shape.taps ** 2 * shape.channels * filters;
      if (winograd < former - 4 * pixels * filters) {
        assertEquals(gradient, former - 4 * pixels * filters);
        equal++;
      }
    }
  }
  assert(equal > 0);
});

Deno.test("the scratch sizes of depthwise convolutions are those of the former formula", () => {
  for (const shape of shapes()) {
    setWindow(shape);
    const former = (shape.size ** 2 + shape.taps ** 2 + 1) * shape.channels;
    const most = Math.max(
      exports.depthwise_forward_scratch(at),
      exports.depthwise_backward_scratch(at),
      exports.depthwise_gradient_scratch(at),
    );
    assertEquals(most, former);
  }
});

Deno.test("the scratch sizes of dense layers and batch normalization are those of lists, parts and sums", () => {
  const chunk = 64, depth = Math.floor(16_384 / 40);
  // Columns of a packed part, which many rows take.
  const part = 64 + 3, many = 96;
  for (const rows of [1, 10, 256, 20_000]) {
    for (const inputs of [...SIZES, 9000]) {
      for (const outputs of [...SIZES, 5000]) {
        // A count and an entry of two values for each input: of a row, or of a chunk of rows.
        const lists = Math.max(1 + 2 * inputs, chunk * (1 + 2 * Math.min(inputs, depth)));
        assertEquals(exports.dense_forward_scratch(inputs), Math.max(lists, part * inputs));
        const ofInput = exports.dense_input_scratch(outputs);
        assertEquals(ofInput, Math.max(16_384, part * outputs));
        const gradient = exports.dense_backward_scratch(rows, outputs);
        const packed = rows < many ? 0 : part * rows;
        assertEquals(gradient, Math.max(2 * rows, packed, ofInput));
      }
    }
  }
  for (const channels of SIZES) {
    const most = Math.max(
      exports.batch_norm_train_scratch(channels),
      exports.batch_norm_judge_scratch(channels),
      exports.batch_norm_backward_scratch(channels),
    );
    assertEquals(most, 4 * channels);
  }
});

Deno.test("the scratch sizes of column kernels are a tile of each row", () => {
  for (const rows of SIZES) {
    assertEquals(exports.median_scratch(rows), rows * exports.tile());
    assertEquals(exports.trimmed_mean_scratch(rows), rows * exports.tile());
    assertEquals(exports.mean_around_median_scratch(rows), rows * exports.tile());
  }
});
