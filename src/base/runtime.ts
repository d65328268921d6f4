/** Whether this runs on Deno, and not in a browser: what a client needs is in both, files and servers are not. */
export function isDeno(): boolean {
  return typeof Deno !== "undefined";
}
