/** Third-party modules of the benchmarks, by full specifier. */
// @ts-types="npm:@types/papaparse@5.5.2"
export { default as Papa } from "npm:papaparse@5.7.0";
