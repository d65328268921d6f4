import { CHOICES } from "../../src/plan/compatibility/choices.ts";
import { CONFLICTS } from "../../src/plan/compatibility/conflicts.ts";

/** Page that has the table of choices that do not go together. */
export const COMPATIBILITY_PAGE = "docs/COMPATIBILITY.md";

/** A text with its table of conflicts replaced by that of the code. */
export function withConflicts(text: string): string {
  const old = /\| Choice +\| Does not go with +\| Reason +\|\n(\|.*\|\n)*/;
  if (!old.test(text)) {
    throw new Error("Cannot write the conflicts: expected their table, got none");
  }
  const rows = CONFLICTS.map((
    { between: [first, second], reason },
  ) => [CHOICES[first].title.replace(/,$/, ""), CHOICES[second].title, reason]);
  const cells = [["Choice", "Does not go with", "Reason"], ...rows];
  const widths = [0, 1, 2].map((i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)));
  const [head = "", ...body] = cells.map((row) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |\n`
  );
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |\n`;
  const table = [head, rule, ...body].join("");
  return text.replace(old, () => table);
}
