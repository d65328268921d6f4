import { escapeMarkup } from "../../src/display/markup.ts";

/** Entry of the navigation. */
export interface NavigationEntry {
  readonly title: string;
  readonly page: string;
  readonly group: string;
}

/** Content of {@linkcode layout}. */
export interface PageContent {
  readonly title: string;
  /** Path of the page from the root of the site. */
  readonly page: string;
  /** HTML of the main part. */
  readonly html: string;
  /** Headings that the page lists at its side. */
  readonly contents?: readonly { readonly id: string; readonly title: string }[];
  /** Scripts of the page, by their path from the root of the site. */
  readonly scripts?: readonly string[];
}

/** Returns the path from a page to another one. */
export function linkFrom(page: string, to: string): string {
  return `${"../".repeat(page.split("/").length - 1)}${to}`;
}

/** Writes a whole page. All links are relative, so that the site works in any folder. */
export function layout(
  { title, page, html, contents = [], scripts = [] }: PageContent,
  navigation: readonly NavigationEntry[],
): string {
  const to = (path: string) => escapeMarkup(linkFrom(page, path));
  const groups = [...new Set(navigation.map(({ group }) => group))];
  const entry = (one: NavigationEntry) =>
    `<li><a href="${to(one.page)}"${one.page === page ? ' aria-current="page"' : ""}>${
      escapeMarkup(one.title)
    }</a></li>`;
  const lists = groups.map((group) =>
    `<p class="group">${escapeMarkup(group)}</p>\n<ul>${
      navigation.filter((one) => one.group === group).map(entry).join("\n")
    }</ul>`
  ).join("\n");
  const aside = contents.length < 3 ? "" : `<nav class="contents" aria-label="On this page">
<p class="group">On this page</p>
<ul>${
    contents.map(({ id, title }) => `<li><a href="#${id}">${escapeMarkup(title)}</a></li>`)
      .join("\n")
  }</ul></nav>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeMarkup(title === "FedLab" ? title : `${title} – FedLab`)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${to("styles.css")}">
<script defer src="${to("search.js")}" data-root="${to("")}"></script>
${scripts.map((path) => `<script type="module" src="${to(path)}"></script>`).join("\n")}
</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<header class="site">
<a class="name" href="${to("index.html")}">FedLab</a>
<form class="search" role="search" hidden>
<label for="search">Search</label>
<input id="search" type="search" autocomplete="off" aria-controls="found">
<div id="found" aria-live="polite"></div>
</form>
</header>
<div class="columns">
<nav class="pages" aria-label="Pages">
<details open><summary>Pages</summary>
${lists}
</details></nav>
<main id="main">
${html}
</main>
${aside}
</div>
</body>
</html>
`;
}
