import { pick, sweep } from "../params/sweep.ts";
import { runtime } from "../base/runtime/runtime.ts";
import type { Bytes } from "./primitives.ts";
import type { RingVector } from "./quantize.ts";

/** Words of a block of ChaCha20, and of a state that the kernel takes. */
const BLOCK_WORDS = 16;
const STATE_WORDS = 12;
const KEY_WORDS = 8;
/** Integers of a vector that take all their masks before the next ones: 1 MB, a scratch block. */
const PIECE_WORDS = 262_144;
/** Integers of masks that are made before other work has its turn: about 20 ms. */
const WORDS_A_TURN = 5_000_000;

/** Keys of masks to add to a vector, and of those to subtract. */
export interface MaskKeys {
  readonly add: readonly Bytes[];
  readonly subtract: readonly Bytes[];
}

/**
 * Adds masks to a vector and subtracts others, modulo 2^32, in place.
 *
 * A mask is the key stream of ChaCha20 (RFC 8439) under its key, with nonce 0 from block 0 on; each
 * four bytes are an integer, little-endian. Other work has a turn about every 20 ms.
 */
export async function applyMasks(vector: RingVector, { add, subtract }: MaskKeys): Promise<void> {
  let words = 0;
  for (let start = 0; start < vector.length; start += PIECE_WORDS) {
    const piece = vector.subarray(start, start + PIECE_WORDS);
    const most = Math.max(1, Math.floor(WORDS_A_TURN / piece.length));
    for (const [keys, isAdded] of [[add, true], [subtract, false]] as const) {
      for (let first = 0; first < keys.length; first += most) {
        const some = keys.slice(first, first + most);
        words += some.length * piece.length;
        if (words > WORDS_A_TURN) {
          await new Promise<void>((resolve) => runtime.timers.setTimeout(resolve, 0));
          words = some.length * piece.length;
        }
        apply(piece, some, isAdded, start / BLOCK_WORDS);
      }
    }
  }
}

function apply(
  vector: RingVector,
  keys: readonly Bytes[],
  isAdded: boolean,
  firstBlock: number,
): void {
  const instance = pick([vector]);
  const { exports, buffer } = instance;
  const [, , states = 0] = instance.scratch;
  const kernel = isAdded ? exports.add_streams : exports.subtract_streams;
  const most = Math.floor(instance.block / STATE_WORDS);
  for (let start = 0; start < keys.length; start += most) {
    const some = keys.slice(start, start + most);
    const view = new Uint32Array(buffer, states, STATE_WORDS * some.length).fill(0);
    some.forEach((key, i) => {
      view.set(new Uint32Array(key.slice().buffer, 0, KEY_WORDS), STATE_WORDS * i);
    });
    let block = firstBlock;
    sweep(instance, [{ view: vector, use: "in-out" }], (n, acc) => {
      kernel(acc, states, some.length, block, n);
      block += n / BLOCK_WORDS;
    });
    view.fill(0);
  }
}
