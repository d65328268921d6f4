import { parseMonitor, type StoppingOptions } from "../../round/record/run_monitor.ts";
import { option, UsageError } from "./option.ts";
import { readableBy, real, whole } from "./values.ts";

/** The commands that may stop early. */
const STOPS = { server: {}, simulate: {} } as const;

/** Options about early stopping and the best model. */
export const STOPPING = {
  monitor: option(readableBy(parseMonitor), {
    value: "<metric>",
    help:
      "metric by which the best model is chosen and written, and which --patience watches: loss, accuracy, rocAuc, rmse, …; NAME:max or NAME:min for a metric of your own",
    group: "Training",
    defaultText: "accuracy, else loss",
    commands: STOPS,
    onResume: "any",
  }),
  patience: option(whole(1), {
    value: "<n>",
    help: "stop after this many evaluations in a row without an improvement",
    group: "Training",
    defaultText: "all rounds",
    commands: STOPS,
    onResume: "any",
  }),
  minDelta: option(real({ least: 0 }), {
    value: "<x>",
    help: "least change of the metric that --patience counts as an improvement",
    group: "Training",
    default: 0,
    isRare: true,
    commands: STOPS,
    onResume: "any",
  }),
  stopAt: option(readableBy(parseTarget), {
    value: "<metric=value>",
    help: "stop when a metric reaches a value, as in accuracy=0.95 or loss=0.1",
    group: "Training",
    commands: STOPS,
    onResume: "any",
  }),
};

/**
 * Reads a metric and its value, such as `"accuracy=0.95"`.
 *
 * @throws {RangeError} If the text is another one.
 */
function parseTarget(text: string): { metric: string; value: number } {
  const at = text.lastIndexOf("=");
  const value = Number(text.slice(at + 1));
  if (at < 1 || text.slice(at + 1).trim() === "" || !Number.isFinite(value)) {
    throw new RangeError(`Expected METRIC=VALUE such as accuracy=0.95, got ${text}`);
  }
  const metric = text.slice(0, at).trim();
  parseMonitor(metric);
  return { metric, value };
}

/**
 * Makes the library's options of early stopping. The best model is kept when a metric to monitor or
 * a patience is given.
 *
 * @throws {UsageError} If the options contradict each other.
 */
export function stoppingFrom(
  { monitor, patience, minDelta, stopAt, targetAccuracy }: {
    readonly monitor?: string;
    readonly patience?: number;
    readonly minDelta: number;
    readonly stopAt?: string;
    readonly targetAccuracy?: number;
  },
): StoppingOptions {
  if (minDelta > 0 && patience === undefined) {
    throw new UsageError("expected --patience with --min-delta");
  }
  if (stopAt !== undefined && targetAccuracy !== undefined) {
    throw new UsageError("expected --stop-at or --target-accuracy, got both");
  }
  return {
    ...(monitor !== undefined && { monitor }),
    ...(patience !== undefined && { patience, minDelta }),
    ...(stopAt !== undefined && { stopAt: parseTarget(stopAt) }),
    keepBest: monitor !== undefined || patience !== undefined,
  };
}
