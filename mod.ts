/**
 * Federated learning on Deno: a server holds a global model, clients train it on data that never leaves them.
 *
 * This entry point loads no machine-learning library; `@fedlab/core/tfjs` has the handler that trains with TensorFlow.js.
 *
 * @module
 */

export * from "./src/auth/mod.ts";
export * from "./src/client/mod.ts";
export * from "./src/data/mod.ts";
export * from "./src/base/errors.ts";
export * from "./src/base/log/log.ts";
export * from "./src/net/mod.ts";
export * from "./src/params/mod.ts";
export * from "./src/plan/mod.ts";
export * from "./src/base/random.ts";
export * from "./src/round/mod.ts";
export * from "./src/server/mod.ts";
export * from "./src/sim/mod.ts";
export * from "./src/store/mod.ts";
export * from "./src/strategy/mod.ts";
export * from "./src/train/mod.ts";
export * from "./src/base/version.ts";
export * from "./src/wire/mod.ts";
