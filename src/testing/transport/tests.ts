import type { Transport } from "../../net/transport.ts";
import type { openPair } from "./pair.ts";

/** Tools of the groups of tests of one transport. */
export interface TransportTests {
  /** The transport under test. */
  readonly transport: Transport;
  /** Address to listen on. */
  readonly address: string;
  /** Registers a test. */
  readonly test: (claim: string, run: () => Promise<void>) => void;
  /** Opens two connections that talk to each other. */
  readonly pair: (options?: Parameters<typeof openPair>[2]) => ReturnType<typeof openPair>;
}
