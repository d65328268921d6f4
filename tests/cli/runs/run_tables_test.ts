import { assertEquals } from "jsr:@std/assert@1.0.19";
import {
  compareTable,
  differences,
  faultLines,
  listTable,
} from "../../../src/cli/runs/run_tables.ts";
import { type RunDetails, type RunRecord, summaryOf } from "../../../src/cli/runs/run_record.ts";
import { roundOf } from "./made_runs.ts";

function detailsOf(
  name: string,
  accuracies: readonly number[],
  others: Partial<RunRecord> = {},
): RunDetails {
  const { rows, figures } = summaryOf(accuracies.map((accuracy, i) => roundOf(i + 1, accuracy)));
  const record = { name, strategy: "fedavg", stage: "finished" as const, facts: {}, ...figures };
  return { record: { ...record, ...others }, rounds: rows };
}

/** The cells of a table, row by row. */
function cellsOf(table: string): string[][] {
  return table.split("\n").filter((line) => line.startsWith("│"))
    .map((line) => line.split("│").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("summaryOf() takes the first metric that a run has, and knows which way is better", () => {
  const { figures } = summaryOf([roundOf(1, 0.5), roundOf(2, 0.75), roundOf(3, 0.25)]);
  assertEquals([figures.metric, figures.score, figures.best], ["accuracy", 0.25, 0.75]);
  const regression = [3, 1, 2].map((rmse, i) => {
    const { accuracy: _, ...round } = roundOf(i + 1, 0);
    return { ...round, metrics: { rmse } };
  });
  const { figures: of } = summaryOf(regression);
  assertEquals([of.metric, of.score, of.best], ["rmse", 2, 1]);
  assertEquals(summaryOf([]).figures, { rounds: 0, bytesUp: 0, bytesDown: 0, seconds: 0 });
});

Deno.test("compareTable() shows what differs, the figures, and when a goal was reached", () => {
  const settings = { lr: 0.1, seed: 1, out: "one" };
  const one = detailsOf("one", [0.5, 0.75, 0.9], { settings, digest: "aa".repeat(32) });
  const two = detailsOf("two", [0.25, 0.5], {
    settings: { ...settings, lr: 0.3, out: "two", uplink: "int8" },
  });
  assertEquals(cellsOf(compareTable([one, two], { goal: 0.75 })), [
    ["", "one", "two"],
    ["lr", "0.1", "0.3"],
    ["uplink", "", "int8"],
    ["stage", "finished", "finished"],
    ["rounds done", "3", "2"],
    ["accuracy", "90.00%", "50.00%"],
    ["best accuracy", "90.00%", "50.00%"],
    ["loss", "0.1000", "0.5000"],
    ["bytes up", "3.0 kB", "2.0 kB"],
    ["bytes down", "9.0 kB", "6.0 kB"],
    ["seconds", "1.5", "1.0"],
    ["rounds to 75.00%", "2", "not reached"],
    ["bytes to 75.00%", "8.0 kB", "not reached"],
    ["seconds to 75.00%", "1.0", "not reached"],
    ["digest", "a".repeat(12), ""],
  ]);
});

Deno.test("differences() compares reports where a run has kept no settings", () => {
  const facts = { seed: 1, learningRate: 0.1 };
  const one = detailsOf("one", [], { facts, settings: { lr: 0.1 } });
  const two = detailsOf("two", [], { facts: { ...facts, learningRate: 0.2 } });
  assertEquals(differences([one.record, two.record]), [["learningRate", ["0.1", "0.2"]]]);
  assertEquals(differences([one.record, one.record]), []);
});

Deno.test("listTable() and faultLines() show no control characters of names", () => {
  const { record } = detailsOf("\x1b[2Jrun", [0.5], { fault: "torn\x07", strategy: "a\u202eb" });
  const [, cells] = cellsOf(listTable([record]));
  assertEquals(cells?.slice(0, 3), ["\\x1b[2Jrun", "a\\u202eb", "finished"]);
  assertEquals(faultLines([record]), ["\\x1b[2Jrun: torn\\x07"]);
});
