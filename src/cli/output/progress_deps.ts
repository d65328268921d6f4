/** Module of progress bars, by full specifier; loaded only where one is shown. */
// @ts-types="npm:@types/cli-progress@3.11.6"
export { default as progress } from "npm:cli-progress@3.12.0";
export { default as process } from "node:process";
