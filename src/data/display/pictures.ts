import { embedded } from "../../display/media.ts";

/** Width of a picture on the page, in pixels. */
const SHOWN_WIDTH = 56;
/** Size of the headers of a BMP file, in bytes. */
const HEADER_BYTES = 54;

/** Rows of features that are pictures of one size, one after the other. */
export interface Pictures {
  /** Values of the pixels, of length `count * height * width * channels`. */
  readonly values: Float32Array;
  /** Height, width and number of channels, which is 1 or 3. */
  readonly shape: readonly [height: number, width: number, channels: number];
}

/** Returns true for the shape of pictures that can be drawn: grey or of three colours. */
export function isPicture(shape: readonly number[]): shape is Pictures["shape"] {
  return shape.length === 3 && (shape[2] === 1 || shape[2] === 3);
}

/**
 * Draws pictures in HTML, each as an image of its own. The smallest value of all is black and the
 * largest is white.
 */
export function pictureImages({ values, shape }: Pictures, names: readonly string[]): string[] {
  const [height, width, channels] = shape, size = height * width * channels;
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const range = values.reduce((a, b) => Math.max(a, b), low) - low || 1;
  return names.map((name, i) => {
    const pixels = values.subarray(i * size, (i + 1) * size);
    const bitmap = bitmapOf(pixels, shape, (value) => Math.round(255 * (value - low) / range));
    const style = `width: ${SHOWN_WIDTH}px; image-rendering: pixelated`;
    return embedded(`data:image/bmp;base64,${bitmap.toBase64()}`, name, style);
  });
}

/** Writes a BMP file of 24 bits a pixel, which every browser shows. */
function bitmapOf(
  pixels: Float32Array,
  [height, width, channels]: Pictures["shape"],
  level: (value: number) => number,
): Uint8Array {
  const line = Math.ceil(width * 3 / 4) * 4;
  const file = new Uint8Array(HEADER_BYTES + line * height);
  const view = new DataView(file.buffer);
  file.set([0x42, 0x4d]);
  view.setUint32(2, file.length, true);
  view.setUint32(10, HEADER_BYTES, true);
  view.setUint32(14, HEADER_BYTES - 14, true);
  view.setInt32(18, width, true);
  // A negative height stands for lines from the top.
  view.setInt32(22, -height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels, to = HEADER_BYTES + y * line + x * 3;
      // Blue comes first.
      for (let c = 0; c < 3; c++) {
        file[to + 2 - c] = level(pixels[from + Math.min(c, channels - 1)] ?? 0);
      }
    }
  }
  return file;
}
