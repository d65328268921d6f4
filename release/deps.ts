/** Build tools of releases, by full specifiers; the package does not contain them. */
export { build, stop } from "npm:esbuild@0.28.2";
export type { Plugin } from "npm:esbuild@0.28.2";
