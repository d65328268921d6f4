/**
 * Schemas that settings and messages share.
 *
 * @module
 */

import { oneLine } from "../base/printable.ts";
import { v } from "./deps.ts";

/** Largest value of a 32-bit field. */
const MAX_UINT32 = 0xFFFF_FFFF;

/** A whole number in a range, up to the largest that a `number` holds exactly by default. */
export const wholeNumber = (least: number, most: number = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));

/** A whole number of 32 bits, from `least`. */
export const uint32 = (least: number) => wholeNumber(least, MAX_UINT32);

/** A finite number. */
export const finiteNumber = v.pipe(v.number(), v.finite());

/** Text of at most `most` characters. */
export const text = (most: number) => v.pipe(v.string(), v.maxLength(most));

/**
 * Text of at most `most` characters on one line: it ends up in logs and errors, where a peer must
 * not break lines or control a terminal.
 */
export const textLine = (most: number) => v.pipe(text(most), v.transform(oneLine));

/** Figures by name. */
export const metricsSchema = v.record(textLine(64), finiteNumber);
