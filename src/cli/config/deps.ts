/** Third-party modules of options files, by full specifier; loaded only where one is read. */
export { CORE_SCHEMA, load } from "npm:js-yaml@5.5.0";
