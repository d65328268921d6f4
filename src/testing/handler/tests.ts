import type { ClientBackendHandler } from "../../train/handler.ts";

/** Tools of the groups of tests of one handler. */
export interface HandlerTests {
  /** Makes a handler that is set up. */
  readonly make: () => Promise<ClientBackendHandler>;
  /** Registers a test. */
  readonly test: (claim: string, run: () => Promise<void>) => void;
}
