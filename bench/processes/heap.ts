/**
 * Prints the growth of JavaScript's heap per step in bytes, as a JSON list of repetitions.
 *
 *     deno run -A bench/processes/heap.ts
 */

import { nativeSteps, noise } from "../helpers/step.ts";

const REPETITIONS = 9;
const STEPS = 20_000;

const run = nativeSteps("lr", 10, STEPS, noise());
for (let i = 0; i < 3; i++) run();
const bytes = Array.from({ length: REPETITIONS }, () => {
  const before = Deno.memoryUsage().heapUsed;
  run();
  // The collector may have made the heap smaller meanwhile.
  return Math.max(0, Deno.memoryUsage().heapUsed - before) / STEPS;
});
console.log(JSON.stringify(bytes));
