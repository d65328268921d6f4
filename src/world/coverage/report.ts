import type { Counts } from "./counts.ts";
import { type Machine, transitionsOf } from "./machine.ts";

/** Share in percent, rounded down to a tenth. */
function percent(part: number, whole: number): string {
  return (Math.floor(1000 * part / whole) / 10).toFixed(1);
}

/**
 * Describes the transitions that were reached, in lines: a table of all of them by machine, with
 * their numbers and the sections of `docs/PROTOCOL.md`; what was not reached; and what happened
 * though the table does not have it.
 */
export function coverageLines(counts: Counts, machines: readonly Machine[]): readonly string[] {
  const lines: string[] = [], missing: string[] = [];
  for (const machine of machines) {
    const rows = transitionsOf(machine);
    const reached = rows.filter(({ name }) => counts.countOf(name) > 0).length;
    lines.push(`${machine.name}: ${reached} of ${rows.length}`);
    for (const { name, from, on, to, section } of rows) {
      const count = counts.countOf(name);
      lines.push(`  ${String(count).padStart(9)}  ${from}: ${on} -> ${to}   [${section}]`);
      if (count === 0) missing.push(`  ${name}   [${section}]`);
    }
  }
  if (missing.length > 0) lines.push("not reached:", ...missing);
  const unlisted = [...counts.unlisted].sort(([a], [b]) => a < b ? -1 : 1);
  if (unlisted.length > 0) {
    lines.push("not in the table:", ...unlisted.map(([what, count]) => `  ${count} x ${what}`));
  }
  lines.push(coverageText(counts));
  return lines;
}

/** Describes the number of transitions that were reached, in a few words. */
export function coverageText({ reached, size }: Counts): string {
  return `${reached} of ${size} transitions reached (${percent(reached, size)} %)`;
}
