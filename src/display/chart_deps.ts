/** Third-party modules of the charts, by full specifier; loaded only where one is drawn. */
// @ts-types="npm:@types/d3-scale@4.0.9"
export { scaleBand, scaleLinear } from "npm:d3-scale@4.0.2";
// @ts-types="npm:@types/d3-shape@3.2.0"
export { line } from "npm:d3-shape@3.2.0";
