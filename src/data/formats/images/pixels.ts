/**
 * Pixels of PNG and JPEG images.
 *
 * @module
 */

import { errorMessage } from "../../../base/errors.ts";
import type { jpeg, png } from "./deps.ts";

/** Decoders of images. */
export interface ImageDecoders {
  readonly png: typeof png;
  readonly jpeg: typeof jpeg;
}

/** Image with its values row after row, pixel after pixel. */
export interface Pixels {
  /** Height, width and channels (1 or 3). */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** Values of `height * width * channels`. */
  readonly values: ArrayLike<number>;
  /** Largest value: 255 or 65535. */
  readonly greatest: number;
}

/** Most pixels of an image. */
const MAX_PIXELS = 2 ** 26;
const MEGA = 1e6;

/**
 * Decodes an image: gray ones have one channel, all others three. An alpha channel is left out if
 * the image is opaque.
 *
 * @param name Name of the image in messages.
 * @throws {SyntaxError} If the image is damaged or neither PNG nor JPEG.
 * @throws {RangeError} If it is transparent or has over 67 million pixels.
 */
export function pixelsOf(bytes: Uint8Array, name: string, decoders: ImageDecoders): Pixels {
  const isPng = bytes[0] === 0x89 && bytes[1] === 0x50;
  if (!isPng && !(bytes[0] === 0xFF && bytes[1] === 0xD8)) {
    throw new SyntaxError(`Cannot read ${name}: expected a PNG or JPEG image, got other bytes`);
  }
  const [width, height] = isPng ? pngSize(bytes) : [0, 0];
  if (width * height > MAX_PIXELS) {
    throw new RangeError(
      `Cannot read ${name}: expected at most ${MAX_PIXELS} pixels, got ${width} x ${height}`,
    );
  }
  let pixels: Pixels;
  try {
    pixels = isPng ? decodePng(bytes, decoders) : decodeJpeg(bytes, decoders);
  } catch (cause) {
    throw new SyntaxError(`Cannot read ${name}: the image is damaged: ${errorMessage(cause)}`, {
      cause,
    });
  }
  return withoutAlpha(pixels, name);
}

function pngSize(bytes: Uint8Array): [width: number, height: number] {
  if (bytes.length < 24) return [0, 0];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [view.getUint32(16), view.getUint32(20)];
}

function decodePng(bytes: Uint8Array, { png }: ImageDecoders): Pixels {
  const image = png.decode(bytes, { checkCrc: true });
  const { width, height, depth, channels, data, palette } = image;
  if (palette) {
    const values = png.convertIndexedToRgb(image);
    return { shape: [height, width, values.length / (width * height)], values, greatest: 255 };
  }
  if (depth >= 8) {
    return {
      shape: [height, width, channels],
      values: data,
      greatest: depth === 16 ? 65_535 : 255,
    };
  }
  return { shape: [height, width, 1], values: unpacked(data, width, depth), greatest: 255 };
}

/** Unpacks gray values of 1, 2 or 4 bits, whose rows begin at whole bytes, to 0 to 255. */
function unpacked(data: ArrayLike<number>, width: number, depth: number): Uint8Array {
  const rowBytes = Math.ceil(width * depth / 8);
  const height = Math.floor(data.length / rowBytes);
  const greatest = 2 ** depth - 1;
  const values = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const byte = data[y * rowBytes + (bit >> 3)] ?? 0;
      values[y * width + x] = (byte >> (8 - depth - (bit & 7)) & greatest) * 255 / greatest;
    }
  }
  return values;
}

function decodeJpeg(bytes: Uint8Array, { jpeg }: ImageDecoders): Pixels {
  const { width, height, data } = jpeg.decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    maxResolutionInMP: MAX_PIXELS / MEGA,
  });
  if (jpegChannels(bytes) !== 1) return { shape: [height, width, 3], values: data, greatest: 255 };
  // The decoder gives three equal channels.
  const values = Uint8Array.from({ length: width * height }, (_, i) => data[3 * i] ?? 0);
  return { shape: [height, width, 1], values, greatest: 255 };
}

/** Finds the number of channels in the header of the frame (ISO/IEC 10918-1, B.2.2). */
function jpegChannels(bytes: Uint8Array): number | undefined {
  for (let i = 2; i + 9 < bytes.length && bytes[i] === 0xFF;) {
    const marker = bytes[i + 1] ?? 0;
    const isFrame = marker >= 0xC0 && marker <= 0xCF && ![0xC4, 0xC8, 0xCC].includes(marker);
    if (isFrame) return bytes[i + 9];
    // Bytes of 0xFF may stand before a marker.
    i += marker === 0xFF ? 1 : 2 + 256 * (bytes[i + 2] ?? 0) + (bytes[i + 3] ?? 0);
  }
  return undefined;
}

function withoutAlpha({ shape, values, greatest }: Pixels, name: string): Pixels {
  const [height, width, channels] = shape;
  if (channels === 1 || channels === 3) return { shape, values, greatest };
  const kept = channels - 1;
  const opaque = new Uint16Array(height * width * kept);
  for (let pixel = 0; pixel < height * width; pixel++) {
    if (values[pixel * channels + kept] !== greatest) {
      throw new RangeError(
        `Cannot read ${name}: expected an image without transparent pixels, got one at ${
          pixel % width
        },${Math.floor(pixel / width)}`,
      );
    }
    for (let i = 0; i < kept; i++) opaque[pixel * kept + i] = values[pixel * channels + i] ?? 0;
  }
  return { shape: [height, width, kept], values: opaque, greatest };
}
