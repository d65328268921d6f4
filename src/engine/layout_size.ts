import type { Extra } from "./optimizer.ts";

/** Sizes of a layout. */
export interface LayoutSize {
  /** Most rows that the program takes at once. */
  readonly maxRows: number;
  /** Number of rows to train on. */
  readonly capacity: number;
  /** Features to train on and to judge on that are bytes. */
  readonly bytes: { readonly train: boolean; readonly judge: boolean };
  /** Vectors of the optimizer beside the velocity. */
  readonly extras: readonly Extra[];
  /** Set if the gradient of each row can be clipped. */
  readonly clips: boolean;
  /**
   * Set if recurrent layers go on from the states of the pass before, of one row.
   *
   * @default {false}
   */
  readonly carries?: boolean;
}

/** All features are floats. */
export const NO_BYTES: LayoutSize["bytes"] = { train: false, judge: false };

/** Returns a size with room for what is wanted too; `undefined` where there is room already. */
export function enlarged(
  size: LayoutSize,
  { maxRows = 0, capacity = 0, bytes = size.bytes, extras = [], clips = false }: Partial<
    LayoutSize
  >,
): LayoutSize | undefined {
  const isSameKind = bytes.train === size.bytes.train && bytes.judge === size.bytes.judge;
  const wanted = [...new Set<Extra>([...size.extras, ...extras])];
  if (
    isSameKind && maxRows <= size.maxRows && capacity <= size.capacity &&
    wanted.length === size.extras.length && (size.clips || !clips)
  ) return undefined;
  return {
    maxRows: Math.max(maxRows, size.maxRows),
    capacity: Math.max(capacity, size.capacity),
    bytes,
    extras: wanted,
    clips: size.clips || clips,
  };
}
