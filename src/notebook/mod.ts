/**
 * Views for notebooks in Deno's Jupyter kernel.
 *
 * Data sets, partitions of `partition()`, schemas, predictions and the reports of runs show
 * themselves: as the last expression of a cell they become tables and charts. The functions of this
 * module show several of them together, or what was read from a file.
 *
 * @module
 */

export { View } from "./view.ts";
export type { MediaBundle } from "../display/media.ts";
export type { CurvesOptions } from "../round/display/curves.ts";
export type { MetricName, ProgressName } from "../round/display/curve_axes.ts";
export { confusionMatrix, curves, display, partitionView, type WithConfusion } from "./views.ts";
