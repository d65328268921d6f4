/**
 * Compliance suites: the tests that every transport, handler, strategy, codec, checkpoint store and
 * pool of clients passes. One line in a test file runs a suite on an implementation of your own.
 *
 * @example A strategy of your own
 * ```ts ignore
 * import { testStrategy } from "@fedlab/core/testing";
 * import { MyStrategy } from "./my_strategy.ts";
 *
 * testStrategy(() => new MyStrategy());
 * ```
 *
 * @module
 */

export { testCheckpoints } from "./checkpoints/checkpoints.ts";
export type { CheckpointPlace } from "./checkpoints/place.ts";
export { type CodecTestOptions, testCodec } from "./codec/codec.ts";
export { type HandlerTestOptions, testHandler } from "./handler/handler.ts";
export { testClientPool } from "./pool/pool.ts";
export type { RegisterTest, TestOptions } from "./register.ts";
export { type StrategyTestOptions, testStrategy } from "./strategy/strategy.ts";
export { testTransport, type TransportTestOptions } from "./transport/transport.ts";
