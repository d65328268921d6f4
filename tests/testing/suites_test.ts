import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { FedAvg, type ParameterVector } from "../../mod.ts";
import { testStrategy } from "../../src/testing/mod.ts";

Deno.test.sanitizer({ ops: true, resources: true });

/** A strategy that returns the last update, and keeps a view of it. */
class KeepsLastUpdate extends FedAvg {
  override begin(global: ParameterVector) {
    let last = global;
    return {
      accept: ({ parameters }: { parameters: ParameterVector }) => {
        last = parameters;
      },
      finish: () => last,
    };
  }
}

/** Runs the suite of strategies without `Deno.test`, and returns the names of tests that fail. */
async function failuresOf(make: () => FedAvg): Promise<string[]> {
  const tests: [name: string, run: () => Promise<void>][] = [];
  testStrategy(make, { test: (name, run) => tests.push([name, run]) });
  assert(tests.length > 5);
  const failures: string[] = [];
  for (const [name, run] of tests) {
    try {
      await run();
    } catch {
      failures.push(name);
    }
  }
  return failures;
}

Deno.test("A suite runs under another test runner, passes a good strategy and fails a bad one", async () => {
  assertEquals(await failuresOf(() => new FedAvg()), []);
  assertEquals(await failuresOf(() => new KeepsLastUpdate()), [
    "fedavg: an update's view is not used after the call",
    "fedavg: takes its working vectors from the arena, and no more in later rounds",
    "fedavg: exact rounds give one result in every order of the updates",
    "fedavg: sums that were taken elsewhere and merged give the result of one round",
    "fedavg: takes its exact sums from the arena, and no more in later rounds",
  ]);
});
