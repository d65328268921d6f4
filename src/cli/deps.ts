/** Third-party modules of the commands, by full specifier. */
export { Command, CommanderError, Help, InvalidArgumentError, Option } from "npm:commander@15.0.0";
// @ts-types="npm:@types/cli-progress@3.11.6"
export { default as progress } from "npm:cli-progress@3.12.0";
export { default as Table } from "npm:cli-table3@0.6.5";
// @ts-types="npm:@types/d3-scale@4.0.9"
export { scaleBand, scaleLinear } from "npm:d3-scale@4.0.2";
// @ts-types="npm:@types/d3-shape@3.2.0"
export { line } from "npm:d3-shape@3.2.0";
