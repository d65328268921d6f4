import { Table } from "../src/cli/output/table_deps.ts";
import type { BenchResult } from "./result.ts";

/** Units of figures whose repetitions are not times. */
const NO_TIMES: readonly string[] = ["MB", "bytes", "x", "exponent", "µs"];

/**
 * Formats results as a table with one row per result. A ratio below its target is marked as missed.
 */
export function benchTable(results: readonly BenchResult[]): string {
  const table = new Table({
    head: ["name", "value", "ceiling", "ratio", "target", "min", "median"],
    colAligns: ["left", "right", "right", "right", "left", "right", "right"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const { name, unit, value, ceiling, ratio, min, median, target } of results) {
    const repetitionUnit = NO_TIMES.includes(unit) ? unit : "ms";
    table.push([
      name,
      `${figure(value)} ${unit}`,
      `${figure(ceiling)} ${unit}`,
      ratio.toFixed(2),
      target === undefined ? "" : `≥ ${target.toFixed(2)}${ratio >= target ? "" : " missed"}`,
      `${figure(min)} ${repetitionUnit}`,
      `${figure(median)} ${repetitionUnit}`,
    ]);
  }
  return table.toString();
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
