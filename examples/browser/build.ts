/**
 * Builds the page into `examples/browser/dist/`: four files that any static file server can serve.
 *
 *     deno task build:browser
 */
import { buildPage } from "./bundle.ts";

const HERE = import.meta.dirname ?? ".";

await buildPage({
  dist: `${HERE}/dist`,
  modules: { "client.js": `${HERE}/client.ts`, "page.js": `${HERE}/page/page.ts` },
  files: {
    "index.html": `${HERE}/page/index.html`,
    "styles.css": `${HERE}/page/styles.css`,
  },
});
