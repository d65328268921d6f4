/**
 * Runs worlds of one seed after the other until a rule is broken, and prints what was found as JSON.
 *
 *     deno run -A tests/world/mutants/hunt.ts SEED SECONDS
 */
import { drawPlay, play } from "../../../src/world/play.ts";
import type { Found } from "./found.ts";

const [first = 1, seconds = 600] = Deno.args.map(Number);
const began = performance.now();
const elapsed = () => (performance.now() - began) / 1000;

async function hunt(): Promise<Found> {
  let seed = first;
  for (; elapsed() < seconds; seed++) {
    try {
      const { violations: [violation] } = await play(drawPlay(seed));
      if (violation !== undefined) return { ...violation, seed, seconds: elapsed() };
    } catch (error) {
      // The world itself has no rule for what a mutant makes of it.
      return { invariant: "the world goes on", text: `${error}`, seed, seconds: elapsed() };
    }
  }
  return { seed: seed - 1, seconds: elapsed() };
}

console.log(JSON.stringify(await hunt()));
Deno.exit(0);
