import { escapeMarkup } from "../../src/display/markup.ts";
import { renderMarkdown, type Section } from "./markdown.ts";
import { ROOT } from "./sources.ts";

/** Files of examples that are shown. */
const SHOWN = /\.(ts|py|md|ipynb|html|css|csv)$/;

/** A page made from a file. */
export interface MadePage {
  readonly page: string;
  readonly title: string;
  readonly html: string;
  readonly sections: readonly Section[];
}

/** Returns the page of a file of the examples; `undefined` for one that has none. */
export function examplePage(path: string): string | undefined {
  if (path === "examples" || path === "examples/") return "examples/index.html";
  if (!path.startsWith("examples/")) return undefined;
  if (path.endsWith("/README.md")) return path.replace(/README\.md$/, "index.html");
  return SHOWN.test(path) ? `${path}.html` : undefined;
}

/** Lists the files of the examples, in order. */
export async function exampleFiles(folder = "examples/"): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory && name !== "dist") files.push(...await exampleFiles(`${folder}${name}/`));
    else if (!isDirectory && SHOWN.test(name)) files.push(folder + name);
  }
  return files.sort();
}

/**
 * Makes the page of a file: of Markdown and of a notebook as text, of others as code.
 *
 * @param rewrite Returns the link of the site in place of one in the text.
 */
export async function exampleOf(
  path: string,
  rewrite: (href: string) => string,
): Promise<MadePage> {
  const text = await Deno.readTextFile(new URL(path, ROOT));
  const page = examplePage(path) ?? "", name = path.slice("examples/".length);
  if (path.endsWith(".md")) {
    const { html, sections } = renderMarkdown(text, rewrite);
    return {
      page,
      title: sections.find(({ depth }) => depth === 1)?.title ?? name,
      html,
      sections,
    };
  }
  if (path.endsWith(".ipynb")) {
    const { html, sections } = renderMarkdown(notebookText(text), rewrite);
    return { page, title: "Notebook", html, sections };
  }
  const html = `<h1>${escapeMarkup(name)}</h1>
<pre tabindex="0"><code>${escapeMarkup(text)}</code></pre>`;
  return { page, title: name, html, sections: [{ id: "", title: name, depth: 1, text }] };
}

/** Converts a notebook to Markdown. */
function notebookText(text: string): string {
  const { cells }: { cells: { cell_type: string; source: string[] }[] } = JSON.parse(text);
  return cells.map(({ cell_type, source }) =>
    cell_type === "markdown" ? source.join("") : `\`\`\`ts\n${source.join("")}\n\`\`\``
  ).join("\n\n");
}

/** Makes the page that lists the examples, each with the first paragraph of its description. */
export async function examplesIndex(files: readonly string[]): Promise<MadePage> {
  const names = [...new Set(files.map((path) => path.split("/")[1] ?? ""))];
  const items = await Promise.all(names.map(async (name) => {
    const own = files.filter((path) => path.split("/")[1] === name);
    const links = own.map((path) =>
      `<li><a href="${escapeMarkup((examplePage(path) ?? "").slice("examples/".length))}">${
        escapeMarkup(path.slice("examples/".length))
      }</a></li>`
    );
    const about = await descriptionOf(own);
    return `<section><h2 id="${escapeMarkup(name)}">${escapeMarkup(name)}</h2>
<p>${escapeMarkup(about)}</p><ul>${links.join("\n")}</ul></section>`;
  }));
  return {
    page: "examples/index.html",
    title: "Examples",
    html: `<h1>Examples</h1>
<p>Programs that run as they are; each names its command at its top.</p>
${items.join("\n")}`,
    sections: names.map((name) => ({ id: name, title: name, depth: 2, text: name })),
  };
}

/** Returns the first paragraph of a description: of the README, else of the first module that has one. */
async function descriptionOf(paths: readonly string[]): Promise<string> {
  const ordered = paths.toSorted((a, b) => rankOf(a) - rankOf(b));
  for (const path of ordered) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    const [, comment] = /^\/\*\* ?\n?([^]*?)\*\//.exec(text) ?? [];
    const [, readme] = path.endsWith(".md") ? /^# .*\n\n([^]*?)\n\n/.exec(text) ?? [] : [];
    const first = (readme ?? comment?.replaceAll(/^ ?\* ?/gm, "") ?? "").split(/\n\s*\n/)[0] ?? "";
    const plain = first.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll(/[`*]/g, "").trim();
    if (plain !== "") return plain;
    if (path.endsWith(".ipynb")) return "A course of ten cells for Jupyter.";
  }
  return "";
}

function rankOf(path: string): number {
  return [/README\.md$/, /main\.ts$/, /server|serve/].findIndex((pattern) => pattern.test(path)) +
      1 || 9;
}
