import type { ClientBackendHandler } from "../../train/handler.ts";
import { registerTest, type TestOptions } from "../register.ts";
import { testContract } from "./contract.ts";
import { testDiverging } from "./diverging.ts";
import { testGradient } from "./gradient.ts";
import { testSettings } from "./settings.ts";

/** Options of {@linkcode testHandler}. */
export interface HandlerTestOptions extends TestOptions {
  /**
   * Tests what holds for training by SGD with all settings of a plan: momentum, Adam, the proximal
   * term, the correction, divergence. A handler that learns by a rule of its own sets it to
   * `false`.
   *
   * @default true
   */
  readonly sgd?: boolean;
  /**
   * Tests the gradient, which a handler need not have.
   *
   * @default the value of `sgd`
   */
  readonly gradient?: boolean;
}

/**
 * Registers the tests that every handler of a client passes: its parameters, training, evaluation,
 * and that the same plan gives the same bytes.
 *
 * @param name Name of the handler in the names of the tests.
 * @param make Makes a handler that is set up. Training lowers the loss of its model, on at least
 * 20 samples whose number 7 does not divide.
 * @param options Options of the tests.
 *
 * @example
 * ```ts ignore
 * import { digits, mlp, NativeSGDHandler } from "@fedlab/core";
 * import { testHandler } from "@fedlab/core/testing";
 *
 * testHandler("NativeSGDHandler", async () => {
 *   const handler = new NativeSGDHandler({ data: (await digits()).select([...Array(52).keys()]) });
 *   await handler.setUp(mlp({ inputShape: [8, 8, 1], numClasses: 10 }));
 *   return handler;
 * });
 * ```
 */
export function testHandler(
  name: string,
  make: () => Promise<ClientBackendHandler>,
  options: HandlerTestOptions = {},
): void {
  const { sgd = true, gradient = sgd } = options;
  const register = registerTest(options);
  const tests = {
    make,
    test: (claim: string, run: () => Promise<void>) => register(`${name} ${claim}`, run),
  };
  testContract(tests);
  if (sgd) {
    testSettings(tests);
    testDiverging(tests);
  }
  if (gradient) testGradient(tests);
}
