/** Compares the accountants with dp-accounting, where Python has it. */
import { assertAlmostEquals, assertEquals } from "@std/assert";
import { pldEpsilon, rdpEpsilon } from "../../src/privacy/mod.ts";
import { findPython, runPython } from "../helpers/python.ts";

const python = await findPython("FEDLAB_PRIVACY_PYTHON", ["dp_accounting"]);
const program = new URL("../fixtures/privacy/epsilon.py", import.meta.url);

/** Releases that the fixtures do not have. */
const RELEASES = [
  { noise: 1.7, rate: 0.03, count: 400, delta: 1e-5 },
  { noise: 2.426, rate: 0.1, count: 100, delta: 1e-5 },
  { noise: 3, rate: 1, count: 5, delta: 1e-6 },
];

if (python === undefined) {
  console.warn("skipped: no dp-accounting for Python; its figures are those of the fixtures");
}

Deno.test({
  name: "rdpEpsilon() and pldEpsilon() equal what dp-accounting computes now",
  ignore: python === undefined,
  fn: async () => {
    const source = await Deno.readTextFile(program);
    const found = await runPython(python ?? "", source, [JSON.stringify(RELEASES)]) as {
      whole: number;
      pld: number;
    }[];
    assertEquals(found.length, RELEASES.length);
    for (const [i, { delta, ...kind }] of RELEASES.entries()) {
      const { whole = NaN, pld = NaN } = found[i] ?? {}, name = JSON.stringify(kind);
      assertAlmostEquals(rdpEpsilon([kind], delta).epsilon / whole, 1, 1e-6, name);
      assertAlmostEquals(pldEpsilon([kind], delta), pld, 1e-3, name);
    }
  },
});
