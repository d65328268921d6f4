import { type KernelBuild, resolveBuild } from "./build.ts";
import { type Instance, instanceOf, instantiate, type Pointer } from "./instance.ts";

/** Vector that a kernel reads or writes. */
export interface Operand {
  readonly view: Float32Array | Uint16Array | Uint32Array;
  /** Access of the kernel. */
  readonly use: "in" | "out" | "in-out";
}

// Compiled code may not take lengths of 2^31 bytes or more; this is 1 GiB, a multiple of a block.
const LONGEST_CALL = 2 ** 28;

const shared = new Map<KernelBuild, Instance>();

/** Returns the instance to run on: that of the first view that lies in one, else a shared one. */
export function pick(views: readonly ArrayBufferView[]): Instance {
  for (let i = 0; i < views.length; i++) {
    const view = views[i], instance = view && instanceOf(view);
    if (instance !== undefined) return instance;
  }
  const build = resolveBuild("auto");
  let instance = shared.get(build);
  if (instance === undefined) {
    instance = instantiate(build, 0);
    shared.set(build, instance);
  }
  return instance;
}

/**
 * Reports whether a kernel can be called on two vectors of one length as they are, without a
 * {@linkcode sweep}, which takes as long as a kernel on some thousand values.
 */
export function isOneCall({ buffer }: Instance, a: Float32Array, b: Float32Array): boolean {
  return a.buffer === buffer && b.buffer === buffer && a.length <= LONGEST_CALL;
}

/**
 * Runs a kernel over operands of one length, with a pointer for each.
 *
 * Operands in the instance's memory need one call. Others pass through scratch blocks
 * small enough to stay in the cache between copy and kernel, so that main memory is read once only.
 */
export function sweep(
  instance: Instance,
  operands: readonly Operand[],
  kernel: (length: number, ...pointers: Pointer[]) => void,
): void {
  const { buffer, block } = instance;
  const length = operands[0]?.view.length ?? 0;
  const isLocal = operands.every(({ view }) => view.buffer === buffer);
  if (isLocal && length <= LONGEST_CALL) {
    if (length > 0) kernel(length, ...operands.map(({ view }) => view.byteOffset));
    return;
  }
  const step = isLocal ? LONGEST_CALL : block;
  for (let start = 0; start < length; start += step) {
    const end = Math.min(start + step, length);
    const local = operands.map(({ view, use }, slot) => {
      const part = view.subarray(start, end);
      if (view.buffer === buffer) return part;
      const copy = scratch(instance, slot, part);
      if (use !== "out") copy.set(part);
      return copy;
    });
    kernel(end - start, ...local.map(({ byteOffset }) => byteOffset));
    local.forEach((part, slot) => {
      const operand = operands[slot];
      if (operand && operand.use !== "in" && operand.view.buffer !== buffer) {
        operand.view.set(part, start);
      }
    });
  }
}

function scratch(
  { buffer, scratch }: Instance,
  slot: number,
  like: Operand["view"],
): Operand["view"] {
  if (like instanceof Float32Array) return new Float32Array(buffer, scratch[slot], like.length);
  if (like instanceof Uint32Array) return new Uint32Array(buffer, scratch[slot], like.length);
  return new Uint16Array(buffer, scratch[slot], like.length);
}
