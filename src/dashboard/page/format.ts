import type { RunView } from "../view.ts";

/** Formats a number with at most four significant digits. */
export function number(value: number | undefined | null): string {
  if (value === undefined || value === null) return "–";
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Math.abs(value) >= 1000 || Math.abs(value) < 0.001
    ? value.toExponential(2)
    : `${Number(value.toPrecision(4))}`;
}

/** Formats a share as a percentage. */
export function percent(value: number | undefined | null): string {
  return value === undefined || value === null ? "–" : `${(value * 100).toFixed(2)}%`;
}

/** Formats a number of bytes. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** Formats a time in seconds. */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Formats the time of day. */
export function clock(millis: number): string {
  return new Date(millis).toLocaleTimeString("en-GB");
}

/** Number of rounds over which the time left is estimated. */
const RECENT = 20;

/** Describes the state of a run in a sentence. */
export function sentence({ head, open, points, run }: RunView): string {
  const last = points.findLast(({ accuracy, loss }) => (accuracy ?? loss) !== undefined);
  const figures = [
    ...(last?.accuracy === undefined ? [] : [`accuracy ${percent(last.accuracy)}`]),
    ...(last?.loss === undefined ? [] : [`loss ${number(last.loss)}`]),
  ].join(", ");
  const after = figures === "" ? "" : `; ${figures}`;
  switch (head.stage) {
    case "joining":
      return run.command === "simulate"
        ? "The run is about to begin."
        : `Waiting for clients: ${head.note ?? "none has joined yet"}.`;
    case "running": {
      const recent = points.slice(-RECENT);
      const mean = recent.reduce((sum, { seconds }) => sum + seconds, 0) / recent.length;
      const left = recent.length === 0
        ? ""
        : `, about ${duration(mean * Math.max(0, head.rounds - head.round))} left`;
      const waiting = open && open.expected > 0
        ? `, ${open.received} of ${open.expected} updates are in`
        : "";
      if (head.isPaused && open === undefined) return `Paused after round ${head.round}${after}.`;
      const paused = head.isPaused ? ", the last one before a pause" : "";
      return `Round ${
        open?.round ?? head.round
      } of ${head.rounds}${paused}${waiting}${left}${after}.`;
    }
    case "finished":
      return `Finished after ${head.round} rounds with ${run.strategy}${after}.${
        head.note === undefined ? "" : ` ${head.note}.`
      }`;
    case "stopped":
      return `Stopped after ${head.round} rounds: ${head.note ?? "no reason is known"}${after}.`;
  }
}
