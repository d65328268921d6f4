/** Build tools of the page, by full specifiers; the page does not contain them. */
export { stop, transform } from "npm:esbuild@0.28.2";
