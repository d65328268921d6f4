import { lazy } from "../base/lazy.ts";
import { loadEncoder } from "../wire/cbor.ts";

/**
 * Loads the modules that servers and clients load where they need them: while a world runs, the
 * first of its processes that needs one would wait for real time. What they make of them once in a
 * thread is made here as well, so that the first world of a thread runs like those after it.
 */
export const preload = /* @__PURE__ */ lazy(() =>
  Promise.all([
    import("node:crypto"),
    import("../client/client_run.ts"),
    import("../client/secure/secure_part.ts"),
    import("../codec/delta.ts"),
    import("../codec/difference.ts"),
    import("../codec/registry.ts"),
    import("../codec/vector_coder.ts"),
    import("../round/run_round.ts"),
    import("../server/run/run.ts"),
    import("../server/secure/secure_rounds.ts"),
    import("../wire/deps.ts"),
    loadEncoder(),
  ])
);
