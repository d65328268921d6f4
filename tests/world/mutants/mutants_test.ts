import { assert } from "@std/assert";
import { checkApplies, readMutants } from "./mutants.ts";

Deno.test("each mutant applies to the program, and says in a line what it breaks", async () => {
  const mutants = await readMutants();
  for (const mutant of mutants) {
    await checkApplies(mutant);
    assert(/^[A-Z][^|]{10,80}$/.test(mutant.fault), `${mutant.name}: ${mutant.fault}`);
  }
  assert(mutants.length >= 10);
});
