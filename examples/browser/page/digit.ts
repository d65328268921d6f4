/** Pixels on each side of a picture. */
export const SIZE = 8;
/** Largest value of a pixel: the number of points in a block. */
export const MAX_PIXEL = 16;

/** Points on each side of a block. */
const BLOCK = 4;
const POINTS = SIZE * BLOCK;
/** Half of a line's width, in points, as in the data set. */
const RADIUS = 2.6;
/** Least size of a drawing, as a share of the pad, that is scaled to the full size. */
const LEAST_EXTENT = 0.15;

/** Position on the pad, from 0 to 1 across and down. */
export type Point = readonly [x: number, y: number];
/** Line drawn without lifting the pen. */
export type Stroke = readonly Point[];

/**
 * Converts a drawing to the format of the data set: scaled to fit into 32 by 32 points, centred,
 * with the number of black points in each block of 4 by 4 points.
 */
export function pixelsOf(strokes: readonly Stroke[]): number[] {
  const pixels = new Array<number>(SIZE * SIZE).fill(0);
  const xs = strokes.flatMap((stroke) => stroke.map(([x]) => x));
  const ys = strokes.flatMap((stroke) => stroke.map(([, y]) => y));
  if (xs.length === 0) return pixels;
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const scale = (POINTS - 2 * RADIUS) / Math.max(right - left, bottom - top, LEAST_EXTENT);
  const place = ([x, y]: Point): Point => [
    (x - (left + right) / 2) * scale + POINTS / 2,
    (y - (top + bottom) / 2) * scale + POINTS / 2,
  ];
  const placed = strokes.map((stroke) => stroke.map(place));
  for (let y = 0; y < POINTS; y++) {
    for (let x = 0; x < POINTS; x++) {
      if (!placed.some((stroke) => isNear([x + 0.5, y + 0.5], stroke))) continue;
      const pixel = Math.floor(y / BLOCK) * SIZE + Math.floor(x / BLOCK);
      pixels[pixel] = (pixels[pixel] ?? 0) + 1;
    }
  }
  return pixels;
}

/** Returns true if the line covers the point. */
function isNear(point: Point, stroke: Stroke): boolean {
  return stroke.some((end, i) => distance(point, stroke[i - 1] ?? end, end) <= RADIUS);
}

/** Distance of a point from the straight line between two others. */
function distance([x, y]: Point, [ax, ay]: Point, [bx, by]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const share = length === 0 ? 0 : ((x - ax) * dx + (y - ay) * dy) / length;
  const along = Math.min(1, Math.max(0, share));
  return Math.hypot(x - ax - along * dx, y - ay - along * dy);
}
