/**
 * Fast Fourier transform of complex numbers.
 *
 * @module
 */

/**
 * Transforms vectors of real and imaginary parts in place, by the algorithm of Cooley and Tukey.
 *
 * @param re Real parts: as many as a power of two.
 * @param im Imaginary parts, as many.
 * @param isInverse Transforms back, with the division by the length.
 */
export function transform(re: Float64Array, im: Float64Array, isInverse = false): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      swap(re, i, j);
      swap(im, i, j);
    }
  }
  const half = n >> 1;
  const cos = new Float64Array(half), sin = new Float64Array(half);
  const turn = (isInverse ? 2 : -2) * Math.PI / n;
  for (let i = 0; i < half; i++) {
    cos[i] = Math.cos(turn * i);
    sin[i] = Math.sin(turn * i);
  }
  for (let size = 1; size < n; size <<= 1) {
    const stride = half / size;
    for (let start = 0; start < n; start += 2 * size) {
      for (let i = 0; i < size; i++) {
        const a = start + i, b = a + size;
        const c = cos[i * stride] ?? 0, s = sin[i * stride] ?? 0;
        const x = re[b] ?? 0, y = im[b] ?? 0;
        const real = x * c - y * s, imaginary = x * s + y * c;
        const reA = re[a] ?? 0, imA = im[a] ?? 0;
        re[b] = reA - real;
        im[b] = imA - imaginary;
        re[a] = reA + real;
        im[a] = imA + imaginary;
      }
    }
  }
  if (!isInverse) return;
  for (let i = 0; i < n; i++) {
    re[i] = (re[i] ?? 0) / n;
    im[i] = (im[i] ?? 0) / n;
  }
}

function swap(values: Float64Array, i: number, j: number): void {
  const value = values[i] ?? 0;
  values[i] = values[j] ?? 0;
  values[j] = value;
}
