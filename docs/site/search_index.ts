import type { MadePage } from "./examples.ts";
import { MiniSearch } from "./search_deps.ts";
import { INDEX_OPTIONS, type IndexedSection } from "./search_options.ts";

/** Writes the index of the search as a script, which also works on pages opened from a disk. */
export function searchIndex(pages: readonly MadePage[]): string {
  const index = new MiniSearch<IndexedSection>(INDEX_OPTIONS);
  let id = 0;
  for (const { page, title: of, sections } of pages) {
    for (const { id: anchor, title, text } of sections) {
      index.add({ id: id++, page, anchor, title: title || of, of, text });
    }
  }
  // JSON in a literal: the text of a script must not have the end of its element.
  const json = JSON.stringify(JSON.stringify(index)).replaceAll("<", "\\u003c");
  return `globalThis.FEDLAB_SEARCH_INDEX = ${json};\n`;
}
