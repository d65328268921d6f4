import type { RunView } from "./view.ts";

/** Media type of the text of {@linkcode prometheusText}. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Writes a run's figures in Prometheus' text format.
 *
 * @param view View of the run.
 * @param memoryBytes Resident memory of the process.
 */
export function prometheusText({ run, head, points }: RunView, memoryBytes: number): string {
  const last = points.at(-1);
  const sum = points.reduce((seconds, point) => seconds + point.seconds, 0);
  const received = points.reduce((count, point) => count + point.received, 0);
  const lines: string[] = [];
  const add = (
    name: string,
    type: "counter" | "gauge",
    help: string,
    values:
      readonly (readonly [labels: Readonly<Record<string, string>>, value: number | undefined])[],
  ) => {
    const known = values.filter(([, value]) => value !== undefined);
    if (known.length === 0) return;
    lines.push(`# HELP fedlab_${name} ${help}`, `# TYPE fedlab_${name} ${type}`);
    for (const [labels, value] of known) {
      const text = Object.entries({ run: run.name, ...labels })
        .map(([label, text]) => `${label}="${escaped(text)}"`).join(",");
      lines.push(`fedlab_${name}{${text}} ${value}`);
    }
  };
  add("info", "gauge", "The run, with its strategy and stage.", [
    [{ command: run.command, strategy: run.strategy, stage: head.stage }, 1],
  ]);
  add("clients", "gauge", "Clients by state.", [
    ...Object.entries(head.clients).map(([state, count]) => [{ state }, count] as const),
  ]);
  add("rounds_total", "counter", "Rounds that have ended.", [[{}, head.round]]);
  add("rounds_planned", "gauge", "Rounds of the whole run.", [[{}, head.rounds]]);
  // They would follow from cohorts that are secret; the report has other figures in their place.
  const isTold = head.privacy?.mechanism !== "fedavg";
  const told = (value: number | undefined) => isTold ? value : undefined;
  add("round_seconds_sum", "counter", "Time of all rounds that have ended.", [[{}, told(sum)]]);
  add("round_seconds_last", "gauge", "Time of the last round.", [[{}, told(last?.seconds)]]);
  add("updates_total", "counter", "Updates in the model.", [[{}, told(received)]]);
  add("refusals_total", "counter", "Refused updates and connections, by reason.", [
    ...Object.entries(head.refusals).map(([reason, count]) => [{ reason }, count] as const),
  ]);
  add("bytes_total", "counter", "Bytes of updates and parameters.", [
    [{ direction: "up" }, told(head.bytesUp)],
    [{ direction: "down" }, told(head.bytesDown)],
  ]);
  add("loss", "gauge", "Loss after the last round.", [[{}, last?.loss]]);
  add("accuracy_ratio", "gauge", "Accuracy after the last round.", [[{}, last?.accuracy]]);
  add("privacy_epsilon", "gauge", "Epsilon that is spent.", [[{}, head.privacy?.epsilon]]);
  add("memory_bytes", "gauge", "Resident memory of the process.", [[{}, memoryBytes]]);
  return `${lines.join("\n")}\n`;
}

/** Escapes the value of a label. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
