import { runtime } from "../../base/runtime/runtime.ts";
import process from "node:process";
import type { PartitionReport } from "../../data/partition/report.ts";
import { mixedRows } from "../../round/report/client_results.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { FinalReport, RunReport } from "../../round/report/report.ts";
import { progress, Table } from "../deps.ts";

/** Largest number of rows in the table of rounds; of a long run the first and last are shown. */
const TABLE_ROWS = 30;

/** Largest number of lost clients that the summary lists. */
const SUMMARY_LOSSES = 20;

/**
 * Writes a line of results to standard output. Ignores a reader that has gone, as `head` does after
 * its last line.
 */
export function print(text: string): void {
  show(runtime.process.stdout, text);
}

/** Writes a line that is no result to standard error. Ignores a reader that has gone. */
export function printError(text: string): void {
  show(runtime.process.stderr, text);
}

function show(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  try {
    writeText(to, `${text}\n`);
  } catch (error) {
    if (!(error instanceof runtime.errors.BrokenPipe)) throw error;
  }
}

/** Writes all of a text; a pipe may take it in parts. */
export function writeText(to: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
}

/** Tells whether standard error is a terminal, which can show a progress bar. */
export function isTerminal(): boolean {
  return runtime.process.stderr.isTerminal();
}

/**
 * Progress of a run on a terminal: the clients that have joined, then a bar of rounds. Elsewhere
 * the log has the same information line by line.
 */
export class RunProgress implements Disposable {
  #bar: progress.SingleBar | undefined;
  #loss = "";

  /** Shows an event of a server. */
  show(event: ServerEvent): void {
    switch (event.type) {
      case "listening":
        return printError(`Listening on ${event.address}`);
      case "joining":
        return printError(event.progress);
      case "round-started":
        return this.#start(event.rounds);
      case "checkpoint-failed":
        return printError(event.reason);
      case "client-lost":
        this.#loss = ` | lost rank ${event.rank}`;
        return this.#bar?.update({ loss: this.#loss });
      case "round-ended": {
        const { round, accuracy, loss } = event.report;
        return this.#bar?.update(round, {
          figures: [
            ...(accuracy === undefined ? [] : [`accuracy ${(accuracy * 100).toFixed(1)}%`]),
            ...(loss === undefined ? [] : [`loss ${loss.toFixed(3)}`]),
          ].join(", "),
          loss: this.#loss,
        });
      }
    }
  }

  /** Stops the bar and leaves it on the screen. */
  [Symbol.dispose](): void {
    this.#bar?.stop();
  }

  #start(rounds: number): void {
    if (this.#bar !== undefined) return;
    this.#bar = new progress.SingleBar({
      format: "{bar} round {value} of {total} | {figures} | {duration_formatted}{loss}",
      stream: process.stderr,
      hideCursor: true,
      barsize: 24,
    }, progress.Presets.shades_classic);
    this.#bar.start(rounds, 0, { figures: "training", loss: "" });
  }
}

/** Formats a number of bytes in a suitable unit. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** Formats the rounds of a run as a table. */
export function roundTable(report: RunReport): string {
  const { rounds } = report;
  const isRegression = rounds.some(({ metrics }) => metrics?.rmse !== undefined) &&
    rounds.every(({ accuracy }) => accuracy === undefined);
  const table = new Table({
    head: [
      ...["round", "updates", "loss", isRegression ? "rmse" : "accuracy"],
      ...["up", "down", "seconds"],
    ],
    colAligns: ["right", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  const shown = rounds.length <= TABLE_ROWS
    ? rounds
    : [...rounds.slice(0, TABLE_ROWS / 2), undefined, ...rounds.slice(-TABLE_ROWS / 2)];
  for (const one of shown) {
    table.push(
      one === undefined ? ["…", "", "", "", "", "", ""] : [
        one.round,
        `${one.received}/${one.cohort.length}`,
        one.loss?.toFixed(4) ?? "",
        isRegression
          ? one.metrics?.rmse?.toPrecision(4) ?? ""
          : one.accuracy === undefined
          ? ""
          : percent(one.accuracy),
        bytes(one.bytesUp),
        bytes(one.bytesDown),
        one.seconds.toFixed(2),
      ],
    );
  }
  return table.toString();
}

/** Formats the statistics of a partition as a table. */
export function partitionTable(report: PartitionReport): string {
  const { sizes, labelsPerPart } = report;
  const table = new Table({
    head: ["", "smallest", "middle", "largest"],
    colAligns: ["left", "right", "right", "right"],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  table.push(
    ["rows of a client", sizes.smallest, `${sizes.median} (median)`, sizes.largest],
    [
      "labels of a client",
      labelsPerPart.fewest,
      `${labelsPerPart.mean.toFixed(1)} (mean)`,
      labelsPerPart.most,
    ],
    ["total variation", "", `${report.meanTotalVariation.toFixed(3)} (mean)`, ""],
  );
  return table.toString();
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

/** Formats settings of training, such as `"learningRate 0.05"`. */
function settingsText(settings: Readonly<Record<string, unknown>>): string {
  const texts = Object.entries(settings).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return texts.join(", ") || "none";
}

/** Formats the metrics of the final parameters in one line, beside the accuracy. */
function metricLines({ metrics = {}, samples = 0 }: Partial<FinalReport> = {}): string[] {
  const texts = Object.entries(metrics).filter(([name]) => name !== "accuracy")
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
  return texts.length === 0 ? [] : [`on ${samples} samples: ${texts.join(", ")}`];
}

/** Formats the outcome of a run in a few lines. */
export function runSummary(report: RunReport, { hasBest = false } = {}): string {
  const { final, modelDigest, seconds, changes = [], stopped, best } = report;
  const losses = report.rounds.flatMap(({ round, losses }) =>
    losses.map((loss) => ({ round, ...loss }))
  );
  const untold = losses.length - SUMMARY_LOSSES;
  const known = report.rounds.findLast(({ accuracy }) => accuracy !== undefined);
  const { accuracy } = final?.clients ?? {};
  const total = (name: "bytesUp" | "bytesDown") =>
    bytes(report.rounds.reduce((sum, round) => sum + round[name], 0));
  return [
    ...losses.slice(0, SUMMARY_LOSSES).map(({ round, rank, reason }) =>
      `round ${round} went on without rank ${rank}: ${reason}`
    ),
    ...(untold > 0 ? [`${untold} more lost clients are listed in the report`] : []),
    ...(known?.accuracy === undefined ? [] : [
      `accuracy ${percent(known.accuracy)} ${
        final === undefined ? "" : `on ${final.samples} samples `
      }after round ${known.round}${
        final === undefined ? ", the last that was evaluated" : `, ${seconds.toFixed(1)} s`
      }`,
    ]),
    ...metricLines(final),
    ...(accuracy === undefined ? [] : [
      `accuracy of ${accuracy.count} clients ${percent(accuracy.mean)} (mean), ${
        percent(accuracy.worstDecile)
      } (worst tenth)`,
    ]),
    ...[mixedRows(final?.clients?.byRank ?? []) ?? []].flat(),
    ...changes.map(({ round, from, to }) =>
      `since round ${round}: ${settingsText(to)}; before: ${settingsText(from)}`
    ),
    ...(stopped === undefined
      ? []
      : [`stopped early after round ${stopped.round}: ${stopped.reason}`]),
    ...(best === undefined || (!hasBest && stopped === undefined)
      ? []
      : [`best ${best.metric} ${+best.value.toPrecision(6)} in round ${best.round}`]),
    `${total("bytesUp")} up, ${total("bytesDown")} down`,
    `model digest ${modelDigest}`,
  ].join("\n");
}
