import type { BenchResult } from "./result.ts";

/** Units of figures whose repetitions are not times. */
const NO_TIMES: readonly string[] = ["MB", "bytes", "x", "exponent", "µs"];

/** Widths of the columns, as rows are printed before the next ones are known. */
const NAME = 70, FIGURE = 15, RATIO = 7, TARGET = 13;

/** First line of the table of results. */
export const BENCH_HEAD: string = line(
  ["name", "value", "ceiling", "ratio", "target", "min", "median"],
);

/**
 * Formats a result as a line of the table. A ratio below its target is marked as missed.
 */
export function benchRow(
  { name, unit, value, ceiling, ratio, min, median, target }: BenchResult,
): string {
  const repetitionUnit = NO_TIMES.includes(unit) ? unit : "ms";
  return line([
    name,
    `${figure(value)} ${unit}`,
    `${figure(ceiling)} ${unit}`,
    ratio.toFixed(2),
    target === undefined ? "" : `≥ ${target.toFixed(2)}${ratio >= target ? "" : " missed"}`,
    `${figure(min)} ${repetitionUnit}`,
    `${figure(median)} ${repetitionUnit}`,
  ]);
}

/** Joins the cells of a line. */
function line([name = "", value, ceiling, ratio = "", target = "", ...times]: string[]): string {
  const figures = (cells: (string | undefined)[]) =>
    cells.map((cell = "") => cell.padStart(FIGURE)).join("  ");
  const parts = [name.padEnd(NAME), figures([value, ceiling]), ratio.padStart(RATIO)];
  return [...parts, target.padEnd(TARGET), figures(times)].join("  ");
}

/** Formats a number with three significant digits, or with all digits before the decimal point. */
function figure(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(value, 0.001))));
  return value.toFixed(digits);
}

/** Formats results as JSON. */
export function benchJson(results: readonly BenchResult[]): string {
  const report = {
    schema: "fedlab.bench/1",
    results: results.map(({ name, unit, value, ceiling, ratio, min, median, target }) => ({
      ...{ name, unit, value, ceiling, ratio, min, median },
      ...(target !== undefined && { target }),
    })),
  };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}
