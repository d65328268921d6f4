/**
 * Process that reads a CSV file into a data set, and prints its peak resident memory in bytes.
 *
 *     deno run -A bench/processes/read_csv.ts FILE
 *
 * @module
 */

import { readTableDataset } from "../../src/data/mod.ts";

const [path = ""] = Deno.args;
let peak = Deno.memoryUsage().rss;
const { dataset } = await readTableDataset(path, {
  onProgress: () => peak = Math.max(peak, Deno.memoryUsage().rss),
});
peak = Math.max(peak, Deno.memoryUsage().rss);
if (dataset.length === 0) throw new Error("Cannot measure: the data set is empty");
console.log(await highestRss() ?? peak);

/** Reads the peak that Linux keeps; `undefined` elsewhere. */
async function highestRss(): Promise<number | undefined> {
  const status = await Deno.readTextFile("/proc/self/status").catch(() => "");
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
}
