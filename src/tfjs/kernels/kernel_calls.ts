import { tf } from "./deps.ts";

/** The part of tfjs's WASM backend that a kernel works with. */
export interface WasmBackend {
  /** Gives memory for a new tensor; what stands in it is left over from others. */
  makeOutput(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  /** The memory of a tensor, as it is; growing the heap for a new tensor makes it stale. */
  typedArrayFromHeap(tensor: tf.TensorInfo): tf.TypedArray;
  /** Counts one reference down and frees the memory at none. */
  disposeData(dataId: tf.TensorInfo["dataId"]): boolean;
}

/** What tfjs calls a kernel with. */
export interface KernelCall {
  /** The tensors, by name. */
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  /** Everything else, by name. */
  readonly attrs: Readonly<Record<string, unknown>>;
  /** The backend that is to compute. */
  readonly backend: WasmBackend;
}

/** Computes one tensor. */
export type Kernel = (call: KernelCall) => tf.TensorInfo;

/** Gives a kernel of the WASM backend as it stands now; throws an `Error` when there is none. */
export function kernelOf(name: string): Kernel {
  const kernel = tf.getKernel(name, "wasm");
  if (!kernel) {
    throw new Error(
      `Cannot install the training kernels: tfjs's WASM backend has no kernel ${name}; import npm:@tensorflow/tfjs-backend-wasm@4.22.0 first`,
    );
  }
  return kernel.kernelFunc as unknown as Kernel;
}

/** Gives an input of a kernel; throws a `TypeError` when the caller left it out. */
export function inputOf({ inputs }: Pick<KernelCall, "inputs">, name: string): tf.TensorInfo {
  const input = inputs[name];
  if (!input) {
    throw new TypeError(`Cannot run a training kernel: expected an input ${name}, got none`);
  }
  return input;
}

/** The kernels that the others are composed of, taken before any is replaced. */
export type Tools = Readonly<
  & Record<"multiply" | "transpose" | "reshape" | "pad" | "slice", Kernel>
  & Record<"concat" | "sum" | "reverse" | "convolve" | "convolveDepthwise" | "convolveBack", Kernel>
>;

/** Takes the tools from the backend; throws an `Error` when it is not loaded. */
export function takeTools(): Tools {
  return {
    multiply: kernelOf("BatchMatMul"),
    transpose: kernelOf("Transpose"),
    reshape: kernelOf("Reshape"),
    pad: kernelOf("PadV2"),
    slice: kernelOf("Slice"),
    concat: kernelOf("Concat"),
    sum: kernelOf("Sum"),
    reverse: kernelOf("Reverse"),
    convolve: kernelOf("Conv2D"),
    convolveDepthwise: kernelOf("DepthwiseConv2dNative"),
    convolveBack: kernelOf("Conv2DBackpropInput"),
  };
}

/**
 * Runs kernels below tfjs's ops, where nothing goes on a gradient tape, and frees all that they made but the result.
 */
export class Bench {
  readonly #tools: Tools;
  readonly #backend: WasmBackend;
  readonly #scratch = new Set<tf.TensorInfo>();

  private constructor(tools: Tools, backend: WasmBackend) {
    this.#tools = tools;
    this.#backend = backend;
  }

  /** Makes a kernel of a computation on a bench. */
  static kernel(
    tools: Tools,
    compute: (bench: Bench, call: KernelCall) => tf.TensorInfo,
  ): Kernel {
    return (call) => {
      const bench = new Bench(tools, call.backend);
      try {
        const result = compute(bench, call);
        bench.#scratch.delete(result);
        return result;
      } finally {
        for (const { dataId } of bench.#scratch) call.backend.disposeData(dataId);
      }
    };
  }

  #run(kernel: Kernel, inputs: KernelCall["inputs"], attrs: KernelCall["attrs"]): tf.TensorInfo {
    const made = kernel({ inputs, attrs, backend: this.#backend });
    this.#scratch.add(made);
    return made;
  }

  /** Gives room for a tensor of float32; what stands in it is left over from others. */
  make(shape: readonly number[]): tf.TensorInfo {
    const made = this.#backend.makeOutput(shape, "float32");
    this.#scratch.add(made);
    return made;
  }

  /** The memory of a tensor; making another tensor may move it. */
  values(tensor: tf.TensorInfo): tf.TypedArray {
    return this.#backend.typedArrayFromHeap(tensor);
  }

  /** Frees what was made here before its time. */
  free(made: tf.TensorInfo): void {
    if (this.#scratch.delete(made)) this.#backend.disposeData(made.dataId);
  }

  /** The backend's own gradient of a convolution with respect to its images. */
  stockInputGradient({ inputs, attrs }: KernelCall): tf.TensorInfo {
    return this.#run(this.#tools.convolveBack, inputs, attrs);
  }

  /** Multiplies matrices, or stacks of them, by the backend's own kernel. */
  multiply(
    a: tf.TensorInfo,
    b: tf.TensorInfo,
    { transposeA = false, transposeB = false } = {},
  ): tf.TensorInfo {
    return this.#run(this.#tools.multiply, { a, b }, { transposeA, transposeB });
  }

  /** Puts axis `perm[i]` at place `i`. */
  transpose(x: tf.TensorInfo, perm: readonly number[]): tf.TensorInfo {
    return this.#run(this.#tools.transpose, { x }, { perm });
  }

  /** Sees the same values in another shape, without a copy. */
  reshape(x: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    return this.#run(this.#tools.reshape, { x }, { shape });
  }

  /** Cuts a block out. */
  slice(x: tf.TensorInfo, begin: readonly number[], size: readonly number[]): tf.TensorInfo {
    return this.#run(this.#tools.slice, { x }, { begin, size });
  }

  /** Surrounds with zeros. */
  pad(x: tf.TensorInfo, paddings: readonly (readonly [number, number])[]): tf.TensorInfo {
    if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
    return this.#run(this.#tools.pad, { x }, { paddings, constantValue: 0 });
  }

  /** Joins along an axis. */
  concat(parts: readonly tf.TensorInfo[], axis: number): tf.TensorInfo {
    const [only] = parts;
    if (only && parts.length === 1) return only;
    return this.#run(this.#tools.concat, parts as unknown as KernelCall["inputs"], { axis });
  }

  /** Adds up along an axis, which goes. */
  sum(x: tf.TensorInfo, axis: number): tf.TensorInfo {
    return this.#run(this.#tools.sum, { x }, { axis: [axis], keepDims: false });
  }

  /** Turns a filter of `[height, width, …]` by half a turn. */
  turn(filter: tf.TensorInfo): tf.TensorInfo {
    return this.#run(this.#tools.reverse, { x: filter }, { dims: [0, 1] });
  }

  /** Slides a filter over images without padding them, step by step, its taps `dilations` apart. */
  convolve(
    x: tf.TensorInfo,
    filter: tf.TensorInfo,
    dilations: readonly [number, number] = [1, 1],
    depthwise = false,
  ): tf.TensorInfo {
    const kernel = depthwise ? this.#tools.convolveDepthwise : this.#tools.convolve;
    return this.#run(kernel, { x, filter }, {
      strides: [1, 1],
      pad: "valid",
      dilations,
      dataFormat: "NHWC",
    });
  }
}
