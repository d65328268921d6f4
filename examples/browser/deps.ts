/** What builds the page, by full specifier; nothing of it is in the page. */
export { stop, transform } from "npm:esbuild@0.28.2";
