import { LAYERS } from "./layers.ts";
import { type Import, roomOf } from "./modules.ts";

/** Arrows between rooms, each with the number of imports that it stands for. */
export function arrowsOf(imports: readonly Import[]): Map<string, Map<string, number>> {
  const arrows = new Map<string, Map<string, number>>();
  for (const { from, to } of imports) {
    const [a, b] = [roomOf(from), roomOf(to)];
    if (a === undefined || b === undefined || a === b || from.endsWith("/mod.ts")) continue;
    const out = arrows.get(a) ?? new Map<string, number>();
    out.set(b, (out.get(b) ?? 0) + 1);
    arrows.set(a, out);
  }
  return arrows;
}

/** The rooms with their arrows as Mermaid, without those that follow from others. */
export function mermaidOf(imports: readonly Import[]): string {
  const arrows = arrowsOf(imports);
  const reachable = (from: string, found = new Set<string>()): Set<string> => {
    for (const next of arrows.get(from)?.keys() ?? []) {
      if (!found.has(next)) reachable(next, found.add(next));
    }
    return found;
  };
  const lines = ["```mermaid", "flowchart TD"];
  for (const room of LAYERS.toReversed().flat()) {
    const direct = [...arrows.get(room)?.keys() ?? []];
    const drawn = direct.filter((to) => !direct.some((by) => by !== to && reachable(by).has(to)));
    for (const to of drawn.sort()) lines.push(`  ${room} --> ${to}`);
  }
  return [...lines, "```"].join("\n");
}

/** A text with its Mermaid picture replaced. */
export function withPicture(text: string, picture: string): string {
  const old = /```mermaid\n[\s\S]*?\n```/;
  if (!old.test(text)) throw new Error("Cannot draw the rooms: expected a mermaid block, got none");
  return text.replace(old, () => picture);
}
