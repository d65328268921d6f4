import type { Random } from "../../base/random.ts";

/** Options of {@linkcode drawSymbol}. */
export interface DrawOptions {
  /** Divisor of the logits, from 0; with 0 the most probable symbol is taken. */
  readonly temperature: number;
  /** Number of the most probable symbols among which one is drawn; `Infinity` for all. */
  readonly topK: number;
  /** Least symbol that may be drawn: those before it are in no text. */
  readonly least: number;
}

/**
 * Draws a symbol from the softmax of its logits, in float64: the same from the same logits and the
 * same place of the stream. Of equal logits the first count as more probable.
 *
 * @returns The symbol; -1 if no logit is a number.
 */
export function drawSymbol(
  logits: Float32Array,
  { temperature, topK, least }: DrawOptions,
  random: Random,
): number {
  const kept = mostProbable(logits, least, temperature === 0 ? 1 : topK);
  const [first = -1] = kept;
  if (kept.length <= 1) return first;
  const highest = logits[first] ?? 0;
  const weights = new Float64Array(kept.length);
  let sum = 0;
  kept.forEach((symbol, i) => {
    sum += weights[i] = Math.exp(((logits[symbol] ?? 0) - highest) / temperature);
  });
  let left = random.uniform() * sum;
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return kept[i] ?? first;
  }
  return kept.at(-1) ?? first;
}

/** Lists symbols by falling logit, `most` of them. */
function mostProbable(logits: Float32Array, least: number, most: number): number[] {
  const symbols: number[] = [];
  for (let symbol = least; symbol < logits.length; symbol++) {
    if (!Number.isNaN(logits[symbol] ?? NaN)) symbols.push(symbol);
  }
  if (most === 1) {
    let best = symbols[0] ?? -1;
    for (const symbol of symbols) {
      if ((logits[symbol] ?? 0) > (logits[best] ?? 0)) best = symbol;
    }
    return best < 0 ? [] : [best];
  }
  symbols.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0) || a - b);
  return symbols.slice(0, most);
}
