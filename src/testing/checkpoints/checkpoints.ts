import { registerTest, type TestOptions } from "../register.ts";
import { testAccount } from "./account.ts";
import { testHistory } from "./history.ts";
import type { CheckpointPlace } from "./place.ts";
import { testSaving } from "./saving.ts";

/**
 * Registers the tests that every store of checkpoints passes: saving, finding the latest and the
 * best, removing old ones, skipping damaged ones, the history that checkpoints share, and the
 * account that survives them.
 *
 * @param name Name of the store in the names of the tests.
 * @param within Runs a test in an empty place, and removes the place afterwards.
 * @param options Options of the tests.
 *
 * @example
 * ```ts ignore
 * import { testCheckpoints } from "@fedlab/core/testing";
 * import { MyPlace } from "./my_place.ts";
 *
 * testCheckpoints("MyCheckpoints", async (test) => {
 *   await using place = await MyPlace.create();
 *   await test(place);
 * });
 * ```
 */
export function testCheckpoints(
  name: string,
  within: (test: (place: CheckpointPlace) => Promise<void>) => Promise<void>,
  options: TestOptions = {},
): void {
  const register = registerTest(options);
  const tests = {
    test: (claim: string, run: (place: CheckpointPlace) => Promise<void>) =>
      register(`${name} ${claim}`, () => within(run)),
  };
  testSaving(tests);
  testHistory(tests);
  testAccount(tests);
}
