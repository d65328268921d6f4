import type { Instance, Pointer } from "../params/instance.ts";
import { pick } from "../params/sweep.ts";
import type { ParameterVector } from "../params/manifest.ts";
import type { Coded, CodedSize } from "./codec.ts";

/** Piece of a vector in the kernels' memory, with its codes and scales. */
export interface Piece {
  /** Kernels. */
  readonly exports: Instance["exports"];
  /** Number of the piece's first value. */
  readonly start: number;
  /** Number of values. */
  readonly length: number;
  /** Address of the values. */
  readonly values: Pointer;
  /** Address of the codes, a multiple of 4. */
  readonly codes: Pointer;
  /** Address of the scales, or of scratch memory of 1 MiB. */
  readonly scales: Pointer;
}

/** Vector and its codes, cut into pieces. */
export interface Passed {
  /** Most values of a piece. Each but the last has as many. */
  readonly step: number;
  /** Direction: the kernel reads the vector, or writes it. */
  readonly direction: "encode" | "decode";
  /** Lengths of the codes of so many values. */
  size(length: number): CodedSize;
  /** True if the kernel takes no scales, but scratch memory. */
  readonly needsScratch?: boolean;
}

/**
 * Runs a kernel over the pieces of a vector and of its codes. What does not lie in an arena passes
 * through the scratch memory of the kernels, a piece at a time.
 */
export function passPieces(
  { step, direction, size, needsScratch = false }: Passed,
  vector: ParameterVector,
  { scales, codes }: Coded,
  kernel: (piece: Piece) => void,
): void {
  const instance = pick([vector, codes]);
  const { exports, scratch: [first = 0, second = 0, third = 0] } = instance;
  for (let start = 0; start < vector.length; start += step) {
    const length = Math.min(step, vector.length - start);
    const at = size(start), count = size(length);
    const values = place(instance, vector, { start, length }, first);
    const code = place(instance, codes, { start: at.codes, length: count.codes }, second);
    const scale = needsScratch
      ? { pointer: third, read() {}, write() {} }
      : place(instance, scales, { start: at.scales, length: count.scales }, third);
    if (direction === "encode") values.read();
    else for (const one of [code, scale]) one.read();
    const pointers = { values: values.pointer, codes: code.pointer, scales: scale.pointer };
    kernel({ exports, start, length, ...pointers });
    if (direction === "decode") values.write();
    else for (const one of [code, scale]) one.write();
  }
}

/** Part of an array, in the kernels' memory: where it lies, or a copy. */
interface Placed {
  readonly pointer: Pointer;
  /** Copies the array to the kernels' memory. */
  read(): void;
  /** Copies the kernels' memory to the array. */
  write(): void;
}

function place(
  { buffer }: Instance,
  array: Float32Array | Uint8Array,
  { start, length }: { start: number; length: number },
  scratch: Pointer,
): Placed {
  const pointer = array.byteOffset + start * array.BYTES_PER_ELEMENT;
  if (array.buffer === buffer && pointer % Float32Array.BYTES_PER_ELEMENT === 0) {
    return { pointer, read() {}, write() {} };
  }
  const part = array.subarray(start, start + length);
  const copy = array instanceof Float32Array
    ? new Float32Array(buffer, scratch, length)
    : new Uint8Array(buffer, scratch, length);
  return { pointer: scratch, read: () => copy.set(part), write: () => part.set(copy) };
}
