import { readU32 } from "./encoding.ts";
import { randomBytes } from "./primitives.ts";

/** Returns a copy of a list in a random order, from the system's randomness. */
export function shuffled<T>(items: readonly T[]): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = drawBelow(i + 1);
    [order[i], order[j]] = [order[j] as T, order[i] as T];
  }
  return order;
}

function drawBelow(limit: number): number {
  const fair = 2 ** 32 - 2 ** 32 % limit;
  for (;;) {
    const draw = readU32(randomBytes(4), 0);
    if (draw < fair) return draw % limit;
  }
}
