/** Third-party module of tables, by full specifier; loaded only where one is printed. */
export { default as Table } from "npm:cli-table3@0.6.5";
