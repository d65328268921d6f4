/** Tools of the build, by full specifiers. */
export { stop, transform } from "npm:esbuild@0.28.2";
export { default as GithubSlugger } from "npm:github-slugger@2.0.0";
export { Marked, type Tokens } from "npm:marked@18.1.2";
