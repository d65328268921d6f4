export { default as MiniSearch } from "npm:minisearch@7.2.0";
