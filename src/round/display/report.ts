import { bytes, counted, percent } from "../../display/amounts.ts";
import { headedTables } from "../../display/headed_tables.ts";
import { embeddedPicture, type MediaBundle } from "../../display/media.ts";
import type { TableContent } from "../../display/table.ts";
import type { RunReport } from "../report/report.ts";
import { curvesChart, type NamedRun } from "./curves.ts";
import { type MetricName, METRICS } from "./curve_axes.ts";

/** Largest number of rounds in the table; of a long run the first and the last are shown. */
const ROUNDS = 20;

/** Shows the report of a run: its outcome, its rounds, and the curve of its accuracy or loss. */
export function reportMedia(report: RunReport): MediaBundle {
  const metric = metricOf(report);
  const runs: NamedRun[] = [{ name: report.strategy, report }];
  return headedTables(headingOf(report), [roundsOf(report)], {
    pictures: metric ? [embeddedPicture(curvesChart(runs, { metric }), `${metric} by round`)] : [],
  });
}

/** Chooses the figure to draw: the first that a round has. */
export function metricOf({ rounds }: RunReport): MetricName | undefined {
  const names = ["accuracy", "client-accuracy", "loss", "train-loss"] as const;
  return names.find((name) =>
    rounds.some((round) => Number.isFinite(METRICS[name].of(round) ?? NaN))
  );
}

function headingOf({ strategy, worldSize, seed, rounds, final, stopped, privacy }: RunReport) {
  const { accuracy, loss, samples = 0 } = final ?? {};
  const on = `on ${counted(samples, "sample")}`;
  return [
    `${strategy}, ${counted(worldSize - 1, "client")}, seed ${seed}: ${
      counted(rounds.length, "round")
    }`,
    ...(accuracy === undefined ? [] : [`accuracy ${percent(accuracy)} ${on}`]),
    ...(accuracy === undefined && loss !== undefined ? [`loss ${loss.toPrecision(4)} ${on}`] : []),
    ...(stopped ? [`stopped early: ${stopped.reason}`] : []),
    ...(privacy?.epsilon === undefined
      ? []
      : [`epsilon ${privacy.epsilon.toFixed(3)} at delta ${privacy.delta}`]),
  ].join(", ");
}

function roundsOf({ rounds, privacy }: RunReport): TableContent {
  const half = ROUNDS / 2, left = rounds.length - ROUNDS;
  const shown = left > 0 ? [...rounds.slice(0, half), ...rounds.slice(-half)] : rounds;
  const isSecret = (cohort: readonly number[]) => privacy !== undefined && cohort.length === 0;
  return {
    head: ["round", "updates", "loss", "accuracy", "up", "down", "seconds"],
    rows: shown.map((round) => [
      round.round,
      isSecret(round.cohort) ? "secret" : `${round.received}/${round.cohort.length}`,
      typeof round.loss === "number" ? Number(round.loss.toFixed(4)) : "",
      typeof round.accuracy === "number" ? percent(round.accuracy) : "",
      bytes(round.bytesUp),
      bytes(round.bytesDown),
      Number(round.seconds.toFixed(3)),
    ]),
    notes: left > 0
      ? [`${counted(left, "round")} between round ${half} and the last ${half} are not shown`]
      : [],
  };
}
