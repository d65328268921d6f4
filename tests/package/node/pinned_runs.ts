import { equal } from "node:assert/strict";
import { test } from "node:test";
import { DIGESTS } from "../../helpers/pinned_digests.ts";
import { digestOf, PINNED_RUNS } from "../../helpers/pinned_runs.ts";

for (const [name, run] of Object.entries(PINNED_RUNS)) {
  // Node has no sockets of Deno, and TensorFlow.js is not installed.
  if (run.by === "tcp" || run.by === "websocket" || run.engine === "tfjs") continue;
  test(`the model of ${name} is that of Deno, bit for bit`, async () => {
    equal(await digestOf(run), DIGESTS[name]);
  });
}
