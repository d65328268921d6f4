/**
 * Builds the page into `examples/typing/dist/`: files that any static file server can serve.
 *
 *     deno task build:typing
 */
import { buildPage } from "../browser/bundle.ts";

const HERE = import.meta.dirname ?? ".";
const [dist = `${HERE}/dist`] = Deno.args;

await buildPage({
  dist,
  modules: { "writer.js": `${HERE}/worker.ts`, "page.js": `${HERE}/page/page.ts` },
  files: {
    "index.html": `${HERE}/page/index.html`,
    "typing.css": `${HERE}/page/typing.css`,
    "styles.css": `${HERE}/../browser/page/styles.css`,
  },
});
