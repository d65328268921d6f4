/**
 * Search in the pages, without a server: the index is a script beside this one, loaded when
 * somebody begins to search.
 *
 * @module
 */

import { MiniSearch } from "../search_deps.ts";
import { INDEX_OPTIONS, type IndexedSection } from "../search_options.ts";

/** Largest number of results that are listed. */
const MOST = 12;

const root = document.currentScript?.dataset["root"] ?? "";

function loadIndex(): Promise<MiniSearch<IndexedSection>> {
  const script = document.createElement("script");
  script.src = `${root}search-index.js`;
  const { promise, resolve, reject } = Promise.withResolvers<MiniSearch<IndexedSection>>();
  script.onload = () => {
    const text: unknown = Reflect.get(globalThis, "FEDLAB_SEARCH_INDEX");
    resolve(MiniSearch.loadJSON<IndexedSection>(String(text), INDEX_OPTIONS));
  };
  script.onerror = () => reject(new Error("Cannot load the index of the search"));
  document.head.append(script);
  return promise;
}

let index: Promise<MiniSearch<IndexedSection>> | undefined;

async function search(words: string, found: Element): Promise<void> {
  const results = words.trim() === "" ? [] : (await (index ??= loadIndex())).search(words);
  const list = document.createElement("ul");
  for (const { page, anchor, title, of } of results.slice(0, MOST)) {
    const link = document.createElement("a");
    link.href = `${root}${page}${anchor === "" ? "" : `#${anchor}`}`;
    link.textContent = title === of ? title : `${of}: ${title}`;
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
  const none = document.createElement("p");
  none.textContent = "Nothing found";
  found.replaceChildren(...words.trim() === "" ? [] : [results.length > 0 ? list : none]);
}

addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector<HTMLFormElement>("form.search");
  const input = form?.querySelector("input"), found = form?.querySelector("#found");
  // Narrow pages begin with the list of pages closed.
  if (matchMedia("(max-width: 800px)").matches) {
    document.querySelector("nav.pages details")?.removeAttribute("open");
  }
  if (!form || !input || !found) return;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    found.querySelector("a")?.click();
  });
  input.addEventListener("input", () => {
    search(input.value, found).catch((error) => {
      found.textContent = String(error);
    });
  });
  input.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") found.replaceChildren();
  });
});
