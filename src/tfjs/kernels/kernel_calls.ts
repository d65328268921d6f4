import { tf } from "./deps.ts";

/** Part of tfjs's WASM backend that a kernel uses. */
export interface WasmBackend {
  /** Allocates a new tensor, whose values are undefined. */
  makeOutput(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  /** Returns the memory of a tensor; it becomes stale when the heap grows for a new tensor. */
  typedArrayFromHeap(tensor: tf.TensorInfo): tf.TypedArray;
  /** Drops one reference, and frees the memory with the last one. */
  disposeData(dataId: tf.TensorInfo["dataId"]): boolean;
}

/** Arguments of a kernel. */
export interface KernelCall {
  /** Tensors, by name. */
  readonly inputs: Readonly<Record<string, tf.TensorInfo>>;
  /** All other arguments, by name. */
  readonly attrs: Readonly<Record<string, unknown>>;
  /** Backend that computes. */
  readonly backend: WasmBackend;
}

/** Kernel that computes one tensor. */
export type Kernel = (call: KernelCall) => tf.TensorInfo;

/**
 * Returns the kernel that the WASM backend has now.
 *
 * @throws {Error} If there is none.
 */
export function kernelOf(name: string): Kernel {
  const kernel = tf.getKernel(name, "wasm");
  if (!kernel) {
    throw new Error(
      `Cannot install the training kernels: tfjs's WASM backend has no kernel ${name}; import npm:@tensorflow/tfjs-backend-wasm@4.22.0 first`,
    );
  }
  return kernel.kernelFunc as unknown as Kernel;
}

/**
 * Returns an input of a kernel.
 *
 * @throws {TypeError} If the caller left it out.
 */
export function inputOf({ inputs }: Pick<KernelCall, "inputs">, name: string): tf.TensorInfo {
  const input = inputs[name];
  if (!input) {
    throw new TypeError(`Cannot run a training kernel: expected an input ${name}, got none`);
  }
  return input;
}

/** Kernels that the others are composed of, taken before any is replaced. */
export type Tools = Readonly<
  & Record<"multiply" | "transpose" | "reshape" | "pad" | "slice", Kernel>
  & Record<"concat" | "sum" | "reverse" | "convolve" | "convolveDepthwise" | "convolveBack", Kernel>
>;

/**
 * Takes the kernels from the backend.
 *
 * @throws {Error} If it is not loaded.
 */
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
 * Runs kernels below tfjs's ops, so that nothing is recorded on a gradient tape, and frees all
 * their tensors except the result.
 */
export class KernelScope {
  readonly #tools: Tools;
  readonly #backend: WasmBackend;
  readonly #scratch = new Set<tf.TensorInfo>();

  private constructor(tools: Tools, backend: WasmBackend) {
    this.#tools = tools;
    this.#backend = backend;
  }

  /** Creates a kernel from a computation. */
  static kernel(
    tools: Tools,
    compute: (scope: KernelScope, call: KernelCall) => tf.TensorInfo,
  ): Kernel {
    return (call) => {
      const scope = new KernelScope(tools, call.backend);
      try {
        const result = compute(scope, call);
        scope.#scratch.delete(result);
        return result;
      } finally {
        for (const { dataId } of scope.#scratch) call.backend.disposeData(dataId);
      }
    };
  }

  #run(kernel: Kernel, inputs: KernelCall["inputs"], attrs: KernelCall["attrs"]): tf.TensorInfo {
    const made = kernel({ inputs, attrs, backend: this.#backend });
    this.#scratch.add(made);
    return made;
  }

  /** Allocates a tensor of float32, whose values are undefined. */
  make(shape: readonly number[]): tf.TensorInfo {
    const made = this.#backend.makeOutput(shape, "float32");
    this.#scratch.add(made);
    return made;
  }

  /** Returns the memory of a tensor; allocating another one may move it. */
  values(tensor: tf.TensorInfo): tf.TypedArray {
    return this.#backend.typedArrayFromHeap(tensor);
  }

  /** Frees a tensor early. */
  free(made: tf.TensorInfo): void {
    if (this.#scratch.delete(made)) this.#backend.disposeData(made.dataId);
  }

  /**
   * Computes the gradient of a convolution with respect to its images by the backend's own kernel.
   */
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

  /** Transposes: axis `perm[i]` becomes axis `i`. */
  transpose(x: tf.TensorInfo, perm: readonly number[]): tf.TensorInfo {
    return this.#run(this.#tools.transpose, { x }, { perm });
  }

  /** Returns the same values in another shape, without a copy. */
  reshape(x: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    return this.#run(this.#tools.reshape, { x }, { shape });
  }

  /** Slices a block. */
  slice(x: tf.TensorInfo, begin: readonly number[], size: readonly number[]): tf.TensorInfo {
    return this.#run(this.#tools.slice, { x }, { begin, size });
  }

  /** Pads with zeros. */
  pad(x: tf.TensorInfo, paddings: readonly (readonly [number, number])[]): tf.TensorInfo {
    if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
    return this.#run(this.#tools.pad, { x }, { paddings, constantValue: 0 });
  }

  /** Concatenates along an axis. */
  concat(parts: readonly tf.TensorInfo[], axis: number): tf.TensorInfo {
    const [only] = parts;
    if (only && parts.length === 1) return only;
    return this.#run(this.#tools.concat, parts as unknown as KernelCall["inputs"], { axis });
  }

  /** Sums along an axis and drops it. */
  sum(x: tf.TensorInfo, axis: number): tf.TensorInfo {
    return this.#run(this.#tools.sum, { x }, { axis: [axis], keepDims: false });
  }

  /** Rotates a filter of `[height, width, …]` by 180 degrees. */
  turn(filter: tf.TensorInfo): tf.TensorInfo {
    return this.#run(this.#tools.reverse, { x: filter }, { dims: [0, 1] });
  }

  /**
   * Convolves images with a filter, without padding and with stride 1, its taps `dilations` apart.
   */
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
