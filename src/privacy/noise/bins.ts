/** Logarithm of the number of bins in a standard deviation to base 2. */
export const LOG_BINS = 6;
/** Number of deviations that the bins reach: what lies beyond has a probability below 2^-100. */
const REACH = 12;
const BINS = REACH * 2 ** LOG_BINS;
/** Bits of a probability, and of the fractions that it is computed in. */
const BITS = 96n, FRACTION_BITS = 192n;
const WORD_BITS = 32n;
/** Bits of a word that lead to the first bin that it may stand for. */
const GUIDE_BITS = 10;

/** Bits that a bin is drawn by. */
interface Words {
  word(): number;
}

/**
 * Bins of half a normal distribution: bin `h` has a probability in proportion to
 * `exp(-h² / (2 · 64²))`, its density at its lower end. The cumulative probabilities have 96 bits,
 * of which the first 32 nearly always tell the bin.
 */
class Bins {
  /** Words of the cumulative probability of each bin, the highest first. */
  readonly #words: readonly [Float64Array, Float64Array, Float64Array];
  readonly #guide: Uint16Array;

  constructor() {
    const weights = weightsOf(BINS);
    const total = weights.reduce((sum, weight) => sum + weight, 0n);
    const words = [0, 1, 2].map(() => new Float64Array(BINS)) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    let sum = 0n;
    weights.forEach((weight, h) => {
      sum += weight;
      // The last one is 1, for which no word is large enough: any number is below it.
      const share = h === BINS - 1 ? 2n ** BITS : (sum << BITS) / total;
      words[0][h] = Number(share >> (2n * WORD_BITS));
      words[1][h] = Number(BigInt.asUintN(32, share >> WORD_BITS));
      words[2][h] = Number(BigInt.asUintN(32, share));
    });
    this.#words = words;
    this.#guide = new Uint16Array(2 ** GUIDE_BITS);
    for (let i = 0, h = 0; i < this.#guide.length; i++) {
      while ((words[0][h] ?? Infinity) < i * 2 ** (32 - GUIDE_BITS)) h++;
      this.#guide[i] = h;
    }
  }

  /** Draws a bin by its first word, and further ones where that does not tell. */
  draw(first: number, bits: Words): number {
    const tops = this.#words[0];
    let h = this.#guide[first >>> (32 - GUIDE_BITS)] ?? 0;
    while (first > (tops[h] ?? Infinity)) h++;
    return first === tops[h] ? this.#refine(h, first, bits) : h;
  }

  /** Draws further words where the first does not tell the bin. */
  #refine(from: number, first: number, bits: Words): number {
    const [tops, middles, lows] = this.#words, middle = bits.word(), low = bits.word();
    let h = from;
    const isBelow = () => {
      if (first !== tops[h]) return first < (tops[h] ?? Infinity);
      if (middle !== middles[h]) return middle < (middles[h] ?? Infinity);
      return low < (lows[h] ?? Infinity);
    };
    while (!isBelow()) h++;
    return h;
  }
}

/** Computes `exp(-h² / (2 · 64²))` of each bin, as fractions of 192 bits. */
function weightsOf(count: number): bigint[] {
  const one = 2n ** FRACTION_BITS, divisor = 2n ** BigInt(2 * LOG_BINS + 1);
  let term = one, ratio = one;
  for (let n = 1n; term !== 0n; n++) {
    term = -term / (divisor * n);
    ratio += term;
  }
  const times = (a: bigint, b: bigint) => (a * b) >> FRACTION_BITS;
  const square = times(ratio, ratio);
  // The quotient of two neighbours is exp(-(2h + 1) / (2 · 64²)).
  const weights: bigint[] = [];
  for (let h = 0, weight = one, step = ratio; h < count; h++) {
    weights.push(weight);
    weight = times(weight, step);
    step = times(step, square);
  }
  return weights;
}

let made: Bins | undefined;

/**
 * Draws a bin; the table is made with the first one.
 *
 * @param first A random word.
 * @param bits Further random words.
 */
export function drawBin(first: number, bits: Words): number {
  made ??= new Bins();
  return made.draw(first, bits);
}
