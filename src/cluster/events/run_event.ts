/**
 * Events of a run as they lie in the stream.
 *
 * @module
 */

import { VERSION } from "../../base/version.ts";
import { v } from "../../plan/deps.ts";
import { textLine, wholeNumber } from "../../plan/schemas.ts";
import type { ServerEvent } from "../../round/report/events.ts";
import type { RoundReport, RunReport } from "../../round/report/report.ts";

/** Version of the events. */
const EVENTS_VERSION = 1;

/** Longest list that an event keeps; reports of rounds list all clients of a cohort. */
const MAX_LIST = 64;

/** Beginning of a run. */
export interface RunBegan {
  /** Kind of the event. */
  readonly type: "began";
  /** Name of the run, such as that of its folder. */
  readonly name: string;
  /** Command that runs it, such as `simulate`. */
  readonly command: string;
  /** Values of the command's options. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Event of a run that watchers see: its beginning, the ends of its rounds, and its end. */
export type RunEvent =
  | RunBegan
  | Extract<ServerEvent, { type: "round-ended" | "round-retried" | "checkpoint" | "stopped" }>
  | {
    readonly type: "finished";
    /** The report, without its rounds. */
    readonly report: Omit<RunReport, "rounds">;
  };

const message = v.object({
  version: wholeNumber(1),
  program: textLine(64),
  event: v.variant("type", [
    v.looseObject({
      type: v.literal("began"),
      name: textLine(256),
      command: textLine(64),
      settings: v.record(v.string(), v.unknown()),
    }),
    v.looseObject({ type: v.literal("round-ended"), report: v.looseObject({}) }),
    v.looseObject({ type: v.literal("round-retried"), round: wholeNumber(0) }),
    v.looseObject({ type: v.literal("checkpoint"), round: wholeNumber(0) }),
    v.looseObject({ type: v.literal("stopped"), reason: v.string() }),
    v.looseObject({ type: v.literal("finished"), report: v.looseObject({}) }),
  ]),
});

/** Returns what watchers see of an event; `undefined` for one that they do not see. */
export function shownEvent(event: ServerEvent): RunEvent | undefined {
  switch (event.type) {
    case "round-ended":
      return { type: event.type, report: shortened(event.report) as RoundReport };
    case "finished": {
      const { rounds: _, ...report } = event.report;
      return { type: event.type, report: shortened(report) as Omit<RunReport, "rounds"> };
    }
    case "round-retried":
    case "checkpoint":
    case "stopped":
      return event;
    default:
      return undefined;
  }
}

/** Writes an event for the stream. */
export function eventText(event: RunEvent): string {
  return JSON.stringify({ version: EVENTS_VERSION, program: VERSION, event });
}

/** Reads an event of the stream; `undefined` for one of a later version, or that is none. */
export function readEvent(text: string): RunEvent | undefined {
  try {
    const { success, output } = v.safeParse(message, JSON.parse(text));
    if (!success || output.version !== EVENTS_VERSION) return undefined;
    return output.event as unknown as RunEvent;
  } catch {
    return undefined;
  }
}

/** Copies a value of JSON without long lists. */
function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.length > MAX_LIST ? [] : value.map(shortened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, shortened(inner)]),
  );
}
