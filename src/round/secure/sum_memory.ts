import { kernelsOf } from "../../params/kernels.ts";
import type { ParameterVector } from "../../params/manifest.ts";
import { LANES, type RingVector } from "../../secure/quantize.ts";

/** Memory of the sum of masked updates, which is used again in each attempt. */
export class SumMemory {
  #sums: RingVector | undefined;

  /**
   * Returns zeros, in the arena of the global vector if it has room, where masked updates are added
   * without copies.
   *
   * @param length Number of values that travel.
   */
  zeros(global: ParameterVector, length: number): RingVector {
    this.#sums ??= allocate(global, length + LANES);
    return this.#sums.fill(0);
  }
}

function allocate(global: ParameterVector, length: number): RingVector {
  const kernels = kernelsOf(global), bytes = length * Uint32Array.BYTES_PER_ELEMENT;
  if (!kernels?.hasRoom(bytes)) return new Uint32Array(length);
  const { buffer, byteOffset } = kernels.allocBytes(bytes);
  return new Uint32Array(buffer, byteOffset, length);
}
