import { type Outcome, type Play, play } from "../../../src/world/play.ts";
import type { Picture } from "../../../src/world/watch/picture.ts";
import { Recorder } from "../../../src/world/watch/recorder.ts";

/** Makes a run, and the picture of it. */
export async function pictureOf(
  run: Play,
  onLine: (line: string) => void = () => {},
): Promise<{ readonly outcome: Outcome; readonly picture: Picture }> {
  const clients = Array.from({ length: run.plan.clients }, (_, i) => `client-${i + 1}`);
  const lanes = ["server", ...clients, ...(run.plan.mistake === undefined ? [] : ["stranger"])];
  const recorder = new Recorder(lanes);
  const outcome = await play(run, {
    watchers: [recorder],
    onLine: (line) => {
      recorder.line(line);
      onLine(line);
    },
  });
  const { plan, mode, hours, events, log, schedule } = outcome;
  const settings = Object.entries(plan).filter(([name]) => name !== "seed").map(([name, value]) =>
    `${name} ${Array.isArray(value) ? value.join(" to ") : value}`
  );
  return {
    outcome,
    picture: {
      title: `World ${run.seed}: ${plan.strategy}, ${plan.clients} clients`,
      facts: [
        ["seed", String(run.seed)],
        ["mode", mode],
        ["plan", settings.join(", ")],
        ["faults", String(schedule.length)],
        ["time", `${(3600 * hours).toFixed(1)} s, ${events} events`],
        ["log", log],
      ],
      violations: outcome.violations.map(({ invariant, text }) => `${invariant}: ${text}`),
      lanes,
      rows: recorder.rows,
    },
  };
}
