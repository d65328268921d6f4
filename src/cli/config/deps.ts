/** Third-party modules of options files, by full specifier; loaded only where one is read. */
export { closest, distance } from "npm:fastest-levenshtein@1.0.16";
export { CORE_SCHEMA, load } from "npm:js-yaml@5.5.0";
