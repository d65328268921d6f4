import type { SecureRandom } from "../../base/runtime/runtime.ts";
import type { Random } from "../../base/random.ts";

/**
 * Returns the random values of a process, which depend on nothing but the stream: a world is
 * replayed with the same keys, tokens and names. They are not secret.
 */
export function virtualRandom(random: Random): SecureRandom {
  const fill = <T extends Uint8Array<ArrayBuffer>>(array: T): T => {
    for (let i = 0; i < array.length; i += 4) {
      const draw = random.uint32();
      for (let j = i; j < Math.min(i + 4, array.length); j++) array[j] = draw >>> (8 * (j - i));
    }
    return array;
  };
  return {
    getRandomValues: fill,
    randomUUID() {
      const bytes = fill(new Uint8Array(16));
      bytes[6] = ((bytes[6] ?? 0) & 0x0F) | 0x40;
      bytes[8] = ((bytes[8] ?? 0) & 0x3F) | 0x80;
      const hex = bytes.toHex();
      const parts = [[0, 8], [8, 12], [12, 16], [16, 20], [20, 32]];
      return parts.map(([from, to]) => hex.slice(from, to)).join("-") as ReturnType<
        SecureRandom["randomUUID"]
      >;
    },
  };
}
