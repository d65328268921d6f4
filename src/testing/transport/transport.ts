import type { Transport } from "../../net/transport.ts";
import { registerTest, type TestOptions } from "../register.ts";
import { testEndings } from "./endings.ts";
import { testFaults } from "./faults.ts";
import { testHeartbeats } from "./heartbeats.ts";
import { testListening } from "./listening.ts";
import { testMessages } from "./messages.ts";
import { openPair } from "./pair.ts";
import { testPlacement } from "./placement.ts";

/** Options of {@linkcode testTransport}. */
export interface TransportTestOptions extends TestOptions {
  /**
   * Waits until closed connections are gone; called at the end of each test.
   *
   * @default resolves at once
   */
  readonly settled?: () => Promise<void>;
}

/**
 * Registers the tests that every transport passes: listening, messages and large vectors, peers
 * that break the protocol, closing, aborting and heartbeats.
 *
 * @param name Name of the transport in the names of the tests.
 * @param transport The transport under test.
 * @param address Address to listen on. Each test listens anew, so that a transport over TCP takes
 * one with port 0.
 * @param options Options of the tests.
 *
 * @example
 * ```ts ignore
 * import { tcpTransport } from "@fedlab/core/net";
 * import { testTransport } from "@fedlab/core/testing";
 *
 * testTransport("tcpTransport", tcpTransport, "127.0.0.1:0");
 * ```
 */
export function testTransport(
  name: string,
  transport: Transport,
  address: string,
  options: TransportTestOptions = {},
): void {
  const { settled } = options;
  const register = registerTest(options);
  const tests = {
    transport,
    address,
    test: (claim: string, run: () => Promise<void>) =>
      register(`${name}: ${claim}`, async () => {
        await run();
        await settled?.();
      }),
    pair: (ends?: Parameters<typeof openPair>[2]) => openPair(transport, address, ends),
  };
  testListening(tests);
  testMessages(tests);
  testPlacement(tests);
  testFaults(tests);
  testEndings(tests);
  testHeartbeats(tests);
}
