import type { ClusterOptions } from "../../cluster/connect.ts";
import type { RunEvent } from "../../cluster/events/run_event.ts";
import type { StoredEvent, Watcher } from "../../cluster/events/watcher.ts";
import { isRecord } from "../../base/json.ts";
import { runtime } from "../../base/runtime/runtime.ts";
import { printable } from "../../base/printable.ts";
import type { RoundReport } from "../../round/report/report.ts";
import { roundLine } from "./follow_run.ts";
import type { RunOrder } from "./orders.ts";
import {
  factsOf,
  finite,
  type RunDetails,
  type RunRecord,
  summaryOf,
  textOf,
} from "./run_record.ts";

/** Milliseconds without an event after which a run is noted to be silent. */
const SILENT_MILLIS = 600_000;

/** Runs of a cluster, from their events. */
export class ClusterRuns implements AsyncDisposable {
  readonly #watcher: Watcher;

  private constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  /** Connects to the cluster. */
  static async connect(options: ClusterOptions): Promise<ClusterRuns> {
    // Loads the clients of NATS.
    const { Watcher } = await import("../../cluster/events/watcher.ts");
    return new ClusterRuns(await Watcher.connect(options));
  }

  /** Reads all runs, in an order. */
  async list(order: RunOrder): Promise<RunDetails[]> {
    const runs: RunDetails[] = [];
    for (const id of await this.#watcher.runs()) {
      runs.push(detailsOf(id, await this.#watcher.read(id)));
    }
    return runs.sort(({ record: a }, { record: b }) => COMPARE[order](a, b));
  }

  /**
   * Finds a run by its id, or by the name of its folder; of several the newest. Without a name, the
   * newest that is under way.
   *
   * @throws {Error} If there is none.
   */
  async find(name: string | undefined): Promise<{ id: string; details: ClusterRun }> {
    let found: { id: string; details: ClusterRun } | undefined;
    for (const id of await this.#watcher.runs()) {
      const details = detailsOf(id, await this.#watcher.read(id));
      const { record } = details;
      const isMeant = name === undefined
        ? record.stage === "running"
        : id === name || details.folder === name;
      const began = found?.details.record.began ?? "";
      if (isMeant && (found === undefined || (record.began ?? "") > began)) found = { id, details };
    }
    if (found !== undefined) return found;
    throw new Error(
      name === undefined
        ? "Cannot follow a run of the cluster: none is under way; name one"
        : `Cannot find the run ${printable(name)} in the cluster`,
    );
  }

  /** Shows the rounds of a run up to its end, those that are over first. */
  async follow(id: string, show: (line: string) => void, signal: AbortSignal): Promise<RunRecord> {
    const events: StoredEvent[] = [];
    for await (const stored of this.#watcher.follow(id, signal)) {
      events.push(stored);
      if (stored.event.type !== "round-ended") continue;
      const { record, rounds } = detailsOf(id, events);
      const last = rounds.at(-1);
      if (last !== undefined) show(roundLine(last, record));
    }
    return detailsOf(id, events).record;
  }

  /** Closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watcher[Symbol.asyncDispose]();
  }
}

/** Run of a cluster. */
interface ClusterRun extends RunDetails {
  /** Name of its folder. */
  readonly folder: string;
}

/** Orders of runs, as the index has them in SQL. */
const COMPARE: Readonly<Record<RunOrder, (a: RunRecord, b: RunRecord) => number>> = {
  newest: (a, b) => (a.began ?? "") > (b.began ?? "") ? -1 : 1,
  best: (a, b) => rankOf(a) - rankOf(b),
  fastest: (a, b) => a.seconds - b.seconds,
  smallest: (a, b) => a.bytesUp + a.bytesDown - b.bytesUp - b.bytesDown,
};

function rankOf({ metric, best }: RunRecord): number {
  if (best === undefined) return Infinity;
  return metric === "accuracy" ? -best : best;
}

/** Summarizes the events of a run so far. */
function detailsOf(id: string, events: readonly StoredEvent[]): ClusterRun {
  const of = <Type extends RunEvent["type"]>(type: Type) =>
    events.flatMap(({ event }) =>
      event.type === type ? [event as Extract<RunEvent, { type: Type }>] : []
    );
  const [began] = of("began"), finished = of("finished").at(-1), stopped = of("stopped").at(-1);
  const reports = new Map<number, RoundReport>();
  // A run that was resumed repeats rounds.
  for (const { report } of of("round-ended")) reports.set(finite(report.round) ?? 0, report);
  const { rows, figures } = summaryOf([...reports.values()]);
  const report = isRecord(finished?.report) ? finished.report : undefined;
  const digest = textOf(report?.modelDigest), seconds = finite(report?.seconds);
  const strategy = textOf(report?.strategy) ?? textOf(began?.settings.strategy) ?? "";
  const first = events[0]?.time.toISOString();
  const record: RunRecord = {
    name: id,
    ...(began && { command: began.command, settings: began.settings }),
    ...(first !== undefined && { began: first }),
    strategy,
    stage: finished ? "finished" : stopped ? "stopped" : "running",
    ...figures,
    ...(seconds !== undefined && { seconds }),
    ...(digest !== undefined && { digest }),
    facts: report === undefined ? {} : factsOf({ ...report, rounds: [] }),
    ...(stopped && { fault: textOf(stopped.reason) ?? "" }),
    ...(!finished && !stopped && silence(events.at(-1)?.time)),
  };
  return { record, rounds: rows, folder: began?.name ?? "" };
}

/** Notes the time of the last event of a run under way, where that is long ago. */
function silence(last: Date | undefined): { fault?: string } {
  if (last === undefined) return {};
  if (runtime.clock.unixMillis() - last.getTime() < SILENT_MILLIS) return {};
  return { fault: `its last event is of ${last.toISOString()}: its coordinator may have died` };
}
