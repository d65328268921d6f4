/**
 * Functions of the normal distribution, with a small relative error in the tails.
 *
 * @module
 */

const SQRT_PI = Math.sqrt(Math.PI);
/** From here on the continued fraction converges in fewer than a hundred steps. */
const FRACTION_FROM = 2;
const STEPS = 200;

/** Returns `erf(x)` for a small `x` from 0, by a series of positive terms. */
function erfSeries(x: number): number {
  let term = x, sum = x;
  for (let n = 1; n < STEPS && term > sum * 1e-17; n++) {
    term *= 2 * x * x / (2 * n + 1);
    sum += term;
  }
  return 2 / SQRT_PI * Math.exp(-x * x) * sum;
}

/** Returns `exp(x²) erfc(x)` for a large `x`, by the continued fraction of Laplace (Lentz). */
function scaledErfc(x: number): number {
  let f = x, c = x, d = 0;
  for (let n = 1; n < STEPS; n++) {
    const a = n / 2;
    d = 1 / (x + a * d);
    c = x + a / c;
    const change = c * d;
    f *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return 1 / (SQRT_PI * f);
}

/** Returns the probability that a standard normal variable is above `x`. */
export function upperTail(x: number): number {
  if (x === Infinity) return 0;
  const y = x / Math.SQRT2;
  if (y < -FRACTION_FROM) return 1 - upperTail(-x);
  if (y < 0) return 0.5 * (1 + erfSeries(-y));
  if (y < FRACTION_FROM) return 0.5 * (1 - erfSeries(y));
  return 0.5 * Math.exp(-y * y) * scaledErfc(y);
}

/** Returns the logarithm of the probability that a standard normal variable is above `x`. */
export function logUpperTail(x: number): number {
  const y = x / Math.SQRT2;
  return y < FRACTION_FROM ? Math.log(upperTail(x)) : -y * y + Math.log(0.5 * scaledErfc(y));
}

/** Returns the probability that a standard normal variable lies between `a` and `b`. */
export function between(a: number, b: number): number {
  if (!(a < b)) return 0;
  if (a >= 0) return upperTail(a) - upperTail(b);
  if (b <= 0) return upperTail(-b) - upperTail(-a);
  return 1 - upperTail(-a) - upperTail(b);
}
