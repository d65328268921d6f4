import type { MiniSearch } from "./search_deps.ts";

/** A section of a page as the search knows it. */
export interface IndexedSection {
  readonly id: number;
  /** Path of the page from the root of the site. */
  readonly page: string;
  /** Anchor of the section; empty for the top of the page. */
  readonly anchor: string;
  readonly title: string;
  /** Title of the page. */
  readonly of: string;
  readonly text: string;
}

/** Settings of the index, for the build and for the search. */
export const INDEX_OPTIONS: ConstructorParameters<typeof MiniSearch<IndexedSection>>[0] = {
  fields: ["title", "of", "text"],
  storeFields: ["page", "anchor", "title", "of"],
  searchOptions: { prefix: true, fuzzy: 0.15, combineWith: "AND", boost: { title: 4, of: 2 } },
};
