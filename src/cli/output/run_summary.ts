import { mixedRows } from "../../round/report/client_results.ts";
import type { FinalReport, RunReport } from "../../round/report/report.ts";
import { Table } from "./table_deps.ts";
import { bytes, percent } from "../../display/amounts.ts";

/** Largest number of rows in the table of rounds; of a long run the first and last are shown. */
const TABLE_ROWS = 30;

/** Largest number of lost clients that the summary lists. */
const SUMMARY_LOSSES = 20;

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
        report.privacy && one.cohort.length === 0
          ? "secret"
          : `${one.received}/${one.cohort.length}`,
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

/** Formats the guarantee of a private run in one line, and whom it rests on in another. */
function privacyLines({ privacy, rounds }: RunReport): string[] {
  if (privacy === undefined) return [];
  const again = privacy.releases - rounds.length;
  const { epsilon, epsilonContinuous, delta, mechanism, releases, guarantee, trust } = privacy;
  if (epsilon === undefined) return [`differential privacy guarantees ${guarantee}`];
  return [
    `differential privacy of clients by ${mechanism}: epsilon ${
      epsilon.toFixed(3)
    } at delta ${delta} after ${releases} releases (continuous noise: ${
      epsilonContinuous?.toFixed(3)
    })`,
    ...(trust === undefined ? [] : [`that rests on ${trust}`]),
    ...(again > 0
      ? [`counted beside the rounds, told before the run was resumed from an earlier one: ${again}`]
      : []),
  ];
}

/** Formats the sums of secure aggregation in a line, and one for values that were clamped. */
function secureLines({ secure, rounds }: RunReport): string[] {
  const sessions = rounds.flatMap(({ secure }) => secure ?? []), [first] = sessions;
  if (secure === undefined || rounds.length === 0) return [];
  const fewest = Math.min(...rounds.map(({ received }) => received));
  const clamped = sessions.reduce((sum, session) => sum + session.clamped, 0);
  return [
    `secure aggregation (${secure.protocol}): sums of ${fewest} updates or more${
      // The rounds of a private run do not tell of their members.
      first === undefined ? "" : `, threshold ${first.threshold} of ${first.degree + 1}`}`,
    ...(clamped === 0
      ? []
      : [`${clamped} values of updates exceeded the clip of ${secure.clip} and were clamped`]),
  ];
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
  const total = (name: "bytesUp" | "bytesDown") => {
    const sum = report.rounds.reduce((sum, round) => sum + round[name], 0);
    const whole = report.rounds.reduce(
      (sum, round) => sum + (round[`${name}Whole`] ?? round[name]),
      0,
    );
    return whole === sum ? bytes(sum) : `${bytes(sum)} of ${bytes(whole)}`;
  };
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
    ...privacyLines(report),
    ...secureLines(report),
    report.privacy?.mechanism === "fedavg"
      ? "the bytes of secret cohorts are not told"
      : `${total("bytesUp")} up, ${total("bytesDown")} down`,
    `model digest ${modelDigest}`,
  ].join("\n");
}
