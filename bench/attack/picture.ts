import { png } from "../../src/data/formats/images/deps.ts";
import type { Inverted } from "./inversion.ts";
import { PROTECTIONS } from "./views.ts";

/** Pixels of a gap between pictures, before scaling. */
const GAP = 2;

/**
 * Draws the pictures of an attack as a PNG: a row for each victim, with the original and what was
 * found under each protection. Each picture has its own scale of grey, and the sign that fits.
 */
export function drawInversion(
  pictures: readonly Inverted[],
  { side, scale }: { readonly side: number; readonly scale: number },
): Uint8Array<ArrayBuffer> {
  const cell = side + GAP, columns = 1 + PROTECTIONS.length;
  const width = (columns * cell - GAP) * scale, height = (pictures.length * cell - GAP) * scale;
  const data = new Uint8Array(width * height).fill(255);
  pictures.forEach(({ original, found }, row) => {
    [original, ...PROTECTIONS.map((protection) => found[protection])].forEach((values, column) => {
      const grey = greyOf(values);
      for (let y = 0; y < side * scale; y++) {
        const start = (row * cell * scale + y) * width + column * cell * scale;
        for (let x = 0; x < side * scale; x++) {
          const at = Math.floor(y / scale) * side + Math.floor(x / scale);
          data[start + x] = grey[at] ?? 0;
        }
      }
    });
  });
  return png.encode({ width, height, data, channels: 1, depth: 8 }) as Uint8Array<ArrayBuffer>;
}

/** Maps values to 0 to 255. */
function greyOf(values: Float32Array): Uint8Array {
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  const range = values.reduce((a, b) => Math.max(a, b), -Infinity) - least || 1;
  return Uint8Array.from(values, (value) => Math.round(255 * (value - least) / range));
}
