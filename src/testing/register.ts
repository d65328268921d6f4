/** Registers a test: `Deno.test`, or `it` or `test` of another runner. */
export type RegisterTest = (name: string, run: () => Promise<void>) => void;

/** Options of every suite. */
export interface TestOptions {
  /**
   * Registers each test of the suite.
   *
   * @default Deno.test
   */
  readonly test?: RegisterTest;
}

/** Returns the function that registers the tests of a suite. */
export function registerTest({ test = Deno.test }: TestOptions): RegisterTest {
  return test;
}
