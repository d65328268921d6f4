/**
 * Builds the site of the docs into `docs/site/dist/`: pages that any static file server can serve.
 *
 *     deno task site
 *
 * `--out FOLDER` names another folder, which is replaced; `--no-api` leaves out the description of
 * the API, which takes most of the time and of the files. A link that leads nowhere fails the
 * build.
 */
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { stop, transform } from "./deps.ts";
import { buildApi } from "./api.ts";
import { bundle } from "./bundle.ts";
import { exampleFiles, exampleOf, examplePage, examplesIndex, type MadePage } from "./examples.ts";
import { layout, linkFrom, type NavigationEntry } from "./layout.ts";
import { deadLinks } from "./links.ts";
import { renderMarkdown } from "./markdown.ts";
import { searchIndex } from "./search_index.ts";
import { ROOT, type Source, sources } from "./sources.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string", default: new URL("dist", import.meta.url).pathname },
    "no-api": { type: "boolean", default: false },
  },
});
const OUT = new URL(`${pathToFileURL(values.out).href.replace(/\/$/, "")}/`);
/** Mark of a folder that this program has made, and may replace. */
const MARK = ".fedlab-site";

await prepare();
const markdown = await sources();
const files = await exampleFiles();
const copied = new Set<string>();

/** Returns the function that turns links of a file into links of its page. */
function rewriter(path: string, page: string): (href: string) => string {
  return (href) => {
    if (/^([a-z]+:|#)/i.test(href)) return href;
    const url = new URL(href, new URL(path, "http://checkout/"));
    const target = decodeURIComponent(url.pathname.slice(1));
    const known = markdown.find((one) => one.path === target)?.page ?? examplePage(target);
    if (known !== undefined) return linkFrom(page, known) + url.hash;
    copied.add(target);
    return linkFrom(page, fileOf(target)) + url.hash;
  };
}

/** Path of a file that the site has as it is. */
function fileOf(target: string): string {
  return `files/${target}${/\.[a-z]+$/.test(target) ? "" : ".txt"}`;
}

async function pageOf({ path, page }: Source): Promise<MadePage> {
  const text = await Deno.readTextFile(new URL(path, ROOT));
  const { html, sections } = renderMarkdown(text, rewriter(path, page));
  const title = sections.find(({ depth }) => depth === 1)?.title ?? path;
  return { page, title: path === "README.md" ? "Start" : title, html, sections };
}

const pages: MadePage[] = [
  ...await Promise.all(markdown.map(pageOf)),
  await examplesIndex(files),
  ...await Promise.all(
    files.map((path) => exampleOf(path, rewriter(path, examplePage(path) ?? ""))),
  ),
];
const navigation: NavigationEntry[] = [
  { title: "FedLab", page: "index.html", group: "Begin" },
  ...pages.flatMap(({ title, page }) => {
    const group = markdown.find((one) => one.page === page)?.group;
    return group === undefined ? [] : [{ title, page, group }];
  }),
  { title: "Examples", page: "examples/index.html", group: "Reference" },
  ...(values["no-api"] ? [] : [{ title: "API", page: "api/index.html", group: "Reference" }]),
];

for (const { page, title, html, sections } of pages) {
  const contents = sections.filter(({ id, depth }) => id !== "" && depth === 2);
  await write(page, layout({ title, page, html, contents }, navigation));
}
const home = await Deno.readTextFile(new URL("home.html", import.meta.url));
await write(
  "index.html",
  layout({ title: "FedLab", page: "index.html", html: home, scripts: ["live.js"] }, navigation),
);
await write("search-index.js", searchIndex(pages));
await write("styles.css", await styles());
const scripts = [
  ["live.js", "browser/live.ts", "esm"],
  ["worker.js", "live/worker.ts", "esm"],
  ["search.js", "browser/search.ts", "iife"],
] as const;
await Promise.all(scripts.map(async ([name, module, format]) => {
  await write(name, await bundle(module, format));
}));
await stop();
for (const target of copied) {
  const bytes = await Deno.readFile(new URL(target, ROOT)).catch(() => undefined);
  // A file that is not there is named as a dead link below.
  if (bytes) await write(fileOf(target), bytes);
}
if (!values["no-api"]) await buildApi(new URL("api", OUT));

const dead = await deadLinks(OUT);
if (dead.length > 0) {
  for (const line of dead) console.error(line);
  console.error(`Cannot build the site: ${dead.length} links lead nowhere`);
  Deno.exit(1);
}
console.log(`Wrote ${pages.length + 1} pages to ${OUT.pathname}`);

/** Empties the folder, if it is one that this program has made. */
async function prepare(): Promise<void> {
  const entries = await Array.fromAsync(Deno.readDir(OUT)).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  });
  if (entries.length > 0 && !entries.some(({ name }) => name === MARK)) {
    console.error(
      `Cannot build the site: expected an empty folder or one of an earlier build, got ${OUT.pathname}`,
    );
    Deno.exit(1);
  }
  if (entries.length > 0) await Deno.remove(OUT, { recursive: true });
  await write(MARK, "");
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  const url = new URL(path, OUT);
  await Deno.mkdir(new URL("./", url), { recursive: true });
  if (typeof content === "string") await Deno.writeTextFile(url, content);
  else await Deno.writeFile(url, content);
}

/** Joins the base rules that the dashboard has too and the styles of the site. */
async function styles(): Promise<string> {
  const parts = [
    new URL("src/dashboard/page/base.css", ROOT),
    new URL("styles.css", import.meta.url),
  ];
  const texts = await Promise.all(parts.map((part) => Deno.readTextFile(part)));
  return (await transform(texts.join("\n"), { loader: "css", minify: true })).code;
}
